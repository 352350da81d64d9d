"""Delivers what is due, writes down each outcome at once, and decides what a round of tries means:
through, again later, or given up.

The order of writing is what keeps the promise: outcomes of a destination are on disk as soon as its
session ends, and a message leaves by the same commit that puts its notification in. When the disk
is full, outcomes wait in memory; nothing is delivered again because it could not be written down.
"""

from __future__ import annotations

import asyncio
import functools
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from smtpadmin.builtin import notifications, schedule, spool_actions
from smtpadmin.builtin.config import ServerConfig
from smtpadmin.builtin.delivery import Deliverer
from smtpadmin.builtin.delivery_log import DeliveryLog
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.routes import Destination, destination_of
from smtpadmin.builtin.spool import Spool
from smtpadmin.builtin.spool_records import (
    NewMessage,
    Outcome,
    Settlement,
    SpooledMessage,
    SpooledRecipient,
)
from smtpadmin.builtin.stats import Statistics
from smtpadmin.model.errors import SmtpadminError, StorageError
from smtpadmin.util.tasks import TaskOwner

T = TypeVar("T")
MOST_CLAIMED = 200
"""Messages in memory (without content): enough that a slow destination does not hold up others."""
MOST_WAIT_S = 30.0
GRACE_S = 2.0
AFTER_STORAGE_ERROR_S = 2.0
MAILBOX_DEADLINE_S = 30.0


