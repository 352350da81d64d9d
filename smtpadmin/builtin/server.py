"""The built-in mail server as one object: its listeners, its queue, and what the admin API asks.

Start it, stop it; between, every question is answered from the spool, the log and the counters.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from smtpadmin.builtin.config import Address, ServerConfig
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.queue_actions import QueueActions
from smtpadmin.builtin.queue_runner import QueueRunner
from smtpadmin.builtin.smtp_in import Intake
from smtpadmin.builtin.spool import Spool
from smtpadmin.builtin.spool_actions import ActionItem
from smtpadmin.builtin.spool_records import WAITING, Attempt, SpooledMessage
from smtpadmin.builtin.stats import Statistics
from smtpadmin.model.errors import ServerRefusedError, UsageError
from smtpadmin.model.queue import (
    ActionResult,
    QueueAction,
    QueueCounts,
    QueueEntry,
    QueueRecipient,
    StoredMessage,
)
from smtpadmin.model.stats import ServerStats
from smtpadmin.settings.server_tls import server_context
from smtpadmin.util.tasks import TaskOwner

FLUSH_S = 0.1
BACKLOG = 512


class MailServer:
    """One server over one data folder."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.log: MailLog
        self.smtp: Address = config.smtp
        self.submission: Address | None = config.submission
        self._statistics = Statistics()
        self._spool = Spool(config.spool_path, free_space=config.limits.free_space)
        self._tasks = TaskOwner("mail server")
        self._listeners: list[asyncio.Server] = []

    async def start(self) -> None:
        """Open the spool and the ports, then deliver. Raises StorageError, and UsageError for a
        port that cannot be had."""
        self.config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._spool.open()
        try:
            self.log = MailLog(self.config.log_path, self.config.hostname)
            await self._open_parts()
        except BaseException:
            self._close_listeners()
            self._spool.close()
            raise
        self._tasks.spawn("log", self._flush_log())
        self._runner.start()
        self.log.write("start", message=f"listening on {self.smtp[0]}:{self.smtp[1]}")

    async def _open_parts(self) -> None:
        parts = (self.config, self._spool)
        self._runner = QueueRunner(*parts, self.log, self._statistics)
        self._intake = Intake(*parts, self.log, self._statistics, self._runner.wake)
        self._actions = QueueActions(*parts, self._runner, self.log, self._statistics)
        try:
            await self._listen()
        except BaseException:
            self.log.close()
            raise

    async def stop(self) -> None:
        """Take no more mail, end the deliveries, close the spool. Nothing accepted is lost."""
        self._close_listeners()
        await self._intake.close()
        await self._runner.stop()
        await self._tasks.close()
        self._spool.close()
        self.log.write("stop", message="stopped")
        self.log.close()

    async def _listen(self) -> None:
        tls = server_context(self.config.data / "tls", self.config.hostname)
        self.smtp = await self._listen_at(self.config.smtp, tls, implicit=False)
        if self.config.submission is not None:
            self.submission = await self._listen_at(self.config.submission, tls, implicit=True)

    async def _listen_at(self, address: Address, tls: ssl.SSLContext, *, implicit: bool) -> Address:
        factory = self._intake.factory(tls, implicit=implicit)
        try:
            listener = await asyncio.get_running_loop().create_server(
                factory, *address, ssl=tls if implicit else None, backlog=BACKLOG
            )
        except OSError as error:
            raise UsageError(
                f"cannot listen there ({error.strerror or error})",
                where=f"{address[0]}:{address[1]}",
                remedy="Stop what uses the port, or choose another one.",
            ) from error
        self._listeners.append(listener)
        return _bound(listener)

    def _close_listeners(self) -> None:
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
        return await self._actions.act(action, items, dry_run=dry_run)

    async def reinject(self, stored: StoredMessage) -> str:
        """Put a kept copy back with its envelope; gives the new queue ID. Raises UsageError,
        StorageError."""
        return await self._actions.reinject(stored)


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
    """What the queue shows; recipients that have failed for good are no longer in it."""
    recipients = tuple(
        QueueRecipient(r.address, r.reply, r.state != WAITING)
        for r in message.recipients
        if r.state in (WAITING, "delivered", "sent")
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
