"""Postfix records of one message, possibly of several queue IDs, as the message that they tell of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import OPEN_WORST_FIRST, DeliveryStatus, message_status
from smtpadmin.model.tracking import Client, Leg, TrackedMessage, TrackedRecipient
from smtpadmin.tracking.lives import Life

Parse = Callable[[int, bytes], LogRecord]
_FINAL = {"local", "virtual", "lmtp", "pipe"}
"""Delivery agents after which a message has arrived."""
_STATUS = {
    "deferred": DeliveryStatus.DEFERRED,
    "SOFTBOUNCE": DeliveryStatus.DEFERRED,
    "bounced": DeliveryStatus.BOUNCED,
    "expired": DeliveryStatus.EXPIRED,
    "force-expired": DeliveryStatus.EXPIRED,
}
_DROPPED = re.compile(r"(?:250|254) 2\.\d+\.\d+ .*\bdiscarded\b", re.S | re.I)
"""What a content filter answers for a message that it took and threw away."""
_SUBJECT = "Subject: "
_OPEN = frozenset(OPEN_WORST_FIRST)


@dataclass(slots=True)
class LegState:
    """One queue ID's life while its records are read."""

    queue_id: str
    kind: str = "accepted"
    parent: str | None = None
    host: str | None = None
    arrived: datetime | None = None
    completed: datetime | None = None
    message_id: str | None = None
    sender: str | None = None
    subject: str | None = None
    size: int | None = None
    wanted: int = 0
    client: Client | None = None
    sasl_username: str | None = None
    queued: bool = False
    state: DeliveryStatus | None = None
    """Of the whole leg: held, rejected or discarded."""
    recipients: dict[str, TrackedRecipient] = field(default_factory=dict)
    named: dict[str, TrackedRecipient] = field(default_factory=dict)
    """Recipients that only a line about the whole message names."""

    def leg(self) -> Leg:
        """The leg as the model has it."""
        return Leg(
            self.queue_id, self.kind, None, self.host, self.parent, self.arrived, self.completed
        )


def assemble(lives: Sequence[Life], parse: Parse) -> TrackedMessage:
    """The message of lives that belong together. ``lines`` are left out."""
    states = {id(life): _read(life, parse) for life in lives}
    _apply_ties(lives, states)
    ordered = _root_first([states[id(life)] for life in lives])
    return merged(ordered, _ends(ordered))


def refused(record: LogRecord) -> TrackedMessage | None:
    """A refusal before a queue ID was given as a message; None for another line."""
    if record.event not in ("reject", "discard"):
        return None
    rejected = record.event == "reject"
    status = DeliveryStatus.REJECTED if rejected else DeliveryStatus.DISCARDED
    to = text_of(record.fields.get("to"))
    recipients = (_refused_recipient(record, to, status, None),) if to is not None else ()
    return TrackedMessage(
        (),
        status,
        recipients,
        sender=text_of(record.fields.get("from")),
        arrived=record.time,
        client=_client_of(record),
        sasl_username=text_of(record.fields.get("sasl_username")),
    )


def merged(legs: Sequence[LegState], recipients: Sequence[TrackedRecipient]) -> TrackedMessage:
    """One message of its legs, the first of which is where it came in."""
    root = legs[0]
    return TrackedMessage(
        queue_ids=tuple(dict.fromkeys(leg.queue_id for leg in legs)),
        status=_status(legs, recipients),
        recipients=tuple(recipients),
        legs=tuple(leg.leg() for leg in legs),
        message_id=root.message_id,
        sender=root.sender,
        subject=root.subject or next((leg.subject for leg in legs[1:] if leg.subject), None),
        size=root.size,
        arrived=root.arrived,
        client=root.client,
        sasl_username=root.sasl_username,
    )


def _read(life: Life, parse: Parse) -> LegState:
    state = LegState(life.queue_id.decode("ascii", "backslashreplace"))
    for place, line in life.lines:
        record = parse(place, line)
        if state.arrived is None:
            state.arrived, state.host = record.time, record.host
        handler = _HANDLERS.get(record.event)
        if handler is not None:
            handler(state, record)
    if state.completed is not None:
        _close(state)
    return state


def _close(state: LegState) -> None:
    """After the removal nobody waits any more; a last line that is missing leaves it unknown."""
    for address, recipient in state.recipients.items():
        if recipient.status in _OPEN:
            state.recipients[address] = replace(recipient, status=DeliveryStatus.UNKNOWN)


def _on_client(state: LegState, record: LogRecord) -> None:
    state.client = _client_of(record)
    state.sasl_username = text_of(record.fields.get("sasl_username"))


def _on_pickup(state: LegState, record: LogRecord) -> None:
    state.sender = text_of(record.fields.get("from"))


