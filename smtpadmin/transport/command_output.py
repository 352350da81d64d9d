"""What a running command says, gathered by callbacks and read as it comes.

``local`` and ``ssh`` both hear of output by callback; this turns it into :class:`RunningCommand`
with back-pressure (a reader that is slow pauses the command), a total deadline and capped stderr.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from smtpadmin.model.errors import ProtocolError, SmtpadminError, TotalDeadlineError
from smtpadmin.transport.command import MOST_OUTPUT, RUN_DEADLINE, CommandResult
from smtpadmin.transport.group_mark import INSIDE_MARK, Mark

MOST_STDERR = 64 * 1024
"""Octets of standard error that are kept; the rest is dropped."""

HIGH_WATER = 1024 * 1024
"""Octets waiting to be read at which the command is paused; half of it lets it go on."""


class CommandOutput:
    """One running command. ``until`` is the loop's time of its deadline; ``pause`` and ``resume``
    stop and restart the flow of its output; ``inside`` takes out what a container told first."""

    def __init__(
        self,
        where: str,
        *,
        until: float | None = None,
        pause: Callable[[], None] | None = None,
        resume: Callable[[], None] | None = None,
    ) -> None:
        self.inside: Mark | None = None
        self._where = where
        self._until = until
        self._pause = pause
        self._resume = resume
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._stderr = bytearray()
        self._status: int | None = None
        self._error: SmtpadminError | None = None
        self._ended = False
        self._dropping = False
        self._news = asyncio.Event()

    # What the command's transport calls

    def out(self, data: bytes) -> None:
        """Standard output came."""
        if self._dropping:
            return
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= HIGH_WATER and not self._paused and self._pause is not None:
            self._paused = True
            self._pause()
        self._news.set()

    def err(self, data: bytes) -> None:
        """Standard error came."""
        if self.inside is not None:
            data = self.inside.strip(data)
        self._stderr += data[: MOST_STDERR - len(self._stderr)]

    def exited(self, status: int) -> None:
        """The command ended; output that it left may still come."""
        self._status = status

    def end(self, error: SmtpadminError | None = None) -> None:
        """Nothing more comes; ``error`` says why when the command did not end by itself."""
        if not self._ended:
            if self.inside is not None:
                self.err(self.inside.strip(b"", last=True))
            self._ended, self._error = True, error
            self._news.set()

    def drop(self) -> None:
        """Nobody reads any more: let what still comes flow by, so that the end can come."""
        self._dropping = True
        self._waiting.clear()
        self._size = 0
        self._flow()

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self._ended

    @property
    def stderr(self) -> bytes:
        """Standard error so far."""
        return bytes(self._stderr)

    # RunningCommand

    async def chunks(self) -> AsyncIterator[bytes]:
        """Standard output as it comes. Raises UnreachableError when the connection breaks and
        TotalDeadlineError when time is up."""
        while True:
            while self._waiting:
                data = self._waiting.popleft()
                self._size -= len(data)
                self._flow()
                yield data
            if self._ended:
                self._raise_if_lost()
                return
            await self._wait()

    async def finish(self) -> CommandResult:
        """Wait for the end and drop output that nobody read."""
        async for _ in self.chunks():
            pass
        return CommandResult(-1 if self._status is None else self._status, b"", self.stderr)

    def _flow(self) -> None:
        if self._paused and self._size <= HIGH_WATER // 2 and self._resume is not None:
            self._paused = False
            self._resume()

    def _raise_if_lost(self) -> None:
        if self._error is not None:
            raise self._error

    async def _wait(self) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout_at(self._until):
                await self._news.wait()
        except TimeoutError as error:
            raise out_of_time(self._where) from error


def in_container(output: CommandOutput) -> CommandOutput:
    """Expect :data:`INSIDE_MARK` on standard error."""
    output.inside = Mark(INSIDE_MARK)
    return output


def left_inside(output: CommandOutput) -> int | None:
    """The process that may still run in a container, if the command did not end by itself."""
    unfinished = output.inside is not None and not output.ended
    return output.inside.group if unfinished and output.inside is not None else None


def out_of_time(where: str) -> TotalDeadlineError:
    """The error of a command that took longer than it may."""
    return TotalDeadlineError(
        "the command did not end in time",
        where=where,
        remedy="Try again; the server may be busy.",
    )


async def collect(running: CommandOutput, where: str, most: int) -> CommandResult:
    """Read a command to its end. Raises ProtocolError past ``most`` octets."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in running.chunks():
        size += len(chunk)
        if size > most:
            raise ProtocolError(
                f"the command printed more than {most} octets",
                where=where,
                remedy="Narrow down what is asked for.",
            )
        pieces.append(chunk)
    done = await running.finish()
    return CommandResult(done.status, b"".join(pieces), done.stderr)


class RunsToTheEnd(ABC):
    """What every :class:`CommandRunner` does alike: ``run``, over its own ``start``."""

    @property
    @abstractmethod
    def where(self) -> str:
        """See :class:`CommandRunner`."""

    @abstractmethod
    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float | None = None,
        privileged: bool = False,
    ) -> AbstractAsyncContextManager[CommandOutput]:
        """See :class:`CommandRunner`."""

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float = RUN_DEADLINE,
        privileged: bool = False,
        most: int = MOST_OUTPUT,
    ) -> CommandResult:
        """See :class:`CommandRunner`."""
        async with self.start(
            argv, stdin=stdin, deadline=deadline, privileged=privileged
        ) as running:
            return await collect(running, self.where, most)