class QueueRunner:
    """Owns the running deliveries. ``wake`` makes it look at once."""

    def __init__(
        self, config: ServerConfig, spool: Spool, log: MailLog, statistics: Statistics
    ) -> None:
        self._config = config
        self._spool = spool
        self._log = log
        self._words = DeliveryLog(config.schedule, log, statistics)
        self._tasks = TaskOwner("queue", self._on_task_error)
        self._wake = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._claimed: dict[str, asyncio.Task[None]] = {}
        self._begun: set[str] = set()
        self._slots = asyncio.Semaphore(config.limits.deliveries)
        self._lanes: weakref.WeakValueDictionary[Destination, asyncio.Semaphore] = (
            weakref.WeakValueDictionary()
        )
        self._deliverer = Deliverer(config)

    def start(self) -> None:
        """Begin to deliver."""
        self._main = self._tasks.spawn("runner", self._run())

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def stop(self) -> None:
        """Begin nothing more, give deliveries that have begun :data:`GRACE_S` to end; what has not
        ended is tried again after the next start."""
        if self._main is not None:
            self._main.cancel()
        for queue_id, task in self._claimed.items():
            if queue_id not in self._begun:
                task.cancel()
        if self._claimed:
            await asyncio.wait(self._claimed.values(), timeout=GRACE_S)
        await self._tasks.close(timeout=3.0)

    async def let_go(self, queue_id: str, seconds: float) -> bool:
        """Make an action on a claimed message possible: one that waits for its turn is withdrawn
        (True: it stays ``active`` in the spool, and is the caller's now); for one whose delivery
        has begun, wait at most ``seconds`` for the end (False)."""
        task = self._claimed.get(queue_id)
        if task is None:
            return False
        if queue_id not in self._begun:
            task.cancel()
            return True
        await asyncio.wait([task], timeout=seconds)
        return False

    def take_back(self, queue_id: str) -> None:
        """Put a withdrawn message in line again, as soon as the disk allows."""
        give_back = functools.partial(spool_actions.give_back, queue_id=queue_id)
        self._tasks.spawn(
            f"give back {queue_id}",
            self._insist(lambda: self._spool.change(give_back), queue_id),
        )

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                wait = await self._start_due()
            except StorageError as error:
                self._storage_problem(error)
                wait = AFTER_STORAGE_ERROR_S
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _start_due(self) -> float:
        free = MOST_CLAIMED - len(self._claimed)
        if free <= 0:
            return MOST_WAIT_S
        due = await self._spool.claim_due(time.time(), free)
        for message in due:
            task = self._tasks.spawn(f"deliver {message.queue_id}", self._round(message))
            if task is not None:
                self._claimed[message.queue_id] = task
                task.add_done_callback(functools.partial(self._ended, message.queue_id))
        if len(due) == free:
            return MOST_WAIT_S
        next_due = await self._spool.next_due()
        return MOST_WAIT_S if next_due is None else min(max(next_due - time.time(), 0), MOST_WAIT_S)

    def _ended(self, queue_id: str, task: asyncio.Task[None]) -> None:
        self._claimed.pop(queue_id, None)
        self._begun.discard(queue_id)
        self._wake.set()

    async def _insist(self, write: Callable[[], Awaitable[T]], queue_id: str) -> T:
        """Write until it is written: what was delivered must not be delivered again."""
        while True:
            try:
                return await write()
            except StorageError as error:
                self._storage_problem(error, queue_id)
            await asyncio.sleep(AFTER_STORAGE_ERROR_S)

    def _storage_problem(self, error: SmtpadminError, queue_id: str | None = None) -> None:
        self._log.write(
            "error", queue_id=queue_id, level="error", message=str(error), detail=error.detail
        )

    # One round: every waiting recipient is tried once.

    async def _round(self, message: SpooledMessage) -> None:
        claimed = time.time()
        groups = self._groups(message)
        found = await asyncio.gather(
            *(self._in_lane(message, where, who, claimed) for where, who in groups.items())
        )
        self._begun.add(message.queue_id)
        await self._conclude(message, [outcome for outcomes in found for outcome in outcomes])

    def _groups(self, message: SpooledMessage) -> dict[Destination, list[SpooledRecipient]]:
        groups: dict[Destination, list[SpooledRecipient]] = {}
        for recipient in message.waiting:
            destination = destination_of(self._config, recipient.address)
            groups.setdefault(destination, []).append(recipient)
        return groups

    async def _in_lane(
        self,
        message: SpooledMessage,
        destination: Destination,
        recipients: Sequence[SpooledRecipient],
        claimed: float,
    ) -> list[Outcome]:
        """Deliver to one destination when it has room and the server has."""
        lane = self._lanes.get(destination)
        if lane is None:
            lane = asyncio.Semaphore(self._config.limits.deliveries_per_destination)
            self._lanes[destination] = lane
        async with lane, self._slots:
            self._begun.add(message.queue_id)
            return await self._deliver(message, destination, recipients, claimed)

    async def _deliver(
        self,
        message: SpooledMessage,
        destination: Destination,
        recipients: Sequence[SpooledRecipient],
        claimed: float,
    ) -> list[Outcome]:
        started = time.time()
        raw = await self._insist(lambda: self._content(message), message.queue_id)
        done = await self._deliverer.deliver(message, destination, recipients, raw)
        await self._insist(
            lambda: self._spool.record(message.queue_id, done.outcomes, done.attempts),
            message.queue_id,
        )
        for outcome in done.outcomes:
            self._words.delivery(message, outcome, claimed, started, done.setup_s)
        return done.outcomes

    async def _content(self, message: SpooledMessage) -> bytes:
        return await self._spool.content(message.queue_id) or b""

    # What a round means.

    async def _conclude(self, message: SpooledMessage, outcomes: Sequence[Outcome]) -> None:
        now = time.time()
        waiting = [outcome for outcome in outcomes if outcome.status == "deferred"]
        failed = [*message.untold, *(o for o in outcomes if o.status == "bounced")]
        expired: list[Outcome] = []
        if waiting and schedule.is_expired(now, message.expires):
            expired, waiting = [_expired(outcome) for outcome in waiting], []
            failed += expired
        told = await self._notifications(message, failed, waiting, now)
        tries = message.tries + 1
        end = Settlement(
            queue_id=message.queue_id,
            tries=tries,
            next_try=schedule.next_try(
                self._config.schedule, now, tries, message.queue_id, message.expires
            )
            if waiting
            else None,
            expired=tuple(expired),
            notifications=tuple((new_id, new) for _, new_id, new in told),
            delay_told=any(kind == "delay" for kind, _, _ in told),
        )
        await self._insist(lambda: self._spool.settle(end), message.queue_id)
        for outcome in expired:
            self._words.delivery(message, outcome, now, now, 0.0)
        for kind, new_id, new in told:
            self._words.notification(message.queue_id, new_id, kind, new)
        if end.next_try is None:
            self._log.write("removed", queue_id=message.queue_id, message="removed")

    async def _notifications(
        self,
        message: SpooledMessage,
        failed: Sequence[Outcome],
        waiting: Sequence[Outcome],
        now: float,
    ) -> list[tuple[str, str, NewMessage]]:
        """Kind, queue ID and content of what the sender must be told now."""
        kinds: list[tuple[str, Sequence[Outcome]]] = []
        if failed:
            kinds.append(("failure", failed))
        if waiting and schedule.delay_notice_due(
            self._config.schedule, now, message.arrived, message.notified
        ):
            kinds.append(("delay", waiting))
        if not kinds or not notifications.may_notify(message):
            return []
        raw = await self._insist(lambda: self._content(message), message.queue_id)
        expires = now + self._config.schedule.expire_s
        return [
            (
                kind,
                self._spool.new_queue_id(),
                notifications.make(kind, message, about, raw, self._config.hostname, now, expires),
            )
            for kind, about in kinds
        ]

    def _on_task_error(self, name: str, error: BaseException) -> None:
        self._log.write(
            "error", level="error", message=f"a bug in {name}: {type(error).__name__}: {error}"
        )


def _expired(outcome: Outcome) -> Outcome:
    reply = f"message expired after the last try: {outcome.reply}"
    return replace(outcome, status="expired", dsn="5.4.7", reply=reply)
