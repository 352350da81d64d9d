"""Exim's records of one message as the message that they tell of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, TrackedMessage, TrackedRecipient
from smtpadmin.tracking.legs import OPEN, LegState, join_legs, set_open, text_of
from smtpadmin.tracking.lives import Life

Parse = Callable[[int, bytes], LogRecord]
_STATUS = {status.value: status for status in DeliveryStatus}
_GIVEN_UP = "retry timeout exceeded"
_BY_HAND = re.compile(r"(?:address )?<?([^\s<>]+)>? marked delivered by ")
_DSN = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_SPAN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_SECONDS = (604800, 86400, 3600, 60, 1)


def assemble(lives: Sequence[Life], parse: Parse) -> TrackedMessage:
    """The message of lives that belong together. ``lines`` are left out."""
    return join_legs(lives, {id(life): _read(life, parse) for life in lives})


def refused(record: LogRecord) -> TrackedMessage | None:
    """A refusal before a message ID was given as a message; None for another line."""
    if record.event != "reject":
        return None
    to = text_of(record.fields.get("to"))
    recipients = (_refused_recipient(record, to, None),) if to is not None else ()
    return TrackedMessage(
        (),
        DeliveryStatus.REJECTED,
        recipients,
        sender=text_of(record.fields.get("from")),
        arrived=record.time,
        client=_client_of(record),
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
    _close(state)
    return state


def _close(state: LegState) -> None:
    """An envelope recipient that others stand for is no recipient of its own; one that nothing
    tells of after the end is unknown."""
    items = state.recipients.values()
    expanded = {(item.original or "").casefold() for item in items}
    for address, recipient in list(state.recipients.items()):
        untold = recipient.status is DeliveryStatus.QUEUED and not recipient.attempts
        if untold and address.casefold() in expanded:
            del state.recipients[address]
        elif state.completed is not None and recipient.status in OPEN:
            state.recipients[address] = replace(recipient, status=DeliveryStatus.UNKNOWN)


def _on_queued(state: LegState, record: LogRecord) -> None:
    fields = record.fields
    state.arrived = record.time
    state.sender = text_of(fields.get("from"))
    state.subject = text_of(fields.get("subject"))
    message_id, size, to = fields.get("message-id"), fields.get("size"), fields.get("to")
    state.message_id = f"<{message_id}>" if isinstance(message_id, str) else None
    state.size = size if isinstance(size, int) else None
    state.client = _client_of(record)
    _, _, user = str(fields.get("authenticator", "")).partition(":")
    state.sasl_username = user or None
    state.queued = True
    if fields.get("flag") == "(=":
        state.state = DeliveryStatus.REJECTED
    for address in to if isinstance(to, list) else []:
        state.recipients.setdefault(
            str(address),
            TrackedRecipient(str(address), DeliveryStatus.QUEUED, queue_id=state.queue_id),
        )


def _on_delivery(state: LegState, record: LogRecord) -> None:
    fields = record.fields
    to, original = text_of(fields.get("to")) or "", text_of(fields.get("orig_to"))
    address = to if "@" in to or original is None else original
    known = _known(state, address)
    before = state.recipients.pop(known, None) if known is not None else None
    reply = text_of(fields.get("reply"))
    dsn = _DSN.search(reply or "")
    state.recipients[address] = TrackedRecipient(
        address=address,
        status=_status(record, reply),
        original=original if original != address else None,
        dsn=dsn[1] if dsn else None,
        reply=reply,
        relay=text_of(fields.get("relay")) or text_of(fields.get("transport")),
        time=record.time,
        attempts=(before.attempts if before else 0) + (0 if _is_late_word(record) else 1),
        delay=_seconds(text_of(fields.get("queue_time"))),
        queue_id=state.queue_id,
    )


def _known(state: LegState, address: str) -> str | None:
    """The name under which an address is known; its domain's case may differ."""
    if address in state.recipients:
        return address
    folded = address.casefold()
    return next((known for known in state.recipients if known.casefold() == folded), None)


def _status(record: LogRecord, reply: str | None) -> DeliveryStatus:
    status = _STATUS.get(str(record.fields.get("status")), DeliveryStatus.UNKNOWN)
    if status is DeliveryStatus.BOUNCED and reply is not None and _GIVEN_UP in reply:
        return DeliveryStatus.EXPIRED
    return status


def _is_late_word(record: LogRecord) -> bool:
    """``** u@example.org: retry timeout exceeded`` follows the last attempt's own line."""
    return str(record.fields.get("reply", "")).startswith(_GIVEN_UP)


def _on_removed(state: LegState, record: LogRecord) -> None:
    state.completed = record.time


def _on_frozen(state: LegState, record: LogRecord) -> None:
    state.state = DeliveryStatus.HELD
    set_open(state, DeliveryStatus.HELD, record.time)


def _on_unfrozen(state: LegState, record: LogRecord) -> None:
    state.state = None
    for address, recipient in state.recipients.items():
        if recipient.status is DeliveryStatus.HELD:
            status = DeliveryStatus.DEFERRED if recipient.attempts else DeliveryStatus.QUEUED
            state.recipients[address] = replace(recipient, status=status)


def _on_deleted(state: LegState, record: LogRecord) -> None:
    state.state = DeliveryStatus.DISCARDED
    set_open(state, DeliveryStatus.DISCARDED, record.time)


def _on_delivered_by_hand(state: LegState, record: LogRecord) -> None:
    found = _BY_HAND.search(record.message)
    address = _known(state, found[1]) if found else None
    if address is not None:
        state.recipients[address] = replace(
            state.recipients[address], status=DeliveryStatus.DELIVERED, time=record.time
        )


def _on_reject(state: LegState, record: LogRecord) -> None:
    """Refused after its content was seen: it has an ID and no arrival."""
    to = text_of(record.fields.get("to"))
    if to is not None and str(record.fields.get("stage")) == "RCPT":
        state.recipients[to] = _refused_recipient(record, to, state.queue_id)
        return
    state.state = DeliveryStatus.REJECTED
    state.sender = text_of(record.fields.get("from"))
    state.client = state.client or _client_of(record)
    state.completed = record.time


def _refused_recipient(record: LogRecord, to: str, queue_id: str | None) -> TrackedRecipient:
    reply = text_of(record.fields.get("reply"))
    dsn = _DSN.search(reply or "")
    return TrackedRecipient(
        to,
        DeliveryStatus.REJECTED,
        dsn=dsn[1] if dsn else None,
        reply=reply,
        time=record.time,
        attempts=1,
        queue_id=queue_id,
    )


def _client_of(record: LogRecord) -> Client | None:
    name = text_of(record.fields.get("client_name"))
    address = text_of(record.fields.get("client_address"))
    return Client(name, address) if name is not None or address is not None else None


def _seconds(span: str | None) -> float | None:
    """A span such as ``1d2h3m4s`` in seconds."""
    found = _SPAN.fullmatch(span) if span else None
    if found is None:
        return None
    return sum(
        float(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part
    )


_HANDLERS: dict[str, Callable[[LegState, LogRecord], None]] = {
    "queued": _on_queued,
    "delivery": _on_delivery,
    "removed": _on_removed,
    "frozen": _on_frozen,
    "unfrozen": _on_unfrozen,
    "cancelled": _on_deleted,
    "delete": _on_deleted,
    "delivered-by-hand": _on_delivered_by_hand,
    "reject": _on_reject,
}
