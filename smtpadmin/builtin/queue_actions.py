"""What an administrator does to the queue: checked, done and logged, one result for each message.

A message whose delivery has not begun is taken out of the line first; one that is being delivered
at this moment is waited for. So no action ever meets half a delivery.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from sqlite3 import Connection
from typing import TypeVar

from smtpadmin.builtin import notifications, policy, spool_actions
from smtpadmin.builtin.config import ServerConfig
from smtpadmin.builtin.delivery_log import DeliveryLog
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.queue_runner import QueueRunner
from smtpadmin.builtin.spool import Spool
from smtpadmin.builtin.spool_actions import ActionItem
from smtpadmin.builtin.spool_records import NewMessage, Outcome
from smtpadmin.builtin.stats import Statistics
from smtpadmin.formats.message_header import normal_line_ends, read_header
from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.model.queue import ActionResult, QueueAction, StoredMessage

T = TypeVar("T")
WAIT_FOR_DELIVERY_S = 3.0
AGAIN_S = 0.01
AT_ONCE = 100
"""Messages whose changes may share a commit."""


class QueueActions:
    """Acts on one server's queue."""

    def __init__(
        self,
        config: ServerConfig,
        spool: Spool,
        runner: QueueRunner,
        log: MailLog,
        statistics: Statistics,
    ) -> None:
        self._config = config
        self._spool = spool
        self._runner = runner
        self._log = log
        self._statistics = statistics
        self._words = DeliveryLog(config.schedule, log, statistics)

    async def act(
        self, action: QueueAction, items: Sequence[ActionItem], *, dry_run: bool = False
    ) -> list[ActionResult]:
        """Do one action to many messages; one result for each, in order."""
        one = self._rehearse if dry_run else self._act_on
        results: list[ActionResult] = []
        for start in range(0, len(items), AT_ONCE):
            some = items[start : start + AT_ONCE]
            results += await asyncio.gather(*(one(action, item) for item in some))
        self._runner.wake()
        return results

    async def _rehearse(self, action: QueueAction, item: ActionItem) -> ActionResult:
        problem = spool_actions.check(await self._spool.get(item.queue_id), item)
        return ActionResult(item.queue_id, problem is None, problem or str(action))

    async def _act_on(self, action: QueueAction, item: ActionItem) -> ActionResult:
        deadline = time.monotonic() + WAIT_FOR_DELIVERY_S
        while True:
            left = deadline - time.monotonic()
            result, fields = await self._try(action, item, max(left, 0.0))
            if result.message != spool_actions.BUSY or left <= 0:
                break
            await asyncio.sleep(AGAIN_S)  # claimed between our look and our change
        self._log.write(
            str(action) if result.ok else "action",
            queue_id=item.queue_id,
            level="info" if result.ok else "warning",
            message=f"{action}: {result.message}",
            action=str(action),
            ok=result.ok,
            **fields,
        )
        return result

    async def _try(
        self, action: QueueAction, item: ActionItem, seconds: float
    ) -> tuple[ActionResult, dict[str, object]]:
        """The result, and what the log adds to it."""
        now = time.time()
        withdrawn = await self._runner.let_go(item.queue_id, seconds)
        try:
            if action in spool_actions.SIMPLE_ACTIONS:
                return await self._change(
                    item, withdrawn, lambda c: spool_actions.simple_action(c, action, item, now)
                ), {}
            if action is QueueAction.REQUEUE:
                new_id = self._spool.new_queue_id()
                result = await self._change(
                    item, withdrawn, lambda c: spool_actions.requeue(c, item, new_id, now)
                )
                return result, {"new_id": new_id} if result.ok else {}
            return await self._bounce(item, withdrawn, now), {}
        except StorageError as error:
            if withdrawn:
                self._runner.take_back(item.queue_id)
            return ActionResult(item.queue_id, False, str(error)), {}

    async def _change(self, item: ActionItem, withdrawn: bool, job: Callable[[Connection], T]) -> T:
        def whole(connection: Connection) -> T:
            if withdrawn:
                spool_actions.give_back(connection, item.queue_id)
            return job(connection)

        return await self._spool.change(whole)

    async def _bounce(self, item: ActionItem, withdrawn: bool, now: float) -> ActionResult:
        message = await self._change(
            item, withdrawn, lambda c: spool_actions.look(c, item.queue_id)
        )
        problem = spool_actions.check(message, item)
        if problem is not None or message is None:
            return ActionResult(item.queue_id, False, problem or "")
        raw = await self._spool.content(item.queue_id) or b""
        outcomes = [
            Outcome(r.n, r.address, "bounced", "5.0.0", "returned by the administrator", "none")
            for r in message.waiting
        ]
        new: NewMessage | None = None
        if notifications.may_notify(message):
            about = [*message.untold, *outcomes]
            expires = now + self._config.schedule.expire_s
            new = notifications.failure(message, about, raw, self._config.hostname, now, expires)
        done = await self._spool.end_unless_changed(item, new)
        if not done.ok:
            return done
        for outcome in outcomes:
            self._words.delivery(message, outcome, now, now, 0.0)
        if new is not None:
            self._words.notification(message.queue_id, done.message, "failure", new)
        self._log.write("removed", queue_id=message.queue_id, message="removed")
        return ActionResult(item.queue_id, True, "bounced")

    async def reinject(self, stored: StoredMessage) -> str:
        """Put a kept copy back with its envelope; gives the new queue ID. Raises UsageError for
        an envelope that no client could have given."""
        self._check_envelope(stored)
        now = time.time()
        raw = normal_line_ends(stored.raw)
        facts = read_header(raw)
        new = NewMessage(
            sender=stored.sender,
            recipients=tuple(dict.fromkeys(stored.recipients)),
            raw=raw,
            arrived=now,
            expires=now + self._config.schedule.expire_s,
            message_id=facts.message_id,
            subject=facts.subject,
            client_name="admin API",
            smtputf8=not "".join((stored.sender, *stored.recipients)).isascii(),
        )
        queue_id = await self._spool.accept(new)
        self._log.write(
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

    def _check_envelope(self, stored: StoredMessage) -> None:
        problems = [policy.sender_reply(stored.sender, smtputf8=True)]
        problems += [
            policy.recipient_reply(self._config, address, trusted=True, already=0, smtputf8=True)
            for address in stored.recipients
        ]
        found = next((problem for problem in problems if problem is not None), None)
        if found is not None or not stored.recipients:
            raise UsageError(
                found or "a message needs a recipient",
                where=stored.queue_id,
                remedy="Correct the envelope.",
            )
