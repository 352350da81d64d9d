"""One command in one channel of an SSH connection (RFC 4254, section 6)."""

from __future__ import annotations

import asyncio
import re
import signal

import asyncssh

from smtpadmin.model.errors import UnreachableError
from smtpadmin.transport.command_output import CommandOutput
from smtpadmin.transport.remote_line import GROUP_MARK
from smtpadmin.transport.ssh_errors import why

_GROUP = re.compile(re.escape(GROUP_MARK) + rb"([0-9]{1,10})\n")
MOST_BEFORE_GROUP = 64 * 1024
"""Octets of standard error (a talkative start-up file) before the mark is no longer expected."""


class CommandChannel(asyncssh.SSHClientSession[bytes]):
    """Feeds what a command says to ``output`` and learns its process group, to end it by."""

    def __init__(self, where: str, until: float | None) -> None:
        self.output = CommandOutput(where, until=until, pause=self._pause, resume=self._resume)
        self.group: int | None = None
        self.closed = asyncio.Event()
        self.known = asyncio.Event()
        self._where = where
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._stderr = bytearray()
        self._exited = False

    @property
    def opened(self) -> bool:
        """Whether the server opened the channel; the command may then run."""
        return self._channel is not None

    def feed(self, stdin: bytes) -> None:
        """Hand the command its whole standard input."""
        if self._channel is None or self._channel.is_closing():
            return
        if stdin:
            self._channel.write(stdin)
        self._channel.write_eof()

    def close(self) -> None:
        """Close the channel, whether or not the command has ended."""
        if self._channel is not None:
            self._channel.close()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is open."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Output came."""
        if datatype is None:
            self.output.out(data)
        elif self.known.is_set():
            self.output.err(data)
        else:
            self._find_group(data)

    def exit_status_received(self, status: int) -> None:
        """The command ended by itself."""
        self._exited = True
        self.output.exited(status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """The command was ended by a signal."""
        self._exited = True
        self.output.exited(-_number(signal))

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed; without an exit status the connection broke."""
        self._give_up_mark()
        self.closed.set()
        if self._exited:
            self.output.end()
            return
        reason = f" ({why(exc)})" if exc is not None else ""
        lost = UnreachableError(
            f"the connection broke while the command ran{reason}",
            where=self._where,
            remedy="Try again; what the command did is not known.",
        )
        lost.__cause__ = exc
        self.output.end(lost)

    def _find_group(self, data: bytes) -> None:
        self._stderr += data
        found = _GROUP.search(self._stderr)
        if found is not None:
            self.group = int(found[1])
            del self._stderr[found.start() : found.end()]
        if found is not None or len(self._stderr) > MOST_BEFORE_GROUP:
            self._give_up_mark()

    def _give_up_mark(self) -> None:
        if not self.known.is_set():
            self.known.set()
            self.output.err(bytes(self._stderr))
            self._stderr.clear()

    def _pause(self) -> None:
        if self._channel is not None:
            self._channel.pause_reading()

    def _resume(self) -> None:
        if self._channel is not None and not self.closed.is_set():
            self._channel.resume_reading()


def _number(name: str) -> int:
    try:
        return int(signal.Signals[f"SIG{name}"])
    except KeyError:
        return int(signal.SIGKILL)
