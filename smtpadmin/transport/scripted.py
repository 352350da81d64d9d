"""A runner that plays recorded answers: for trying a connector without a server.

What was asked is kept in ``asked``; a command that no answer was given for ends with status 127, as
on a server that does not have it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from smtpadmin.model.errors import SmtpadminError
from smtpadmin.transport.command_output import CommandOutput, RunsToTheEnd
from smtpadmin.util.tasks import TaskOwner


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded answer. ``stdout`` comes piece by piece with ``pause`` seconds before each;
    ``error`` then breaks the connection off instead of an exit status; ``hangs`` never ends."""

    stdout: bytes | Sequence[bytes] = b""
    stderr: bytes = b""
    status: int = 0
    pause: float = 0.0
    error: SmtpadminError | None = None
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One command as the connector gave it."""

    argv: tuple[str, ...]
    stdin: bytes
    privileged: bool


class ScriptedRunner(RunsToTheEnd):
    """Plays ``answers`` by argv. A sequence is played in turn, the last one for ever. A key that
    ends in ``...`` answers every command that begins with what stands before."""

    def __init__(
        self,
        answers: Mapping[tuple[str, ...], Answer | Sequence[Answer]],
        *,
        where: str = "scripted",
        unreachable: SmtpadminError | None = None,
    ) -> None:
        self._answers = {
            argv: [answer] if isinstance(answer, Answer) else list(answer)
            for argv, answer in answers.items()
        }
        self._where = where
        self._unreachable = unreachable
        self.asked: list[Asked] = []
        self.closed = False

    @property
    def where(self) -> str:
        """As given."""
        return self._where

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
        if self._unreachable is not None:
            raise self._unreachable
        self.asked.append(Asked(tuple(argv), stdin, privileged))
        until = None if deadline is None else asyncio.get_running_loop().time() + deadline
        output = CommandOutput(self.where, until=until)
        player = TaskOwner("scripted command")
        player.spawn("play", _play(self._answer(tuple(argv)), output))
        try:
            yield output
        finally:
            await player.close()

    async def close(self) -> None:
        """Note that it was called."""
        self.closed = True

    def _answer(self, argv: tuple[str, ...]) -> Answer:
        found = self._answers.get(argv)
        for length in range(len(argv), -1, -1):
            found = found or self._answers.get((*argv[:length], "..."))
        if not found:
            return Answer(stderr=f"{argv[0]}: not found\n".encode("utf-8", "replace"), status=127)
        return found.pop(0) if len(found) > 1 else found[0]


async def _play(answer: Answer, output: CommandOutput) -> None:
    pieces = [answer.stdout] if isinstance(answer.stdout, bytes) else answer.stdout
    for piece in pieces:
        await asyncio.sleep(answer.pause)
        if piece:
            output.out(piece)
    output.err(answer.stderr)
    if answer.hangs:
        await asyncio.Event().wait()
    if answer.error is None:
        output.exited(answer.status)
    output.end(answer.error)
