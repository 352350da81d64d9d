"""Delivers what is due, writes down each outcome at once, and decides what a round of tries means:
through, again later, or given up.

The order of writing is what keeps the promise: outcomes of a session are on disk before the next
session starts, and a finished message leaves by the same commit that puts its notification in.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence

from smtpadmin.builtin import maildir, notifications, schedule
from smtpadmin.builtin.config import NextHop, ServerConfig
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.routes import LOCAL, Destination, RouteError, destination_of, next_hops
from smtpadmin.builtin.smtp_out import OutgoingSession
from smtpadmin.builtin.spool import Spool
from smtpadmin.builtin.spool_records import Attempt, Outcome, SpooledMessage, SpooledRecipient
from smtpadmin.builtin.stats import Statistics
from smtpadmin.model.errors import StorageError
from smtpadmin.util.tasks import TaskOwner, run_blocking_for

MOST_WAIT_S = 30.0
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
        self._statistics = statistics
        self._tasks = TaskOwner("queue", self._on_task_error)
        self._wake = asyncio.Event()
        self._running = 0
        self._opportunistic = _tls_context(verify=False)
        self._verifying = _tls_context(verify=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._tasks.spawn("runner", self._run())

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def stop(self) -> None:
        """Stop; what was being delivered is tried again after the next start."""
        await self._tasks.close(timeout=3.0)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                wait = await self._start_due()
            except StorageError as error:
                self._log.write("error", level="error", message=str(error), detail=error.detail)
                wait = AFTER_STORAGE_ERROR_S
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _start_due(self) -> float:
        free = self._config.limits.deliveries - self._running
        if free <= 0:
            return MOST_WAIT_S
        due = await self._spool.claim_due(time.time(), free)
        for message in due:
            self._running += 1
            self._tasks.spawn(f"deliver {message.queue_id}", self._deliver_one(message))
        if len(due) == free:
            return MOST_WAIT_S
        next_due = await self._spool.next_due()
        return MOST_WAIT_S if next_due is None else min(max(next_due - time.time(), 0), MOST_WAIT_S)

    async def _deliver_one(self, message: SpooledMessage) -> None:
        try:
            await self._round(message)
        except StorageError as error:
            self._log.write(
                "error",
                queue_id=message.queue_id,
                level="error",
                message=f"{error} The message stays in the queue.",
                detail=error.detail,
            )
            await self._put_back(message)
        finally:
            self._running -= 1
            self._wake.set()

    async def _put_back(self, message: SpooledMessage) -> None:
        while True:
            await asyncio.sleep(AFTER_STORAGE_ERROR_S)
            try:
                await self._spool.defer(message.queue_id, message.tries, time.time())
            except StorageError:
                continue
            return

    # One round: every waiting recipient is tried once.

    async def _round(self, message: SpooledMessage) -> None:
        raw = await self._spool.content(message.queue_id)
        if raw is None:
            return
        outcomes: list[Outcome] = []
        for destination, recipients in self._groups(message).items():
            outcomes += await self._deliver_group(message, destination, recipients, raw)
        await self._conclude(message, outcomes, raw)

    def _groups(self, message: SpooledMessage) -> dict[Destination, list[SpooledRecipient]]:
        groups: dict[Destination, list[SpooledRecipient]] = {}
        for recipient in message.waiting:
            destination = destination_of(self._config, recipient.address)
            groups.setdefault(destination, []).append(recipient)
        return groups

    async def _deliver_group(
        self,
        message: SpooledMessage,
        destination: Destination,
        recipients: Sequence[SpooledRecipient],
        raw: bytes,
    ) -> list[Outcome]:
        started = time.time()
        if destination.kind == LOCAL:
            outcomes, attempt = await self._to_mailboxes(message, recipients, raw, started)
        else:
            outcomes, attempt = await self._to_hosts(message, destination, recipients, raw, started)
        await self._spool.record(message.queue_id, outcomes, attempt)
        for outcome in outcomes:
            self._log_delivery(message, outcome, started)
        return outcomes

    async def _to_mailboxes(
        self,
        message: SpooledMessage,
        recipients: Sequence[SpooledRecipient],
        raw: bytes,
        now: float,
    ) -> tuple[list[Outcome], Attempt]:
        outcomes = [await self._to_mailbox(message, recipient, raw) for recipient in recipients]
        worst = max(outcomes, key=lambda o: o.status == "deferred")
        return outcomes, Attempt(now, LOCAL, worst.reply, "[]")

    async def _to_mailbox(
        self, message: SpooledMessage, recipient: SpooledRecipient, raw: bytes
    ) -> Outcome:
        folder = maildir.mailbox_folder(self._config.mailbox_path, recipient.address)
        unique = f"{int(message.arrived)}.{message.queue_id}_{recipient.n}.smtpadmin"
        try:
            await run_blocking_for(
                MAILBOX_DEADLINE_S,
                maildir.deliver,
                folder,
                unique,
                message.sender,
                recipient.address,
                raw,
            )
        except OSError as error:
            why = error.strerror or str(error)
            return Outcome(
                recipient.n, recipient.address, "deferred", "4.3.0", f"mailbox: {why}", LOCAL
            )
        return Outcome(
            recipient.n, recipient.address, "delivered", "2.0.0", "delivered to mailbox", LOCAL
        )

    async def _to_hosts(
        self,
        message: SpooledMessage,
        destination: Destination,
        recipients: Sequence[SpooledRecipient],
        raw: bytes,
        started: float,
    ) -> tuple[list[Outcome], Attempt]:
        try:
            hops = await next_hops(self._config, destination)
        except RouteError as error:
            status = "bounced" if error.dsn.startswith("5") else "deferred"
            outcomes = [
                Outcome(r.n, r.address, status, error.dsn, error.reply, "none") for r in recipients
            ]
            return outcomes, Attempt(started, "none", error.reply, "[]")
        for hop in hops:
            session = OutgoingSession(hop, self._config.hostname, self._context(hop))
            outcomes = await session.deliver(message, recipients, raw)
            if not all(outcome.dsn.startswith("4.4") for outcome in outcomes):
                break  # this host answered: the next exchanger would not know better
        return outcomes, session.attempt(started, outcomes[0].reply)

    def _context(self, hop: NextHop) -> ssl.SSLContext:
        return self._verifying if hop.require_tls else self._opportunistic

    # What a round means.

    async def _conclude(
        self, message: SpooledMessage, outcomes: Sequence[Outcome], raw: bytes
    ) -> None:
        now = time.time()
        failed = [outcome for outcome in outcomes if outcome.status == "bounced"]
        waiting = [outcome for outcome in outcomes if outcome.status == "deferred"]
        if waiting and schedule.is_expired(now, message.expires):
            expired = [_expired(outcome) for outcome in waiting]
            await self._spool.record(
                message.queue_id, expired, Attempt(now, "none", "expired", "[]")
            )
            for outcome in expired:
                self._log_delivery(message, outcome, now)
            failed, waiting = failed + expired, []
        if waiting:
            await self._wait(message, waiting, failed, raw, now)
        else:
            await self._finish(message, failed, raw, now)

    async def _wait(
        self,
        message: SpooledMessage,
        waiting: Sequence[Outcome],
        failed: Sequence[Outcome],
        raw: bytes,
        now: float,
    ) -> None:
        if failed and notifications.may_notify(message):
            await self._notify(message, "failure", failed, raw, now)
        if schedule.delay_notice_due(
            self._config.schedule, now, message.arrived, message.notified
        ) and notifications.may_notify(message):
            await self._notify(message, "delay", waiting, raw, now)
        tries = message.tries + 1
        next_try = schedule.next_try(
            self._config.schedule, now, tries, message.queue_id, message.expires
        )
        await self._spool.defer(message.queue_id, tries, next_try)

    async def _notify(
        self,
        message: SpooledMessage,
        kind: str,
        outcomes: Sequence[Outcome],
        raw: bytes,
        now: float,
    ) -> None:
        make = notifications.failure if kind == "failure" else notifications.delay
        new = make(message, outcomes, raw, self._config.hostname, now, self._expiry(now))
        new_id = await self._spool.notify(message.queue_id, new, delayed=kind == "delay")
        self._log_notification(message, new_id, kind, new.sender, new.recipients, new.message_id)
        self._wake.set()

    async def _finish(
        self, message: SpooledMessage, failed: Sequence[Outcome], raw: bytes, now: float
    ) -> None:
        new = None
        if failed and notifications.may_notify(message):
            new = notifications.failure(
                message, failed, raw, self._config.hostname, now, self._expiry(now)
            )
        new_id = await self._spool.end(message.queue_id, new)
        if new is not None and new_id is not None:
            self._log_notification(
                message, new_id, "failure", new.sender, new.recipients, new.message_id
            )
        self._log.write("removed", queue_id=message.queue_id, message="removed")

    def _expiry(self, now: float) -> float:
        return now + self._config.schedule.expire_s

    # Words.

    def _log_delivery(self, message: SpooledMessage, outcome: Outcome, started: float) -> None:
        now = time.time()
        name = {"sent": "delivered", "expired": "bounced"}.get(outcome.status, outcome.status)
        self._statistics.count(name)
        delay = round(now - message.arrived, 3)
        before = round(started - message.arrived, 3)
        self._log.write(
            "delivery",
            queue_id=message.queue_id,
            level="info" if outcome.status in ("sent", "delivered") else "warning",
            message=f"to=<{outcome.address}>, relay={outcome.relay}, delay={delay},"
            f" dsn={outcome.dsn}, status={outcome.status} ({outcome.reply})",
            to=outcome.address,
            relay=outcome.relay,
            delay=delay,
            delays=[before, round(now - started, 3)],
            dsn=outcome.dsn,
            status=outcome.status,
            reply=outcome.reply,
            tries=message.tries + 1,
        )

    def _log_notification(
        self,
        message: SpooledMessage,
        new_id: str | None,
        kind: str,
        sender: str,
        recipients: Sequence[str],
        message_id: str | None,
    ) -> None:
        self._log.write(
            "notification",
            queue_id=message.queue_id,
            message=f"sender {kind} notification: {new_id}",
            notification_id=new_id,
            kind=kind,
            from_=sender,
            to=list(recipients),
            message_id=message_id,
        )

    def _on_task_error(self, name: str, error: BaseException) -> None:
        self._log.write(
            "error", level="error", message=f"a bug in {name}: {type(error).__name__}: {error}"
        )


def _expired(outcome: Outcome) -> Outcome:
    reply = f"message expired after the last try: {outcome.reply}"
    return Outcome(outcome.n, outcome.address, "expired", "5.4.7", reply, outcome.relay)


def _tls_context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        # Opportunistic TLS (RFC 7435): better than clear text, no proof of who answers.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
