"""Commands on this computer: a process group of its own, which ends with whoever started it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from typing import cast

from smtpadmin.model.errors import UnreachableError
from smtpadmin.transport.command_output import (
    CommandOutput,
    RunsToTheEnd,
    in_container,
    left_inside,
)
from smtpadmin.transport.privileges import Privileges, end_inside
from smtpadmin.transport.remote_line import PATH, enters_container, whole_command

TERM_S, KILL_S = 1.0, 2.0
"""Seconds that a command has to be gone after SIGTERM, and after SIGKILL."""
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


class LocalRunner(RunsToTheEnd):
    """Runs commands here, each behind ``prefix``. A :class:`CommandRunner`."""

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self._prefix = tuple(prefix)
        self._privileges = Privileges(self._prefix)

    @property
    def where(self) -> str:
        """``local``, and what commands go through."""
        return " ".join(("local", *self._prefix))

    @contextlib.asynccontextmanager
    async def start(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float | None = None,
        privileged: bool = False,
    ) -> AsyncIterator[CommandOutput]:
        """See :class:`CommandRunner`."""
        until = None if deadline is None else asyncio.get_running_loop().time() + deadline
        sudo = privileged and await self._needs_sudo()
        command = whole_command(argv, self._prefix, sudo=sudo)
        process = _Process(self.where, until)
        if enters_container(self._prefix):
            in_container(process.output)
        try:
            await process.begin(command, stdin)
            yield process.output
        finally:
            left = left_inside(process.output)
            await process.end()
            if left is not None:
                await end_inside(self.run, left)

    async def close(self) -> None:
        """Nothing is held open."""

    async def _needs_sudo(self) -> bool:
        if not self._prefix:
            return os.geteuid() != 0
        return await self._privileges.need_sudo(self.run)


class _Process(asyncio.SubprocessProtocol):
    """One process: its callbacks feed the output, its end kills the group."""

    def __init__(self, where: str, until: float | None) -> None:
        self.output = CommandOutput(where, until=until, pause=self._pause, resume=self._go_on)
        self._where = where
        self._transport: asyncio.SubprocessTransport | None = None
        self._gone = asyncio.Event()

    async def begin(self, command: Sequence[str], stdin: bytes) -> None:
        """Start it and hand it ``stdin``. A command that does not exist ends with status 127."""
        loop = asyncio.get_running_loop()
        try:
            await loop.subprocess_exec(
                lambda: self, *command, env=_environment(), start_new_session=True
            )
        except (FileNotFoundError, PermissionError) as error:
            self.output.err(os.fsencode(f"{command[0]}: {error.strerror}\n"))
            missing = isinstance(error, FileNotFoundError)
            self.output.exited(_NOT_FOUND if missing else _NOT_EXECUTABLE)
            self.output.end()
            return
        except OSError as error:
            raise UnreachableError(
                f"the command cannot be started ({error.strerror})",
                where=self._where,
                remedy="Try again when this computer is less busy.",
            ) from error
        self._feed(stdin)

    def _feed(self, stdin: bytes) -> None:
        pipe = self._transport.get_pipe_transport(0) if self._transport else None
        if pipe is None:
            return
        writer = cast(asyncio.WriteTransport, pipe)
        if stdin:
            writer.write(stdin)
        writer.close()

    async def end(self) -> None:
        """SIGTERM to the whole group, SIGKILL to who is left, and wait until the process is reaped.
        After an end of its own nothing is killed: what it left running it meant to (``postfix
        start``)."""
        if self._transport is None:
            return
        try:
            if not self.output.ended:
                self.output.drop()
                await self._kill(self._transport.get_pid())
        finally:
            self._transport.close()
        await self._ended_within(KILL_S)

    async def _kill(self, group: int) -> None:
        for number, patience in ((signal.SIGTERM, TERM_S), (signal.SIGKILL, KILL_S)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
            await self._ended_within(patience)

    async def _ended_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        return self._gone.is_set()

    # SubprocessProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It runs; it may have ended before whoever started it goes on."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Output came."""
        if fd == 1:
            self.output.out(data)
        else:
            self.output.err(data)

    def process_exited(self) -> None:
        """The process was reaped; its pipes may still hold output."""
        if self._transport is not None:
            self.output.exited(self._transport.get_returncode() or 0)
        self._gone.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Reaped, and all pipes read to their end."""
        self.output.end()

    def _pause(self) -> None:
        if pipe := self._stdout():
            pipe.pause_reading()

    def _go_on(self) -> None:
        if (pipe := self._stdout()) and not pipe.is_closing():
            pipe.resume_reading()

    def _stdout(self) -> asyncio.ReadTransport | None:
        if self._transport is None:
            return None
        return cast("asyncio.ReadTransport | None", self._transport.get_pipe_transport(1))


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "PATH": PATH}
