"""A mail server in memory, for what a real one does only by chance: races, breaks and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from smtpadmin.connectors.api import SettingField
from smtpadmin.model.errors import ServerRefusedError, SmtpadminError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Environment, Profile, SafetyLevel
from smtpadmin.model.queue import (
    ActionOffer,
    ActionResult,
    QueueAction,
    QueueCounts,
    QueueEntry,
    QueueRecipient,
    StoredMessage,
)
from smtpadmin.model.stats import ProbeResult

ARRIVED = datetime(2025, 11, 24, 8, tzinfo=UTC)


def profile(
    safety: SafetyLevel = SafetyLevel.FREE, environment: Environment = Environment.TEST
) -> Profile:
    return Profile(
        "u-1", "mx1", "memory", host="mx1.example", environment=environment, safety=safety
    )


def entry(number: int, queue: str = "deferred", domain: str = "one.example") -> QueueEntry:
    return QueueEntry(
        f"Q{number}",
        queue,
        ARRIVED + timedelta(seconds=number),
        1_000 + number,
        "news@corp.example",
        (QueueRecipient(f"u{number}@{domain}", "450 4.2.0 later"),),
        server="mx1",
    )


class MemoryServer:
    """Has every queue ability and a log. Faults are set by the tests."""

    id = "memory"
    title = "Memory"
    settings = (SettingField("token", "Token", secret=True),)

    def __init__(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        self.profile = profile
        self.secrets = secrets
        self.queue: dict[str, QueueEntry] = {}
        self.log: list[LogRecord] = []
        self.closed = 0
        self.listings = 0
        self.acted: list[tuple[QueueAction, list[str]]] = []
        self.reinjected: list[StoredMessage] = []
        self.batch = 10
        self.probe_errors: list[SmtpadminError] = []
        self.listing_breaks: tuple[int, SmtpadminError] | None = None
        self.listing_hangs_after: int | None = None
        self.fetch_errors: dict[str, SmtpadminError] = {}
        self.act_error: SmtpadminError | None = None
        self.refuses: set[str] = set()
        self.before_act: Callable[[], object] = lambda: None
        self.follow_breaks: list[SmtpadminError] = []
        self._lines = asyncio.Condition()

    def put(self, *entries: QueueEntry) -> MemoryServer:
        self.queue.update({e.queue_id: e for e in entries})
        return self

    async def probe(self) -> ProbeResult:
        if self.probe_errors:
            raise self.probe_errors.pop(0)
        return ProbeResult("memory", "1")

    async def close(self) -> None:
        self.closed += 1

    async def list_queue(self) -> AsyncIterator[Sequence[QueueEntry]]:
        self.listings += 1
        entries = list(self.queue.values())
        for start in range(0, len(entries), self.batch):
            if self.listing_breaks and start >= self.listing_breaks[0]:
                raise self.listing_breaks[1]
            if self.listing_hangs_after is not None and start >= self.listing_hangs_after:
                await asyncio.Event().wait()
            yield entries[start : start + self.batch]
            await asyncio.sleep(0)

    async def queue_counts(self) -> QueueCounts:
        return QueueCounts({"deferred": len(self.queue)})

    def offers(self) -> tuple[ActionOffer, ...]:
        able = [a for a in QueueAction if a is not QueueAction.REQUEUE]
        return (
            *(ActionOffer(a, True, commands=(f"memory {a}",)) for a in able),
            ActionOffer(QueueAction.REQUEUE, False, "memory cannot requeue"),
        )

    async def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> list[ActionResult]:
        self.before_act()
        await asyncio.sleep(0)
        if self.act_error:
            raise self.act_error
        self.acted.append((action, [e.queue_id for e in entries]))
        return [self._act_on(action, e) for e in entries]

    def _act_on(self, action: QueueAction, wanted: QueueEntry) -> ActionResult:
        now = self.queue.get(wanted.queue_id)
        if now is None or now.identity != wanted.identity:
            return ActionResult(wanted.queue_id, False, "not that message any more")
        if wanted.queue_id in self.refuses:
            return ActionResult(wanted.queue_id, False, "refused")
        if action in (QueueAction.DELETE, QueueAction.BOUNCE):
            del self.queue[wanted.queue_id]
        elif action in (QueueAction.HOLD, QueueAction.RELEASE):
            queue = "hold" if action is QueueAction.HOLD else "deferred"
            self.queue[wanted.queue_id] = replace(now, queue=queue)
        return ActionResult(wanted.queue_id, True)

    async def reinject(self, message: StoredMessage) -> str:
        if message.queue_id in self.refuses:
            raise ServerRefusedError("no room")
        self.reinjected.append(message)
        return f"NEW{len(self.reinjected)}"

    async def fetch_message(self, queue_id: str) -> StoredMessage:
        if queue_id in self.fetch_errors:
            raise self.fetch_errors[queue_id]
        if queue_id not in self.queue:
            raise ServerRefusedError("gone")
        found = self.queue[queue_id]
        recipients = tuple(r.address for r in found.recipients)
        return StoredMessage(queue_id, found.sender, recipients, b"Subject: x\r\n\r\nhello\r\n")

    async def write_log(self, *records: LogRecord) -> None:
        async with self._lines:
            self.log += records
            self._lines.notify_all()

    async def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        yield [r for r in self.log if since is None or (r.time and r.time >= since)]

    async def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        told = len(self.log)
        while True:
            async with self._lines:
                await self._lines.wait_for(
                    lambda told=told: len(self.log) > told or self.follow_breaks
                )
                if self.follow_breaks:
                    raise self.follow_breaks.pop(0)
                new, told = self.log[told:], len(self.log)
            yield new

    async def break_follow(self, error: SmtpadminError) -> None:
        async with self._lines:
            self.follow_breaks.append(error)
            self._lines.notify_all()
