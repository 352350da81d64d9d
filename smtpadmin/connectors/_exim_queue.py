"""Exim's queue: the whole of it as it is read, some messages of it by their IDs, their number."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from smtpadmin.connectors._exim_commands import EximCommands, both, text_of
from smtpadmin.connectors._lines import whole_lines
from smtpadmin.formats.exim_actions import is_permission_denied
from smtpadmin.formats.exim_queue import SPOOL_FILE_GONE, WAITING, EximQueueReader
from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.queue import QueueCounts, QueueEntry
from smtpadmin.transport.command import CommandResult
from smtpadmin.transport.privileges import sudo_refused
from smtpadmin.util.text import visible

MOST_IDS = 500
"""Messages named in one command."""


class EximQueue:
    """The queue of one Exim; ``server`` is the name that stands in its rows."""

    def __init__(self, exim: EximCommands, server: str) -> None:
        self._exim = exim
        self._server = server

    async def entries(self, *, default: bool = False) -> AsyncIterator[Sequence[QueueEntry]]:
        """The queue as it is read, unsorted: that is what Exim can say at once; ``default`` for the
        one without a name. Raises ProtocolError when it breaks off."""
        told: list[str] = []
        reader = EximQueueReader(told.append, self._server)
        sudo = await self._exim.lists_by_sudo()
        async with self._exim.start(["-bpr"], sudo=sudo, in_queue=not default) as running:
            async for lines in whole_lines(running.chunks()):
                if entries := [entry for line in lines if (entry := reader.feed(line))]:
                    yield entries
            result = await running.finish()
        if result.status:
            self._raise(result.status, "\n".join([text_of(result.stderr), *told]))
        if last := reader.finish():
            yield [last]

    async def named(self, ids: Sequence[str]) -> dict[str, QueueEntry]:
        """Those of the messages that are in the queue now."""
        found: dict[str, QueueEntry] = {}
        for start in range(0, len(ids), MOST_IDS):
            reader = EximQueueReader(lambda _: None, self._server)
            result = await self._exim.run(["-bp", *ids[start : start + MOST_IDS]])
            if result.status:
                self._raise(result.status, both(result))
            entries = [reader.feed(line) for line in result.stdout.split(b"\n")]
            found |= {e.queue_id: e for e in [*entries, reader.finish()] if e}
        return {i: entry for i, entry in found.items() if SPOOL_FILE_GONE not in entry.flags}

    async def counts(self) -> QueueCounts:
        """All messages, frozen ones too: Exim counts no other way without listing them."""
        argv = await self._exim.argv(["-bpc"])
        result = await self._exim.runner.run(argv, privileged=await self._exim.lists_by_sudo())
        count = text_of(result.stdout).strip()
        if result.status or not (count.isascii() and count.isdigit() and len(count) < 12):
            self._raise(result.status, both(result))
        return QueueCounts({WAITING: int(count)})

    def _raise(self, status: int, said: str) -> None:
        if is_permission_denied(said) or sudo_refused(CommandResult(status, b"", said.encode())):
            raise self._exim.not_permitted()
        words = visible(" ".join(said.split("\n")).strip(), 300)
        raise ProtocolError(
            f"the listing broke off: {words or f'exit status {status}'}",
            where=self._exim.runner.where,
            remedy="Try again.",
        )
