"""The built-in mail server as one object: its listeners, its queue, and what the admin API asks.

Start it, stop it; between, every question is answered from the spool, the log and the counters.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from smtpadmin.builtin import notifications, spool_actions
from smtpadmin.builtin.config import Address, ServerConfig
from smtpadmin.builtin.headers import read_header
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.queue_runner import QueueRunner
from smtpadmin.builtin.smtp_in import Intake
from smtpadmin.builtin.spool import Spool
from smtpadmin.builtin.spool_actions import ActionItem
from smtpadmin.builtin.spool_records import Attempt, NewMessage, Outcome, SpooledMessage
from smtpadmin.builtin.stats import Statistics
from smtpadmin.builtin.tls import server_context
from smtpadmin.model.errors import ServerRefusedError
from smtpadmin.model.queue import (
    ActionResult,
    QueueAction,
    QueueCounts,
    QueueEntry,
    QueueRecipient,
    StoredMessage,
)
from smtpadmin.model.stats import ServerStats
from smtpadmin.util.tasks import TaskOwner

FLUSH_S = 0.1


class MailServer:
    """One server over one data folder."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.log: MailLog
        self.smtp: Address = config.smtp
        self.submission: Address | None = config.submission
        self._statistics = Statistics()
        self._spool = Spool(config.spool_path)
        self._tasks = TaskOwner("mail server")
        self._listeners: list[asyncio.Server] = []

    async def start(self) -> None:
        """Open the spool and the ports, then deliver. Raises StorageError, and OSError for a port
        that is taken."""
        self.config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._spool.open()
        try:
            self.log = MailLog(self.config.log_path, self.config.hostname)
            self._runner = QueueRunner(self.config, self._spool, self.log, self._statistics)
            self._intake = Intake(
                self.config, self._spool, self.log, self._statistics, self._runner.wake
            )
            await self._listen()
        except BaseException:
            await self._close_listeners()
            self._spool.close()
            raise
        self._tasks.spawn("log", self._flush_log())
        self._runner.start()
        self.log.write("start", message=f"listening on {self.smtp[0]}:{self.smtp[1]}")

    async def stop(self) -> None:
        """Take no more mail, end the deliveries, close the spool. Nothing accepted is lost."""
        await self._close_listeners()
        await self._runner.stop()
        await self._tasks.close()
        self._spool.close()
        self.log.write("stop", message="stopped")
        self.log.close()

    async def _listen(self) -> None:
        tls = server_context(self.config.data / "tls", self.config.hostname)
        loop = asyncio.get_running_loop()
        factory = self._intake.factory(tls, implicit=False)
        listener = await loop.create_server(factory, *self.config.smtp)
        self._listeners.append(listener)
        self.smtp = _bound(listener)
        if self.config.submission is not None:
            secure = self._intake.factory(tls, implicit=True)
            listener = await loop.create_server(secure, *self.config.submission, ssl=tls)
            self._listeners.append(listener)
            self.submission = _bound(listener)

    async def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def _flush_log(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                self.log.flush()
            except OSError as error:
                # A full disk must not end the server; what is buffered is written later.
                logging.getLogger(__name__).warning("the log cannot be written: %s", error)

    # What the admin API asks.

    async def list_queue(self) -> AsyncIterator[list[QueueEntry]]:
        """The queue in the order of arrival, in pages."""
        async for page in self._spool.listing():
            yield [_entry(message) for message in page]

    async def counts(self) -> QueueCounts:
        """Messages by queue."""
        return QueueCounts(await self._spool.counts())

    async def entry(self, queue_id: str) -> QueueEntry:
        """One queued message. Raises ServerRefusedError when it is gone."""
        message = await self._spool.get(queue_id)
        if message is None:
            raise _gone(queue_id)
        return _entry(message)

    async def message(self, queue_id: str) -> StoredMessage:
        """One message with its content and the recipients that still wait."""
        message = await self._spool.get(queue_id)
        raw = await self._spool.content(queue_id)
        if message is None or raw is None:
            raise _gone(queue_id)
        recipients = tuple(recipient.address for recipient in message.waiting)
        return StoredMessage(queue_id, message.sender, recipients, raw, _time(message.arrived))

    async def attempts(self, queue_id: str) -> list[Attempt]:
        """The last few delivery sessions of a message."""
        return await self._spool.attempts(queue_id)

    def stats(self) -> ServerStats:
        """Totals and series."""
        return self._statistics.snapshot()

    async def act(
        self, action: QueueAction, items: Sequence[ActionItem], *, dry_run: bool = False
    ) -> list[ActionResult]:
        """Do one action to many messages; one result for each, in order."""
        results = []
        for item in items:
            if dry_run:
                problem = spool_actions.check(await self._spool.get(item.queue_id), item)
                results.append(ActionResult(item.queue_id, problem is None, problem or action))
            else:
                results.append(await self._act_on(action, item))
        self._runner.wake()
        return results

    async def _act_on(self, action: QueueAction, item: ActionItem) -> ActionResult:
        now = time.time()
        fields: dict[str, object] = {}
        if action in spool_actions.SIMPLE_ACTIONS:
            result = await self._spool.change(
                lambda connection: spool_actions.simple_action(connection, action, item, now)
            )
        elif action is QueueAction.REQUEUE:
            new_id = self._spool.new_queue_id()
            result = await self._spool.change(
                lambda connection: spool_actions.requeue(connection, item, new_id, now)
            )
            fields["new_id"] = new_id
        else:
            result = await self._bounce(item, now)
        self.log.write(
            str(action) if result.ok else "action",
            queue_id=item.queue_id,
            level="info" if result.ok else "warning",
            message=f"{action}: {result.message}",
            action=str(action),
            ok=result.ok,
            **fields,
        )
        return result

    async def _bounce(self, item: ActionItem, now: float) -> ActionResult:
        message = await self._spool.get(item.queue_id)
        problem = spool_actions.check(message, item)
        if problem is not None or message is None:
            return ActionResult(item.queue_id, False, problem or "")
        raw = await self._spool.content(item.queue_id) or b""
        outcomes = [
            Outcome(r.n, r.address, "bounced", "5.0.0", "returned by the administrator", "none")
            for r in message.waiting
        ]
        new = None
        if notifications.may_notify(message):
            expires = now + self.config.schedule.expire_s
            new = notifications.failure(message, outcomes, raw, self.config.hostname, now, expires)
        done = await self._spool.end_unless_changed(item, new)
        if not done.ok:
            return done
        self._log_bounce(message, outcomes, done.message)
        return ActionResult(item.queue_id, True, "bounced")

    def _log_bounce(
        self, message: SpooledMessage, outcomes: Sequence[Outcome], new_id: str
    ) -> None:
        for outcome in outcomes:
            self._statistics.count("bounced")
            self.log.write(
                "delivery",
                queue_id=message.queue_id,
                level="warning",
                message=f"to=<{outcome.address}>, relay=none, dsn={outcome.dsn}, status=bounced"
                f" ({outcome.reply})",
                to=outcome.address,
                relay="none",
                dsn=outcome.dsn,
                status="bounced",
                reply=outcome.reply,
                delay=round(time.time() - message.arrived, 3),
            )
        if new_id:
            self.log.write(
                "notification",
                queue_id=message.queue_id,
                notification_id=new_id,
                kind="failure",
                message=f"sender failure notification: {new_id}",
                from_="",
                to=[message.sender],
            )
        self.log.write("removed", queue_id=message.queue_id, message="removed")

    async def reinject(self, stored: StoredMessage) -> str:
        """Put a kept copy back with its envelope; gives the new queue ID."""
        now = time.time()
        facts = read_header(stored.raw)
        new = NewMessage(
            sender=stored.sender,
            recipients=stored.recipients,
            raw=stored.raw,
            arrived=now,
            expires=now + self.config.schedule.expire_s,
            message_id=facts.message_id,
            subject=facts.subject,
            client_name="admin API",
        )
        queue_id = await self._spool.accept(new)
        self.log.write(
            "queued",
            queue_id=queue_id,
            message=f"from=<{new.sender}>, size={len(new.raw)}, nrcpt={len(new.recipients)},"
            f" put back (was {stored.queue_id})",
            from_=new.sender,
            to=list(new.recipients),
            size=len(new.raw),
            nrcpt=len(new.recipients),
            message_id=new.message_id,
            subject=new.subject,
            was=stored.queue_id,
        )
        self._statistics.count("accepted")
        self._runner.wake()
        return queue_id


def _bound(listener: asyncio.Server) -> Address:
    name = listener.sockets[0].getsockname()
    return (str(name[0]), int(name[1]))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _gone(queue_id: str) -> ServerRefusedError:
    return ServerRefusedError(
        "no longer in the queue", where=queue_id, remedy="Track it to see how it ended."
    )


def _entry(message: SpooledMessage) -> QueueEntry:
    recipients = tuple(
        QueueRecipient(r.address, r.reply, r.state in ("delivered", "sent"))
        for r in message.recipients
    )
    return QueueEntry(
        queue_id=message.queue_id,
        queue=message.state,
        arrived=_time(message.arrived),
        size=message.size,
        sender=message.sender,
        recipients=recipients,
        tries=message.tries,
        next_try=None if message.state in ("hold", "active") else _time(message.next_try),
        expires=_time(message.expires),
        message_id=message.message_id,
        subject=message.subject,
        client=message.client_address,
    )
