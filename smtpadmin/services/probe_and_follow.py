"""Follows a test message from the first server's 250 to its end: queue, log, next hops, bounce, mailbox.

Written against the abilities of connectors: a ``Tracker`` is asked by Message-ID, then by the queue
ID that the hop before was given; a ``QueueSource`` says why and until when a message waits; a
``MessageSource`` gives the bounce. What was seen is told at once, and again in the report.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from smtpadmin.connectors.api import Connector, MessageSource, ability
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.explanation import Explanation
from smtpadmin.model.follow import ArrivalReport, FollowReport, FollowStep, StepKind
from smtpadmin.model.mailbox import MailboxAccount
from smtpadmin.model.queue import QueueEntry
from smtpadmin.model.smtp import SendResult
from smtpadmin.model.status import OPEN_WORST_FIRST, DeliveryStatus, message_status
from smtpadmin.model.tracking import TrackedMessage, TrackedRecipient
from smtpadmin.services.explain import explain_message, explain_reply
from smtpadmin.services.follow_arrival import look_at_arrival, now
from smtpadmin.services.follow_servers import ONE_SERVER_S, ServerSearch
from smtpadmin.services.mailbox_watch import wait_for_message, wait_for_report
from smtpadmin.services.spf import Lookups
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.tasks import TaskOwner
from smtpadmin.util.text import visible

log = logging.getLogger(__name__)
FIRST_STEP_S = 0.25
MOST_STEP_S = 5.0
NEXT_HOP_S = 5.0
"""How long a message handed to the next hop is looked for there."""
BOUNCE_S = 20.0
"""How long a bounce is waited for in the mailbox."""
_LOST = (
    DeliveryStatus.BOUNCED,
    DeliveryStatus.EXPIRED,
    DeliveryStatus.REJECTED,
    DeliveryStatus.DISCARDED,
)
_WAITING = (DeliveryStatus.DEFERRED, DeliveryStatus.HELD)
_THROUGH = (DeliveryStatus.SENT, DeliveryStatus.DELIVERED)
_NOT_YET = (DeliveryStatus.UNKNOWN, DeliveryStatus.SENT, DeliveryStatus.QUEUED)
"""What servers may still say of a message that has arrived."""
Arrives = asyncio.Task[ArrivalReport | None] | None


class MessageFollower:
    """Follows one message. ``origin`` is the name of the server that took it, where that is known;
    ``emit`` is called with each step; ``resolver`` recomputes the authentication of what arrived."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        *,
        origin: str | None = None,
        mailbox: MailboxAccount | None = None,
        resolver: Lookups | None = None,
        emit: Callable[[FollowStep], None] | None = None,
    ) -> None:
        self._connectors = dict(connectors)
        self._origin = origin
        self._mailbox = mailbox
        self._resolver = resolver
        self._emit = emit
        self._search = ServerSearch(connectors, origin)
        self._told: dict[tuple[str, str], object] = {}
        self._steps: list[FollowStep] = []
        self._failures: dict[str, SmtpadminError] = {}
        self._sent_on: datetime | None = None

    async def follow(self, result: SendResult, *, raw: bytes = b"", seconds: float) -> FollowReport:
        """Until nothing is open any more, until the next try lies beyond the end, or until
        ``seconds`` have passed. Never raises for what servers do: the report names who failed."""
        if result.result != "accepted":
            return FollowReport(result.message_id, DeliveryStatus.UNKNOWN, ended=False)
        accepted = now()
        self._step(
            StepKind.ACCEPTED, self._origin or result.host, queue_id=result.queue_id,
            words=result.reply.text if result.reply else "",
        )  # fmt: skip
        until = asyncio.get_running_loop().time() + seconds
        owner = TaskOwner("follow", self._unexpected)
        try:
            waiting = owner.spawn(
                "mailbox", self._arrival(result.message_id, raw, accepted, seconds)
            )
            last = accepted + timedelta(seconds=seconds)
            ended = await self._servers(result, last, until, waiting)
            arrival = await self._end_in_mailbox(result.message_id, until, waiting)
        finally:
            await owner.close()
        status = self._status()
        if arrival is not None and status in _NOT_YET:
            status, ended = DeliveryStatus.DELIVERED, True
        return FollowReport(
            result.message_id, status, ended, tuple(self._messages()), tuple(self._steps),
            dict(self._failures), arrival,
        )  # fmt: skip

    # The servers.

    async def _servers(
        self, result: SendResult, last: datetime, until: float, waiting: Arrives
    ) -> bool:  # fmt: skip
        """Ask in rounds; what lies in the mailbox has ended, whatever the servers know."""
        pause = Backoff(FIRST_STEP_S, MOST_STEP_S)
        loop = asyncio.get_running_loop()
        while self._search.can_ask and (left := until - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    next_tries = await self._round(result)
            except TimeoutError:
                break
            if self._has_ended():
                return True
            if next_tries and min(next_tries) > last:
                break  # it waits, and nothing happens before the end
            if waiting is not None and waiting.done() and waiting.result() is not None:
                break
            await asyncio.sleep(max(0.0, min(pause.next(), until - loop.time())))
        return self._has_ended()

    async def _round(self, result: SendResult) -> list[datetime]:
        """Ask every server once and tell what is new; gives the next tries of what waits."""
        known = set(self._search.found)
        await self._search.ask_all(result)
        tries: list[datetime] = []
        for name, found in self._search.along_the_way():
            if name not in known:
                self._step(StepKind.FOUND, name, queue_id=next(iter(found[0].queue_ids), None))
            waits = [m for m in found if m.status in _WAITING]
            entries = await self._search.entries_of(name, waits) if waits else {}
            tries += [e.next_try for e in entries.values() if e.next_try is not None]
            for message in found:
                await self._tell(name, message, entries)
        for name, error in self._search.failures.items():
            self._fail(name, error)
        return tries

    # What was found.

    async def _tell(
        self, name: str, message: TrackedMessage, entries: Mapping[str, QueueEntry]
    ) -> None:
        entry = next((entries[q] for q in message.queue_ids if q in entries), None)
        for each in message.recipients:
            next_try = entry.next_try if entry is not None else None
            state = (each.status, each.reply, each.attempts, next_try)
            if self._told.get((name, each.address)) == state:
                continue
            self._told[name, each.address] = state
            self._tell_recipient(name, message, each, entry)
            if each.status is DeliveryStatus.SENT:
                self._sent_on = now()
        if any(each.status in _LOST for each in message.recipients):
            await self._tell_bounce(name, message)

    def _tell_recipient(
        self, name: str, message: TrackedMessage, each: TrackedRecipient, entry: QueueEntry | None
    ) -> None:
        bad = each.status in (*_LOST, DeliveryStatus.DEFERRED)
        explanation: Explanation | None = None
        if bad and each.reply:  # why one is held is no reply of a server
            explanation = explain_reply(
                each.reply,
                expires=entry.expires if entry else None,
                next_try=entry.next_try if entry else None,
                sender=message.sender,
                tries=each.attempts or None,
            )
        self._step(
            StepKind.STATE, name, queue_id=each.queue_id or next(iter(message.queue_ids), None),
            recipient=each.address, status=each.status, relay=each.relay, words=each.reply or "",
            next_try=entry.next_try if entry and each.status in _WAITING else None,
            explanation=explanation,
        )  # fmt: skip

    async def _tell_bounce(self, name: str, message: TrackedMessage) -> None:
        """The bounce while it is still in a queue; when it has gone, the reply has said it all."""
        source = ability(self._connectors[name], MessageSource)
        for leg in message.legs:
            key = (name, f"notification {leg.queue_id}")
            if leg.kind != "notification" or key in self._told or source is None:
                continue
            self._told[key] = True
            try:
                async with asyncio.timeout(ONE_SERVER_S):
                    bounce = await source.fetch_message(leg.queue_id)
            except (SmtpadminError, TimeoutError):
                words, explanation = "the bounce has left the queue", None
            else:
                explanation = explain_message(bounce.raw)
                words = explanation.summary
            self._step(
                StepKind.NOTIFICATION, name, queue_id=leg.queue_id, words=words,
                recipient=message.sender, explanation=explanation,
            )  # fmt: skip

    def _messages(self) -> list[TrackedMessage]:
        return [message for _, found in self._search.along_the_way() for message in found]

    def _last_states(self) -> Collection[DeliveryStatus]:
        """Of each recipient the state on the last server that has it."""
        last: dict[str, DeliveryStatus] = {}
        for message in self._messages():
            for each in message.recipients:
                known = last.get(each.address.lower())
                if known is None or _rank(each.status) > _rank(known):
                    last[each.address.lower()] = each.status
        return last.values()

    def _status(self) -> DeliveryStatus:
        return message_status(self._last_states())

    def _has_ended(self) -> bool:
        messages = self._messages()
        if not messages or any(m.status in OPEN_WORST_FIRST for m in messages):
            return False
        if self._status() is not DeliveryStatus.SENT or self._sent_on is None:
            return True
        unseen = self._search.trackers - self._search.found.keys()
        return not unseen or now() - self._sent_on > timedelta(seconds=NEXT_HOP_S)

    # The mailbox.

    async def _end_in_mailbox(
        self, message_id: str, until: float, waiting: Arrives
    ) -> ArrivalReport | None:  # fmt: skip
        """Its arrival; where it cannot arrive any more, or not in this time, nobody waits for it."""
        if waiting is None:
            return None
        reached = any(status in _THROUGH for status in self._last_states())
        if waiting.done() or reached or self._status() not in (*_LOST, *_WAITING):
            return await waiting
        waiting.cancel()
        if self._status() in _LOST:
            left = until - asyncio.get_running_loop().time()
            await self._bounce_in_mailbox(message_id, left)
        return None

    async def _arrival(
        self, message_id: str, raw: bytes, accepted: datetime, seconds: float
    ) -> ArrivalReport | None:
        account = self._mailbox
        if account is None:
            return None
        try:
            found = await wait_for_message(account, message_id, seconds)
        except SmtpadminError as error:
            self._fail(account.where, error)
            return None
        if found is None:
            self._step(StepKind.NOT_ARRIVED, account.where, words="it has not arrived yet")
            return None
        self._step(StepKind.ARRIVED, account.where, words=f"in {visible(found.folder, 200)}")
        return await look_at_arrival(found, raw, accepted, self._resolver)

    async def _bounce_in_mailbox(self, message_id: str, left: float) -> None:
        """The mailbox may be the sender's: there the bounce arrives that has left the queue."""
        if any(s.kind is StepKind.NOTIFICATION and s.explanation for s in self._steps):
            return
        account = self._mailbox
        assert account is not None
        deadline = min(max(left, FIRST_STEP_S), BOUNCE_S)
        try:
            found = await wait_for_report(account, message_id, deadline)
        except SmtpadminError as error:
            self._fail(account.where, error)
            return
        if found is None:
            words = "no bounce of it has arrived"
            self._step(StepKind.NOT_ARRIVED, account.where, words=words)
            return
        explanation = explain_message(found.raw)
        self._step(
            StepKind.NOTIFICATION, account.where, words=explanation.summary, explanation=explanation
        )

    def _unexpected(self, name: str, error: BaseException) -> None:
        """Raised to whoever awaits it; kept for the log when nobody does any more."""
        log.debug("%s ended with %r", name, error)

    def _fail(self, name: str, error: SmtpadminError) -> None:
        if name not in self._failures:
            self._failures[name] = error
            self._step(StepKind.NOT_ASKED, name, words=error.what)

    def _step(
        self, kind: StepKind, server: str, *, words: str = "", queue_id: str | None = None,
        recipient: str | None = None, status: DeliveryStatus | None = None, relay: str | None = None,
        next_try: datetime | None = None, explanation: Explanation | None = None,
    ) -> None:  # fmt: skip
        step = FollowStep(
            now(), kind, server, words, queue_id, recipient, status, relay, next_try, explanation
        )
        self._steps.append(step)
        if self._emit is not None:
            self._emit(step)


def _rank(status: DeliveryStatus) -> int:
    """How much a server's word counts: handed on is the least, for the next one knows more. One that
    did not take the message leaves it to the one before, which tries again or bounces it."""
    if status in (DeliveryStatus.SENT, DeliveryStatus.REJECTED):
        return 0 if status is DeliveryStatus.SENT else 1
    return 2 if status in (DeliveryStatus.UNKNOWN, DeliveryStatus.QUEUED) else 3