def _on_message_id(state: LegState, record: LogRecord) -> None:
    value = record.fields.get("message-id") or record.fields.get("resent-message-id")
    if state.message_id is None and isinstance(value, str) and value:
        state.message_id = value if value.startswith("<") else f"<{value}>"


def _on_queued(state: LegState, record: LogRecord) -> None:
    fields = record.fields
    state.sender = text_of(fields.get("from"))
    size, count = fields.get("size"), fields.get("nrcpt")
    if isinstance(size, int) and not state.queued:
        state.size = size
    state.wanted = max(state.wanted, count if isinstance(count, int) else 0)
    state.queued = True
    state.state = None if state.state is DeliveryStatus.HELD else state.state


def _on_delivery(state: LegState, record: LogRecord) -> None:
    fields = record.fields
    address = text_of(fields.get("to")) or ""
    before = state.recipients.get(address)
    delay = fields.get("delay")
    state.recipients[address] = TrackedRecipient(
        address=address,
        status=delivery_status(record),
        original=text_of(fields.get("orig_to")),
        dsn=text_of(fields.get("dsn")),
        reply=text_of(fields.get("reply")),
        relay=text_of(fields.get("relay")),
        time=record.time,
        attempts=(before.attempts if before else 0) + 1,
        delay=float(delay) if isinstance(delay, int | float) else None,
        queue_id=state.queue_id,
    )


def delivery_status(record: LogRecord) -> DeliveryStatus:
    """What a delivery line says of its recipient: ``sent`` is final only for some agents."""
    status = str(record.fields.get("status", ""))
    if status != "sent":
        return _STATUS.get(status, DeliveryStatus.UNKNOWN)
    process = (record.program or "").rpartition("/")[2]
    if process == "discard" or _DROPPED.match(str(record.fields.get("reply", ""))):
        return DeliveryStatus.DISCARDED
    if process in _FINAL and "forwarded_as" not in record.fields:
        return DeliveryStatus.DELIVERED
    return DeliveryStatus.SENT


def _on_expired(state: LegState, record: LogRecord) -> None:
    """The queue manager names no recipient: it gives up all that still wait. postsuper(1) only
    marks the message; its recipients wait until the queue manager comes to it."""
    if "status" in record.fields:
        _set_open(state, DeliveryStatus.EXPIRED, record)


def _on_removed(state: LegState, record: LogRecord) -> None:
    state.completed = record.time
    by_hand = (record.program or "").endswith("/postsuper")
    if by_hand or record.fields.get("reason"):
        _set_open(state, DeliveryStatus.DISCARDED, record)
        if state.state is not DeliveryStatus.REJECTED and not _has_ends(state):
            state.state = DeliveryStatus.DISCARDED


def _has_ends(state: LegState) -> bool:
    return any(item.status is not DeliveryStatus.DISCARDED for item in state.recipients.values())


def _on_requeue(state: LegState, record: LogRecord) -> None:
    state.completed = record.time
    _set_open(state, DeliveryStatus.QUEUED, record)


def _on_hold(state: LegState, record: LogRecord) -> None:
    state.state = DeliveryStatus.HELD
    _name(state, record, DeliveryStatus.HELD)
    _set_open(state, DeliveryStatus.HELD, record)


def _on_release(state: LegState, record: LogRecord) -> None:
    state.state = None
    for address, recipient in state.recipients.items():
        if recipient.status is DeliveryStatus.HELD:
            status = DeliveryStatus.DEFERRED if recipient.attempts else DeliveryStatus.QUEUED
            state.recipients[address] = replace(recipient, status=status)
    state.named.clear()
    state.queued = True


def _on_reject(state: LegState, record: LogRecord) -> None:
    """Of one recipient while others are taken, or of the message after its content was seen."""
    stage = str(record.fields.get("stage", ""))
    if stage in ("RCPT", "VRFY") and record.fields.get("action") != "milter-reject":
        to = text_of(record.fields.get("to")) or ""
        state.recipients[to] = _refused_recipient(
            record, to, DeliveryStatus.REJECTED, state.queue_id
        )
        return
    state.state = DeliveryStatus.REJECTED
    state.sender = text_of(record.fields.get("from")) or state.sender
    if state.sender is None and record.fields.get("from") == "":
        state.sender = ""
    _name(state, record, DeliveryStatus.REJECTED)


def _on_discard(state: LegState, record: LogRecord) -> None:
    state.state = DeliveryStatus.DISCARDED
    _name(state, record, DeliveryStatus.DISCARDED)


def _on_content(state: LegState, record: LogRecord) -> None:
    """A header check that only warns tells the subject, if it was asked to."""
    content = str(record.fields.get("content", ""))
    if record.fields.get("stage") == "header" and content.startswith(_SUBJECT):
        state.subject = content.removeprefix(_SUBJECT)


