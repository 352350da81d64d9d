"""The queue of one Postfix instance: streamed from ``postqueue -j``, or ``-p`` where that is old."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from dataclasses import replace

from smtpadmin.connectors._postfix_commands import PostfixCommands, failure
from smtpadmin.formats import postfix_mailq
from smtpadmin.formats.postfix_queue import (
    MOST_LINE,
    NULL_SENDER,
    EntryParser,
    NotAnEntryError,
)
from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.queue import QueueCounts, QueueEntry
from smtpadmin.transport.command import CommandResult
from smtpadmin.util.text import visible

MOST_LISTING = 512 * 1024 * 1024
LISTING_DEADLINE = 600.0
"""Seconds for a whole listing; one that is silent for long is ended by who asked for it."""

_QUEUE_NAME = re.compile(rb'\{"queue_name": ?"([a-z]{1,20})"')
_QUEUE_ID = re.compile(rb'"queue_id": ?"([0-9A-Za-z]{1,40})"')
_HEAD = 120
"""Octets of a line in which its ID stands."""
_OLD = re.compile(rb"invalid option|illegal option|usage: postqueue")


class PostfixQueue:
    """Lists one instance's queue."""

    def __init__(self, commands: PostfixCommands) -> None:
        self._commands = commands
        self._json = True

    @property
    def command(self) -> tuple[str, ...]:
        """What lists."""
        return self._commands.argv("postqueue", "-j" if self._json else "-p")

    async def batches(
        self, wanted: Collection[str] | None = None
    ) -> AsyncGenerator[Sequence[QueueEntry], None]:
        """Entries as they arrive, all or those with the wanted IDs. Raises ProtocolError when the
        listing breaks off, and what :func:`failure` says."""
        parser = EntryParser(await self._null_sender(), self._commands.profile.name)
        if self._json:
            try:
                async with contextlib.aclosing(self._lines()) as arriving:
                    async for lines in arriving:
                        batch, broken = self._entries(parser, _only(lines, wanted))
                        if batch:
                            yield batch
                        if broken is not None:
                            raise broken
            except _TooOldError:
                self._json = False
        if not self._json:
            yield await self._old_listing()

    async def find(self, wanted: Iterable[str]) -> dict[str, QueueEntry]:
        """The entries with these IDs that are in the queue now."""
        left = set(wanted)
        found: dict[str, QueueEntry] = {}
        async with contextlib.aclosing(self.batches(left)) as arriving:
            async for batch in arriving:
                found.update((e.queue_id, e) for e in batch if e.queue_id in left)
                if len(found) == len(left):
                    break
        return found

    async def counts(self) -> QueueCounts:
        """Messages by queue; only the first member of each line is read."""
        counted: Counter[str] = Counter()
        if self._json:
            await self._commands.resolve()
            try:
                async with contextlib.aclosing(self._lines()) as arriving:
                    async for lines in arriving:
                        counted.update(map(_queue_of, lines))
            except _TooOldError:
                self._json = False
        if not self._json:
            counted = Counter(entry.queue for entry in await self._old_listing())
        return QueueCounts(dict(counted))

    async def _null_sender(self) -> str:
        settings = await self._commands.settings()
        return settings.get("empty_address_recipient") or NULL_SENDER

    async def _lines(self) -> AsyncGenerator[list[bytes], None]:
        """Whole lines, as many as came."""
        rest: list[bytes] = []
        length = 0
        command = self._commands.argv("postqueue", "-j")
        async with self._commands.runner.start(command, deadline=LISTING_DEADLINE) as running:
            async for chunk in running.chunks():
                begin, feed, end = chunk.rpartition(b"\n")
                if feed:
                    yield b"".join((*rest, begin)).split(b"\n")
                    rest, length = [], 0
                rest.append(end)
                length += len(end)
                if length > MOST_LINE:
                    raise self._broken("a line does not end")
            result = await running.finish()
        last = b"".join(rest)
        if last and result.status == 0:
            yield [last]
        self._check(result, bool(last))

    def _check(self, result: CommandResult, cut: bool) -> None:
        if result.status == 0:
            return
        if _OLD.search(result.stderr):
            raise _TooOldError
        if result.status < 0 or (cut and not result.stderr):
            raise self._broken(f"postqueue ended with status {result.status}")
        raise failure(result, "postqueue", self._commands.runner.where)

    def _entries(
        self, parser: EntryParser, lines: Sequence[bytes]
    ) -> tuple[list[QueueEntry], ProtocolError | None]:
        """The entries up to a line that is none, and what is wrong with that."""
        entries: list[QueueEntry] = []
        try:
            entries.extend(parser.entry(line) for line in lines if line)
        except NotAnEntryError as error:
            return entries, self._broken(f"a line {error}")
        return entries, None

    def _broken(self, why: str) -> ProtocolError:
        return ProtocolError(
            f"the listing broke off: {visible(why, 300)}",
            where=self._commands.runner.where,
            remedy="Try again.",
        )

    async def _old_listing(self) -> list[QueueEntry]:
        """``postqueue -p``: for people, without a year, in the server's own time."""
        runner = self._commands.runner
        result = await runner.run(
            self._commands.argv("postqueue", "-p"), most=MOST_LISTING, deadline=LISTING_DEADLINE
        )
        if result.status:
            raise failure(result, "postqueue", runner.where)
        now = await self._commands.clock()
        problems: list[str] = []
        lines = result.stdout.split(b"\n")
        entries = list(postfix_mailq.parse(lines, now, problems.append))
        if problems:
            raise self._broken(problems[0])
        name = self._commands.profile.name
        return [replace(entry, server=name) for entry in entries]


class _TooOldError(Exception):
    """Postfix before 3.1 has no ``-j``."""


def _only(lines: Sequence[bytes], wanted: Collection[str] | None) -> Sequence[bytes]:
    """Lines of the wanted IDs, and those of which the ID is not seen at once."""
    if wanted is None:
        return lines
    heads = ((_QUEUE_ID.search(line, 0, _HEAD), line) for line in lines)
    return [line for head, line in heads if head is None or head[1].decode() in wanted]


def _queue_of(line: bytes) -> str:
    found = _QUEUE_NAME.match(line)
    return found[1].decode() if found else "unknown"
