"""Postfix records of one message, possibly of several queue IDs, as the message that they tell of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, TrackedMessage, TrackedRecipient
from smtpadmin.tracking.dovecot_lines import actions, as_dovecot_did
from smtpadmin.tracking.legs import OPEN, LegState, join_legs, set_open, text_of
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
_DONE = (DeliveryStatus.DELIVERED, DeliveryStatus.SENT)
"""What is not tried again: local(8) writes a line for the mailbox and one for those that a .forward
names, with the same recipient, in one attempt."""
_DROPPED = re.compile(r"(?:250|254) 2\.\d+\.\d+ .*\bdiscarded\b", re.S | re.I)
"""What a content filter answers for a message that it took and threw away."""
_SUBJECT = "Subject: "


def assemble(lives: Sequence[Life], parse: Parse) -> TrackedMessage:
    """The message of lives that belong together. ``lines`` are left out."""
    return join_legs(lives, {id(life): _read(life, parse) for life in lives})


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


def _read(life: Life, parse: Parse) -> LegState:
    state = LegState(life.queue_id.decode("ascii", "backslashreplace"))
    for place, line in life.lines:
        record = parse(place, line)
        if state.arrived is None:
            state.arrived, state.host = record.time, record.host
        handler = _HANDLERS.get(record.event)
        if handler is not None:
            handler(state, record)
    if life.beside:
        done = actions(line for _, line in life.beside)
        for address, recipient in state.recipients.items():
            state.recipients[address] = as_dovecot_did(recipient, done)
    if state.completed is not None:
        _close(state)
    return state


def _close(state: LegState) -> None:
    """After the removal nobody waits any more; a last line that is missing leaves it unknown."""
    for address, recipient in state.recipients.items():
        if recipient.status in OPEN:
            state.recipients[address] = replace(recipient, status=DeliveryStatus.UNKNOWN)


def _on_client(state: LegState, record: LogRecord) -> None:
    state.client = _client_of(record)
    state.sasl_username = text_of(record.fields.get("sasl_username"))


def _on_pickup(state: LegState, record: LogRecord) -> None:
    state.sender = text_of(record.fields.get("from"))


def _on_message_id(state: LegState, record: LogRecord) -> None:
    value = record.fields.get("message-id") or record.fields.get("resent-message-id")
    if state.message_id is None and isinstance(value, str) and value:
        # Where there are no brackets in the log, the header had none.
        bare = f"={value}" in record.message and f"=<{value}" not in record.message
        state.message_id = value if bare else f"<{value}>"


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
    done = before is not None and before.status in _DONE
    if before is not None and done and "forwarded_as" in fields:
        return  # the copy that stays here is this recipient's end, the other one is a leg
    delay = fields.get("delay")
    state.recipients[address] = TrackedRecipient(
        address=address,
        status=delivery_status(record),
        original=text_of(fields.get("orig_to")),
        dsn=text_of(fields.get("dsn")),
        reply=text_of(fields.get("reply")),
        relay=text_of(fields.get("relay")),
        time=record.time,
        attempts=(before.attempts if before else 0) + (not done),
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
        set_open(state, DeliveryStatus.EXPIRED, record.time)


def _on_removed(state: LegState, record: LogRecord) -> None:
    state.completed = record.time
    by_hand = (record.program or "").endswith("/postsuper")
    if by_hand or record.fields.get("reason"):
        set_open(state, DeliveryStatus.DISCARDED, record.time)
        if state.state is not DeliveryStatus.REJECTED and not _has_ends(state):
            state.state = DeliveryStatus.DISCARDED


def _has_ends(state: LegState) -> bool:
    return any(item.status is not DeliveryStatus.DISCARDED for item in state.recipients.values())


def _on_requeue(state: LegState, record: LogRecord) -> None:
    state.completed = record.time
    set_open(state, DeliveryStatus.QUEUED, record.time)


def _on_hold(state: LegState, record: LogRecord) -> None:
    state.state = DeliveryStatus.HELD
    _name(state, record, DeliveryStatus.HELD)
    set_open(state, DeliveryStatus.HELD, record.time)


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
