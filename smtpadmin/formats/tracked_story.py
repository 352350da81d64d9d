"""A message while the records that tell of it come in, one after the other, in any order of time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import OPEN_WORST_FIRST, DeliveryStatus, message_status
from smtpadmin.model.tracking import Client, Leg, TrackedMessage, TrackedRecipient

OPEN = frozenset(OPEN_WORST_FIRST)
LegKey = tuple[str | None, str]
"""Host and queue ID: two hosts may give the same ID."""


@dataclass(slots=True, eq=False)
class Story:
    """What is known so far. ``expected`` recipients were announced; ``verdict`` is the status while
    no recipient is known; ``first`` and ``last`` number its records; ``leaving`` is the joiner's."""

    arrived: datetime | None = None
    born: bool = False
    expected: int = 0
    removed: bool = False
    verdict: DeliveryStatus | None = None
    message_id: str | None = None
    sender: str | None = None
    subject: str | None = None
    size: int | None = None
    client: Client | None = None
    sasl_username: str | None = None
    leaving: bool = False
    first: int = 0
    last: int = 0
    recipients: dict[str, TrackedRecipient] = field(default_factory=dict)
    handed: dict[str, list[TrackedRecipient]] = field(default_factory=dict)
    """Queue ID that a local hand-over made -> the recipients as the hand-over tells them."""
    legs: dict[LegKey, Leg] = field(default_factory=dict)
    lines: list[tuple[int, str]] = field(default_factory=list)
    open: dict[str, None] = field(default_factory=dict)
    """Recipients that have no end yet, by :func:`key_of`."""
    told: set[str] = field(default_factory=set)

    def expect(self, address: str, record: LogRecord, **known: str | None) -> None:
        """A recipient was announced; nothing has become of it."""
        if key_of(address) not in self.recipients:
            self._keep(TrackedRecipient(address, DeliveryStatus.QUEUED, queue_id=record.queue_id,
                                        original=known.get("original")))  # fmt: skip

    def put(
        self,
        told: TrackedRecipient,
        *,
        attempt: bool = True,
        attempts: int | None = None,
    ) -> None:
        """What became of a recipient. Older news than what is known, and ``sent`` after
        ``delivered``, count as attempts alone; ``attempts`` is their number where a record says."""
        before = self.recipients.get(key_of(told.address))
        tried = max((before.attempts if before else 0) + attempt, attempts or 0)
        self.told.add(key_of(told.address))
        if before is None:
            self._keep(replace(told, attempts=tried))
        elif _is_older(told, before):
            self._keep(replace(before, attempts=tried))
        else:
            original = told.original or before.original
            self._keep(replace(told, address=before.address, attempts=tried, original=original))

    def _keep(self, recipient: TrackedRecipient) -> None:
        key = key_of(recipient.address)
        self.recipients[key] = recipient
        if recipient.status in OPEN:
            self.open[key] = None
        else:
            self.open.pop(key, None)

    def end_open(self, status: DeliveryStatus, record: LogRecord, reply: str | None = None) -> None:
        """Every recipient that has no end has this one, without an attempt."""
        for key in list(self.open):
            before = self.recipients[key]
            self.put(replace(before, status=status, time=record.time, reply=reply or before.reply),
                     attempt=False)  # fmt: skip

    def forget(self, address: str) -> None:
        """A recipient that others took the place of (a list, an alias), if it is open."""
        key = key_of(address)
        if key in self.open:
            del self.recipients[key], self.open[key]

    def on_leg(self, record: LogRecord, host: str | None = None) -> None:
        """The record's queue ID is one of this message's."""
        if record.queue_id is not None:
            key = (host or record.host, record.queue_id)
            if key not in self.legs:
                self.legs[key] = Leg(record.queue_id, host=key[0], arrived=record.time)

    def is_notification(self, record: LogRecord) -> bool:
        """Whether the record is of a notification's way: a leg, not an end of the message."""
        leg = self.legs.get((record.host, record.queue_id or ""))
        return leg is not None and leg.kind == "notification"

    def absorb(self, child: Story, *, as_notification: bool) -> None:
        """What another story told is part of this one. Of a notification only legs and lines."""
        self.legs |= child.legs
        self.lines += child.lines
        self.last = max(self.last, child.last)
        if as_notification:
            return
        self.handed |= child.handed
        for recipient in child.recipients.values():
            self._keep(recipient)
        self.message_id = self.message_id or child.message_id
        self.subject = self.subject or child.subject
        self.client = self.client or child.client
        self.sender = child.sender if self.sender is None else self.sender
        self.size = child.size if self.size is None else self.size

    @property
    def settled(self) -> bool:
        """Whether nothing more need come."""
        if self.open or (self.missing and not self.removed):
            return False
        if self.handed and self._still_handed():
            return False
        return self.removed or bool(self.recipients or self.verdict or self.handed)

    @property
    def missing(self) -> bool:
        """Whether recipients were announced that no record has told of."""
        return len(self.told) < self.expected

    def _still_handed(self) -> dict[str, list[TrackedRecipient]]:
        """Hand-overs whose other side told of no recipient."""
        seen = {recipient.queue_id for recipient in self.recipients.values()}
        return {queue_id: told for queue_id, told in self.handed.items() if queue_id not in seen}

    def finished(self) -> TrackedMessage:
        """The message as tracking tells it."""
        for handed in self._still_handed().values():
            for recipient in handed:
                self.recipients.setdefault(key_of(recipient.address), recipient)
        recipients = tuple(self.recipients.values())
        return TrackedMessage(
            queue_ids=tuple(dict.fromkeys(queue_id for _, queue_id in self.legs)),
            status=self._status(),
            recipients=recipients,
            legs=tuple(self._ended_legs()),
            message_id=self.message_id,
            sender=self.sender,
            subject=self.subject,
            size=self.size,
            arrived=self.arrived,
            client=self.client,
            sasl_username=self.sasl_username,
            lines=tuple(line for _, line in sorted(self.lines)),
        )

    def _status(self) -> DeliveryStatus:
        states = [recipient.status for recipient in self.recipients.values()]
        if states and self.missing and not self.removed:
            states.append(DeliveryStatus.QUEUED)
        if states:
            return message_status(states)
        return self.verdict or (DeliveryStatus.QUEUED if self.expected else DeliveryStatus.UNKNOWN)

    def _ended_legs(self) -> list[Leg]:
        """A leg whose recipients all have their end was completed with the last of them."""
        times: dict[str | None, datetime] = {}
        still = {self.recipients[key].queue_id for key in self.open}
        handed = (recipient for told in self.handed.values() for recipient in told)
        for recipient in (*self.recipients.values(), *handed):
            if recipient.time is not None:
                known = times.get(recipient.queue_id)
                times[recipient.queue_id] = max(known or recipient.time, recipient.time)
        return [
            replace(leg, completed=times.get(leg.queue_id))
            if leg.completed is None and leg.queue_id not in still
            else leg
            for leg in self.legs.values()
        ]


def key_of(address: str) -> str:
    """An address as the key of a recipient."""
    return address.casefold()


def in_brackets(message_id: object) -> str | None:
    """A Message-ID as headers have it; None for none."""
    bare = str(message_id or "").strip().removeprefix("<").removesuffix(">")
    return f"<{bare}>" if bare else None


def text(value: object) -> str | None:
    """A field that is text and not empty."""
    return value if isinstance(value, str) and value else None


def texts(value: object) -> list[str]:
    """A field that is one text or a list of them."""
    if isinstance(value, str):
        return [value] if value else []
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _is_older(told: TrackedRecipient, before: TrackedRecipient) -> bool:
    if told.time is not None and before.time is not None and told.time < before.time:
        return True
    return before.status is DeliveryStatus.DELIVERED and told.status is DeliveryStatus.SENT
