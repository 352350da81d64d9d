"""Looks for one message on every server that can be asked: by tracking, by queue, by what the hop
before was told. Each question has its own deadline, and a server that fails is not asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from smtpadmin.connectors.api import Connector, QueueSource, ability
from smtpadmin.formats.smtp_reply import queue_id_in
from smtpadmin.model.errors import SmtpadminError, TotalDeadlineError
from smtpadmin.model.queue import QueueEntry
from smtpadmin.model.smtp import SendResult
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage, TrackedRecipient
from smtpadmin.tracking.engine import Failures, track_servers
from smtpadmin.tracking.tracker import tracker_of

ONE_SERVER_S = 15.0
"""At most for one server's answer: a silent one must not hide the others."""
MOST_ENTRIES = 100_000
_NEVER = datetime.max.replace(tzinfo=UTC)


class ServerSearch:
    """``found`` has the messages by server; ``failures`` who could not be asked."""

    def __init__(self, connectors: Mapping[str, Connector], origin: str | None) -> None:
        names = sorted(connectors, key=lambda name: name != origin)
        self._connectors = {name: connectors[name] for name in names}
        self._origin = origin
        self.found: dict[str, list[TrackedMessage]] = {}
        self.failures: dict[str, SmtpadminError] = {}

    @property
    def trackers(self) -> frozenset[str]:
        """Servers that can be tracked and have not failed."""
        return frozenset(n for n, c in self._asked().items() if tracker_of(c) is not None)

    @property
    def can_ask(self) -> bool:
        """Whether there is any server to ask."""
        return bool(self._asked())

    def _asked(self) -> dict[str, Connector]:
        return {
            name: connector
            for name, connector in self._connectors.items()
            if name not in self.failures
            and (tracker_of(connector) is not None or ability(connector, QueueSource) is not None)
        }

    async def ask_all(self, result: SendResult) -> None:
        """One round; what a server has said once it is not asked to unsay."""
        asked = self._asked()
        answers = await asyncio.gather(*(self._ask(name, result) for name in asked))
        for name, answer in zip(asked, answers, strict=True):
            if answer:
                self.found[name] = answer

    async def _ask(self, name: str, result: SendResult) -> list[TrackedMessage]:
        """By Message-ID; where that finds nothing, by the queue ID which the hop before was told."""
        if tracker_of(self._connectors[name]) is None:
            return await self._ask_queue(name, result)
        criteria = [TrackCriteria(message_id=result.message_id)]
        if name == self._origin and result.queue_id:
            criteria.append(TrackCriteria(queue_id=result.queue_id))
        criteria += [
            TrackCriteria(queue_id=queue_id, recipient=recipient)
            for queue_id, recipient in self._handed_on(name)
        ]
        for criterion in criteria:
            found = await self._track(name, criterion)
            if found:
                return found
        return []

    def along_the_way(self) -> list[tuple[str, list[TrackedMessage]]]:
        """What was found, whoever handed the message on before whoever took it, which an ID in the
        reply tells; else the origin first, then by arrival."""
        ids = {name: {q for m in found for q in m.queue_ids} for name, found in self.found.items()}
        left = [name for name in self._connectors if self.found.get(name)]
        left.sort(key=lambda name: (name != self._origin, _arrival(self.found[name])))
        ordered: list[str] = []
        while left:
            given = {
                name: {queue_id for queue_id, _ in self._handed_on(name, left)} for name in left
            }
            following = next((name for name in left if not given[name] & ids[name]), left[0])
            left.remove(following)
            ordered.append(following)
        return [(name, self.found[name]) for name in ordered]

    def _handed_on(self, name: str, by: Collection[str] | None = None) -> list[tuple[str, str]]:
        """Queue IDs that other servers (``by``: these of them) were given by the next hop, with the
        recipient: IDs are used again, and another server's message may have the same."""
        others = (
            message
            for server, found in self.found.items()
            if server != name and (by is None or server in by)
            for message in found
        )
        sent = (r for m in others for r in m.recipients if r.status is DeliveryStatus.SENT)
        named = ((queue_id_in(_reply_text(r.reply or "")), r.address) for r in sent)
        return [(queue_id, address) for queue_id, address in named if queue_id is not None]

    async def _track(self, name: str, criteria: TrackCriteria) -> list[TrackedMessage]:
        failures, found = Failures(), list[TrackedMessage]()
        try:
            async with asyncio.timeout(ONE_SERVER_S):
                async for message in track_servers(
                    {name: self._connectors[name]}, criteria, failures
                ):
                    found.append(message)
        except TimeoutError:
            self.failures[name] = _silent(name)
        self.failures.update(failures.by_server)
        return found

    async def _ask_queue(self, name: str, result: SendResult) -> list[TrackedMessage]:
        """A server without tracking shows what waits, and only that: what is gone has an unknown end."""
        wanted = result.queue_id if name == self._origin else None
        entries = await self._listed(name)
        found = [
            _as_tracked(entry)
            for entry in entries
            if entry.message_id == result.message_id or (wanted and entry.queue_id == wanted)
        ]
        if found or name in self.failures:
            return found
        return [_gone(message) for message in self.found.get(name, [])]

    async def entries_of(self, name: str, messages: list[TrackedMessage]) -> dict[str, QueueEntry]:
        """What the queue says of these messages, by queue ID."""
        ids = {queue_id for message in messages for queue_id in message.queue_ids}
        return {e.queue_id: e for e in await self._listed(name) if e.queue_id in ids}

    async def _listed(self, name: str) -> list[QueueEntry]:
        source = ability(self._connectors[name], QueueSource)
        entries: list[QueueEntry] = []
        if source is None or name in self.failures:
            return entries
        try:
            async with asyncio.timeout(ONE_SERVER_S):
                async for batch in source.list_queue():
                    entries += batch
                    if len(entries) > MOST_ENTRIES:
                        break
        except SmtpadminError as error:
            self.failures[name] = error
        except TimeoutError:
            self.failures[name] = _silent(name)
        return entries


def _arrival(found: Sequence[TrackedMessage]) -> datetime:
    return min((m.arrived for m in found if m.arrived is not None), default=_NEVER)


def _silent(name: str) -> TotalDeadlineError:
    return TotalDeadlineError(f"no answer within {ONE_SERVER_S:g} s", where=name)


def _reply_text(reply: str) -> str:
    """Without code and enhanced status code, as :func:`queue_id_in` wants it."""
    return reply.strip().removeprefix("250").lstrip(" -")


def _as_tracked(entry: QueueEntry) -> TrackedMessage:
    status = DeliveryStatus.HELD if entry.queue == "hold" or entry.frozen else DeliveryStatus.QUEUED
    if entry.queue == "deferred":
        status = DeliveryStatus.DEFERRED
    recipients = tuple(
        TrackedRecipient(
            r.address, DeliveryStatus.SENT if r.delivered else status, reply=r.reason,
            queue_id=entry.queue_id,
        )
        for r in entry.recipients
    )  # fmt: skip
    return TrackedMessage(
        (entry.queue_id,), status, recipients, message_id=entry.message_id, sender=entry.sender,
        size=entry.size, arrived=entry.arrived,
    )  # fmt: skip


def _gone(message: TrackedMessage) -> TrackedMessage:
    recipients = tuple(
        replace(r, status=DeliveryStatus.UNKNOWN, reply="it has left the queue")
        if r.status is not DeliveryStatus.SENT
        else r
        for r in message.recipients
    )
    return replace(message, status=DeliveryStatus.UNKNOWN, recipients=recipients)
