"""Follows a test message from the first server's 250 to its end: queue, log, next hops, bounce, mailbox.

Written against the abilities of connectors: a ``Tracker`` is asked by Message-ID, then by the queue
ID that the hop before was given; a ``QueueSource`` says why and until when a message waits; a
``MessageSource`` gives the bounce. What was seen is told at once, and again in the report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from smtpadmin.connectors.api import Connector, MessageSource, QueueSource, Tracker, ability
from smtpadmin.formats.smtp_reply import queue_id_in
from smtpadmin.model.errors import SmtpadminError, TotalDeadlineError
from smtpadmin.model.explanation import Explanation
from smtpadmin.model.follow import ArrivalReport, FollowReport, FollowStep, StepKind
from smtpadmin.model.mailbox import MailboxAccount
from smtpadmin.model.queue import QueueEntry
from smtpadmin.model.smtp import SendResult
from smtpadmin.model.status import OPEN_WORST_FIRST, DeliveryStatus, message_status
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage, TrackedRecipient
from smtpadmin.services.explain import explain_message, explain_reply
from smtpadmin.services.follow_arrival import look_at_arrival, now
from smtpadmin.services.mailbox_watch import wait_for_message, wait_for_report
from smtpadmin.services.spf import Lookups
from smtpadmin.tracking.engine import Failures, track_servers
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.text import visible

FIRST_STEP_S = 0.25
MOST_STEP_S = 5.0
ONE_SERVER_S = 15.0
"""At most for one server's answer: a silent one must not hide the others."""
NEXT_HOP_S = 5.0
"""How long a message handed to the next hop is looked for there."""
BOUNCE_S = 20.0
"""How long a bounce is waited for in the mailbox."""
MOST_ENTRIES = 100_000
_LOST = (
    DeliveryStatus.BOUNCED,
    DeliveryStatus.EXPIRED,
    DeliveryStatus.REJECTED,
    DeliveryStatus.DISCARDED,
)
_WAITING = (DeliveryStatus.DEFERRED, DeliveryStatus.HELD)


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
        self._found: dict[str, dict[tuple[str, ...], TrackedMessage]] = {}
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
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        ended = await self._servers(result, accepted + timedelta(seconds=seconds), until)
        arrival = None
        if self._mailbox is not None and self._status() in _LOST:
            await self._bounce_in_mailbox(result.message_id, until - loop.time())
        elif self._mailbox is not None:
            arrival = await self._arrival(result.message_id, raw, accepted, until - loop.time())
        status = self._status()
        if arrival is not None and status in (DeliveryStatus.UNKNOWN, DeliveryStatus.SENT):
            status, ended = DeliveryStatus.DELIVERED, True
        return FollowReport(
            result.message_id, status, ended, tuple(self._messages()), tuple(self._steps),
            dict(self._failures), arrival,
        )  # fmt: skip

    # The servers.

    async def _servers(self, result: SendResult, last: datetime, until: float) -> bool:
        pause = Backoff(FIRST_STEP_S, MOST_STEP_S)
        loop = asyncio.get_running_loop()
        while self._asked() and (left := until - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    next_tries = await self._round(result)
            except TimeoutError:
                break
            if self._has_ended():
                return True
            if next_tries and min(next_tries) > last:
                break  # it waits, and nothing happens before the end
            await asyncio.sleep(max(0.0, min(pause.next(), until - loop.time())))
        return self._has_ended()

    def _asked(self) -> dict[str, Connector]:
        return {
            name: connector
            for name, connector in self._connectors.items()
            if name not in self._failures
            and (
                ability(connector, Tracker) is not None
                or ability(connector, QueueSource) is not None
            )
        }

    async def _round(self, result: SendResult) -> list[datetime]:
        """Ask every server once; gives the next tries of a message that waits everywhere."""
        await asyncio.gather(
            *(self._ask(name, connector, result) for name, connector in self._asked().items())
        )
        tries: list[datetime] = []
        for name, found in tuple(self._found.items()):
            waits = [m for m in found.values() if m.status in _WAITING]
            entries = await self._entries(name, waits) if waits else {}
            tries += [e.next_try for e in entries.values() if e.next_try is not None]
            for message in tuple(found.values()):
                await self._tell(name, message, entries)
        return tries

    async def _ask(self, name: str, connector: Connector, result: SendResult) -> None:
        """By Message-ID; where that finds nothing, by the queue ID which the hop before was told."""
        if ability(connector, Tracker) is None:
            await self._ask_queue(name, result)
            return
        criteria = [TrackCriteria(message_id=result.message_id)]
        if name == self._origin and result.queue_id:
            criteria.append(TrackCriteria(queue_id=result.queue_id))
        criteria += [
            TrackCriteria(queue_id=queue_id, recipient=recipient)
            for queue_id, recipient in self._handed_on(name)
        ]
        for criterion in criteria:
            found = await self._track(name, connector, criterion)
            if found:
                self._keep(name, found)
                return

    def _handed_on(self, name: str) -> list[tuple[str, str]]:
        """Queue IDs that other servers were given by the next hop, with the recipient: IDs are used
        again, and another server's message may have the same."""
        handed = []
        for server, found in self._found.items():
            if server == name:
                continue
            for message in found.values():
                for each in message.recipients:
                    queue_id = queue_id_in(_reply_text(each.reply)) if each.reply else None
                    if queue_id and each.status is DeliveryStatus.SENT:
                        handed.append((queue_id, each.address))
        return handed

    async def _track(
        self, name: str, connector: Connector, criteria: TrackCriteria
    ) -> list[TrackedMessage]:
        failures, found = Failures(), list[TrackedMessage]()
        try:
            async with asyncio.timeout(ONE_SERVER_S):
                async for message in track_servers({name: connector}, criteria, failures):
                    found.append(message)
        except TimeoutError:
            failures.by_server[name] = TotalDeadlineError(
                f"no answer within {ONE_SERVER_S:g} s", where=name
            )
        for error in failures.by_server.values():
            self._fail(name, error)
        return found

    def _keep(self, name: str, found: list[TrackedMessage]) -> None:
        if name not in self._found:
            self._step(StepKind.FOUND, name, queue_id=next(iter(found[0].queue_ids), None))
        self._found[name] = {message.queue_ids[:1]: message for message in found}

    async def _ask_queue(self, name: str, result: SendResult) -> None:
        """A server without tracking shows what waits, and only that."""
        wanted = result.queue_id if name == self._origin else None
        for entry in await self._listed(name):
            if entry.message_id == result.message_id or (wanted and entry.queue_id == wanted):
                self._keep(name, [_as_tracked(entry)])

    async def _listed(self, name: str) -> list[QueueEntry]:
        source = ability(self._connectors[name], QueueSource)
        entries: list[QueueEntry] = []
        if source is None:
            return entries
        try:
            async with asyncio.timeout(ONE_SERVER_S):
                async for batch in source.list_queue():
                    entries += batch
                    if len(entries) > MOST_ENTRIES:
                        break
        except SmtpadminError as error:
            self._fail(name, error)
        except TimeoutError:
            self._fail(name, TotalDeadlineError(f"no answer within {ONE_SERVER_S:g} s", where=name))
        return entries

    async def _entries(self, name: str, waits: list[TrackedMessage]) -> dict[str, QueueEntry]:
        ids = {queue_id for message in waits for queue_id in message.queue_ids}
        return {e.queue_id: e for e in await self._listed(name) if e.queue_id in ids}

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
        bad = each.status in (*_LOST, *_WAITING)
        explanation: Explanation | None = None
        if bad and each.reply:
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
        return [message for found in self._found.values() for message in found.values()]

    def _status(self) -> DeliveryStatus:
        """Of each recipient the state on the last server that has it; then of all."""
        last: dict[str, DeliveryStatus] = {}
        for message in self._messages():
            for each in message.recipients:
                known = last.get(each.address.lower())
                if known is None or _rank(each.status) > _rank(known):
                    last[each.address.lower()] = each.status
        return message_status(last.values())

    def _has_ended(self) -> bool:
        messages = self._messages()
        if not messages or any(m.status in OPEN_WORST_FIRST for m in messages):
            return False
        if self._status() is not DeliveryStatus.SENT or self._sent_on is None:
            return True
        trackers = {n for n, c in self._asked().items() if ability(c, Tracker) is not None}
        unseen = trackers - self._found.keys()
        return not unseen or now() - self._sent_on > timedelta(seconds=NEXT_HOP_S)

    # The mailbox.

    async def _arrival(
        self, message_id: str, raw: bytes, accepted: datetime, left: float
    ) -> ArrivalReport | None:
        account = self._mailbox
        assert account is not None
        try:
            found = await wait_for_message(account, message_id, max(left, FIRST_STEP_S))
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
        if found is not None:
            explanation = explain_message(found.raw)
            self._step(
                StepKind.NOTIFICATION,
                account.where,
                words=explanation.summary,
                explanation=explanation,
            )

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
    """How much a server's word counts: handed on is the least, for the next one knows more."""
    if status is DeliveryStatus.SENT:
        return 0
    return 1 if status in (DeliveryStatus.UNKNOWN, DeliveryStatus.QUEUED) else 2


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
