"""A shell that waits on the server for one command after the other.

sshd runs every command through the account's login shell, and bash then reads ``~/.bashrc`` first,
which may take longer than the command. A standing ``/bin/sh`` has that behind it. It saves the
opening of a channel too: a command is one round trip.
"""

from __future__ import annotations

import secrets
import signal
from collections.abc import Sequence

from smtpadmin.transport.command_output import CommandOutput
from smtpadmin.transport.remote_line import shell_script
from smtpadmin.transport.ssh_channel import CommandChannel

_MOST_ENDING = 100
"""Octets of a token, an exit status and the line feed; a server that sends more plays tricks."""
_SIGNALLED = 128
"""sh(1): the status of a command that a signal ended is this and the signal's number."""


class Ending:
    """Finds the token that ends a stream, however the octets arrive. ``rest`` is then what stood
    between it and the line feed: the exit status, or nothing."""

    def __init__(self, token: bytes) -> None:
        self._token = token
        self._held = bytearray()
        self.rest: bytes | None = None

    def take(self, data: bytes) -> bytes:
        """What of the stream is known to stand before the token."""
        self._held += data
        at = self._held.find(self._token)
        if at < 0:
            at = len(self._held) - self._begun()
        elif (end := self._held.find(b"\n", at)) >= 0:
            self.rest = bytes(self._held[at + len(self._token) : end])
        elif len(self._held) - at > _MOST_ENDING:
            self.rest = b""
        before = bytes(self._held[:at])
        del self._held[:at]
        return before

    def _begun(self) -> int:
        """How many of the last octets may be the token's first: a line that is followed must not
        wait for the next one."""
        most = min(len(self._token) - 1, len(self._held))
        return next((n for n in range(most, 0, -1) if self._held.endswith(self._token[:n])), 0)


class ShellChannel(CommandChannel):
    """One standing shell. ``output`` is that of the command it runs, or ran last."""

    def __init__(self, where: str, until: float | None) -> None:
        super().__init__(where, until)
        self.output.end()
        self._endings: tuple[Ending, Ending] | None = None

    @property
    def idle(self) -> bool:
        """Whether it can take a command."""
        return self.opened and self._endings is None and not self.closed.is_set()

    def begin(self, command: Sequence[str], until: float | None) -> CommandOutput:
        """Run a command without input. Raises UsageError when its line is too long."""
        token = secrets.token_hex(16).encode("ascii")
        script = shell_script(command, token)
        self.output = CommandOutput(
            self._where, until=until, pause=self._pause, resume=self._resume
        )
        self._endings = (Ending(token), Ending(token))
        if self._channel is not None:
            self._channel.write(script)
        return self.output

    def own_data(self, data: bytes, *, stderr: bool) -> None:
        """Output of the command, or of nobody between commands."""
        if self._endings is None:
            return
        own = self._endings[stderr].take(data)
        if stderr:
            self.output.err(own)
        elif own:
            self.output.out(own)
        status, other = (ending.rest for ending in self._endings)
        if status is not None and other is not None:
            self._endings = None
            self.output.exited(_status(status))
            self.output.end()

    def exit_status_received(self, status: int) -> None:
        """The shell itself ended: if in the middle of a command, that is lost."""

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """As above."""


def _status(text: bytes) -> int:
    number = int(text) if text.strip().isdigit() else _SIGNALLED
    signalled = number - _SIGNALLED
    return -signalled if signalled in signal.valid_signals() else number
