"""One action on the messages of several servers that fit a filter: look first, then act on each.

Every server is asked at the same time and answers for itself: one that cannot be reached, or lacks
the action, stops no other. What is acted on is exactly what was shown; the rules of ``actions``
(levels, identity, copies, journal) hold on every server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from smtpadmin.connectors.api import QueueSource, ability
from smtpadmin.model.errors import NotPermittedError, SmtpadminError
from smtpadmin.model.filter import Filter
from smtpadmin.model.queue import QueueAction, QueueEntry
from smtpadmin.services.action_preview import ActionPreview
from smtpadmin.services.actions import ActionOutcome, QueueActions
from smtpadmin.services.filtering import queue_matcher
from smtpadmin.util.tasks import TaskOwner

T = TypeVar("T")
LIST_DEADLINE = 120.0
"""Seconds for one server's listing."""


@dataclass(frozen=True, slots=True)
class BulkServer:
    """A server that may take part."""

    name: str
    connector: object
    actions: QueueActions


@dataclass(frozen=True, slots=True)
class Found:
    """What fits on one server; ``error`` is why nothing can be done there."""

    server: str
    preview: ActionPreview | None = None
    error: SmtpadminError | None = None

    @property
    def count(self) -> int:
        """Messages that would be acted on."""
        usable = self.preview is not None and self.error is None
        return self.preview.count if usable and self.preview is not None else 0


@dataclass(frozen=True, slots=True)
class Done:
    """How it went on one server; ``error`` is why it stopped or was not begun."""

    server: str
    outcome: ActionOutcome | None = None
    error: SmtpadminError | None = None


class BulkAction:
    """An action over servers. Look with :meth:`look`, then :meth:`run` on what was found."""

    def __init__(self, servers: Sequence[BulkServer], action: QueueAction, wanted: Filter) -> None:
        self.action = action
        self._servers = {server.name: server for server in servers}
        self._passes = queue_matcher(wanted)

    async def look(self) -> AsyncIterator[Found]:
        """What fits, server by server as they answer. Changes nothing."""
        async for found in _as_answered({s: self._look_at(s) for s in self._servers.values()}):
            yield found

    async def run(self, found: Sequence[Found], *, keep_copies: bool = True) -> AsyncIterator[Done]:
        """Do it to what was found, on all servers at the same time; the caller has asked the user."""
        jobs = {
            self._servers[each.server]: self._act_on(each, keep_copies)
            for each in found
            if each.count
        }
        async for done in _as_answered(jobs):
            yield done

    def cancel(self) -> None:
        """Stop on every server after the messages now being handled."""
        for server in self._servers.values():
            server.actions.cancel()

    async def _look_at(self, server: BulkServer) -> Found:
        try:
            async with asyncio.timeout(LIST_DEADLINE):
                entries = await self._entries(server)
        except SmtpadminError as error:
            return Found(server.name, error=error)
        except TimeoutError:
            late = SmtpadminError(f"no listing within {LIST_DEADLINE:g} s", where=server.name)
            return Found(server.name, error=late)
        preview = server.actions.preview(self.action, entries)
        refused = None
        if not preview.available:
            refused = NotPermittedError(
                f"{self.action} is not possible: {preview.why_not}", where=server.name
            )
        return Found(server.name, preview, refused)

    async def _entries(self, server: BulkServer) -> list[QueueEntry]:
        source = ability(server.connector, QueueSource)
        if source is None:
            raise NotPermittedError("this kind of server shows no queue", where=server.name)
        now = datetime.now(UTC)
        return [
            entry
            async for batch in source.list_queue()
            for entry in batch
            if self._passes(entry, now)
        ]

    async def _act_on(self, found: Found, keep_copies: bool) -> Done:
        preview, server = found.preview, self._servers[found.server]
        assert preview is not None
        try:
            outcome = await server.actions.run(
                self.action,
                preview.entries,
                preview.confirm(preview.typed_name),
                keep_copies=keep_copies,
            )
        except SmtpadminError as error:
            return Done(server.name, error=error)
        return Done(server.name, outcome, outcome.error)


async def _as_answered(jobs: Mapping[BulkServer, Coroutine[Any, Any, T]]) -> AsyncIterator[T]:
    """Results in the order in which they come; leaving the loop early ends the other jobs."""
    owner = TaskOwner("bulk")
    pending = {
        task for server, job in jobs.items() if (task := owner.spawn(server.name, job)) is not None
    }
    try:
        while pending:
            ended, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                yield task.result()
    finally:
        await owner.close()
