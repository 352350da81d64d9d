"""One command in one channel of an SSH connection (RFC 4254, section 6)."""

from __future__ import annotations

import asyncio
import signal

import asyncssh

from smtpadmin.model.errors import UnreachableError
from smtpadmin.transport.command_output import CommandOutput
from smtpadmin.transport.group_mark import Mark
from smtpadmin.transport.ssh_errors import why


class CommandChannel(asyncssh.SSHClientSession[bytes]):
    """Feeds what a command says to ``output`` and learns its process group, to end it by."""

    def __init__(self, where: str, until: float | None) -> None:
        self.output = CommandOutput(where, until=until, pause=self._pause, resume=self._resume)
        self.closed = asyncio.Event()
        self.known = asyncio.Event()
        self._where = where
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._marks = (Mark(), Mark())
        self._exited = False

    @property
    def group(self) -> int | None:
        """The command's process group on the server; None while, or if, it is not known."""
        return self._marks[0].group or self._marks[1].group

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
        if own := self._marks[datatype is not None].strip(data):
            self.own_data(own, stderr=datatype is not None)
        if self.group is not None:
            self.known.set()

    def own_data(self, data: bytes, *, stderr: bool) -> None:
        """Output of the command itself."""
        if stderr:
            self.output.err(data)
        else:
            self.output.out(data)

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
        for stderr in (False, True):
            if rest := self._marks[stderr].strip(b"", last=True):
                self.own_data(rest, stderr=stderr)
        self.known.set()
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