def _name(state: LegState, record: LogRecord, status: DeliveryStatus) -> None:
    to, sender = text_of(record.fields.get("to")), text_of(record.fields.get("from"))
    if state.sender is None:
        state.sender = sender
    if to is not None:
        state.named[to] = _refused_recipient(record, to, status, state.queue_id)


def _set_open(state: LegState, status: DeliveryStatus, record: LogRecord) -> None:
    for address, recipient in state.recipients.items():
        if recipient.status in _OPEN:
            state.recipients[address] = replace(recipient, status=status, time=record.time)


def _refused_recipient(
    record: LogRecord, to: str, status: DeliveryStatus, queue_id: str | None
) -> TrackedRecipient:
    return TrackedRecipient(
        to,
        status,
        dsn=text_of(record.fields.get("dsn")),
        reply=text_of(record.fields.get("reply")),
        time=record.time,
        attempts=0 if status is DeliveryStatus.HELD else 1,
        queue_id=queue_id,
    )


def _client_of(record: LogRecord) -> Client | None:
    name = text_of(record.fields.get("client_name"))
    address = text_of(record.fields.get("client_address"))
    return Client(name, address) if name is not None or address is not None else None


_HANDLERS: dict[str, Callable[[LegState, LogRecord], None]] = {
    "client": _on_client,
    "pickup": _on_pickup,
    "message-id": _on_message_id,
    "queued": _on_queued,
    "delivery": _on_delivery,
    "expired": _on_expired,
    "force-expired": _on_expired,
    "removed": _on_removed,
    "requeue": _on_requeue,
    "hold": _on_hold,
    "release": _on_release,
    "reject": _on_reject,
    "discard": _on_discard,
    "warning": _on_content,
    "info": _on_content,
    "prepend": _on_content,
}


def _apply_ties(lives: Sequence[Life], states: dict[int, LegState]) -> None:
    for life in lives:
        for link, other in life.ties:
            child = states.get(id(other))
            if child is not None:
                child.kind = link.kind
                child.parent = states[id(life)].queue_id


def _root_first(legs: list[LegState]) -> list[LegState]:
    """Parents before their children; else in log order."""
    return sorted(legs, key=lambda leg: leg.parent is not None)


def _ends(legs: Sequence[LegState]) -> list[TrackedRecipient]:
    """Each recipient's end: of those that went on into another leg, what became of them there."""
    passed_on = {leg.parent for leg in legs if leg.kind in ("reinjected", "requeued")}
    found: dict[str, TrackedRecipient] = {}
    for leg in legs:
        if leg.kind == "notification" or _under_notification(leg, legs):
            continue
        for address, recipient in _of_leg(leg).items():
            found[address] = recipient
    gone = {
        address
        for address, recipient in found.items()
        if recipient.queue_id in passed_on and _went_on(recipient, found.values(), legs)
    }
    return [recipient for address, recipient in found.items() if address not in gone]


def _of_leg(leg: LegState) -> dict[str, TrackedRecipient]:
    """The recipients of a leg; what was decided of the whole message is their state."""
    if leg.state is None:
        return leg.recipients
    state = leg.state
    known = leg.recipients or {}
    changed = {
        address: replace(item, status=state) if item.status in _OPEN else item
        for address, item in known.items()
    }
    return {**{a: r for a, r in leg.named.items() if a not in known}, **changed}


def _under_notification(leg: LegState, legs: Sequence[LegState]) -> bool:
    by_id = {other.queue_id: other for other in legs}
    seen: set[str] = set()
    while leg.parent is not None and leg.parent not in seen and leg.parent in by_id:
        seen.add(leg.parent)
        leg = by_id[leg.parent]
        if leg.kind == "notification":
            return True
    return False


def _went_on(
    recipient: TrackedRecipient,
    others: Sequence[TrackedRecipient] | object,
    legs: Sequence[LegState],
) -> bool:
    """Whether a recipient that a filter took was rewritten there: its own line is then no end."""
    children = {leg.queue_id for leg in legs if leg.parent == recipient.queue_id}
    if recipient.status not in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, *_OPEN):
        return False
    return any(
        other.original == recipient.address and other.queue_id in children
        for leg in legs
        for other in leg.recipients.values()
    )


def _status(legs: Sequence[LegState], recipients: Sequence[TrackedRecipient]) -> DeliveryStatus:
    states = [recipient.status for recipient in recipients]
    for leg in legs:
        if leg.kind != "notification" and leg.completed is None:
            if leg.state in _OPEN:
                states.append(leg.state)
            elif leg.queued and len(leg.recipients) < leg.wanted:
                states.append(DeliveryStatus.QUEUED)
    if not states and legs[0].state is not None:
        return legs[0].state
    return message_status(states)


def text_of(value: object) -> str | None:
    """A field as text; None for what is none."""
    return value if isinstance(value, str) else None
