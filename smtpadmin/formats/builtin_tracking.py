"""The built-in server's log records, joined into messages. Pure: records in, messages out.

Queue IDs of this server are never used again, so the ID alone is a message's key. A notification
and a requeued message are further legs of the message that they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from smtpadmin.formats.criteria import matches
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus, message_status
from smtpadmin.model.tracking import (
    Client,
    Leg,
    TrackCriteria,
    TrackedMessage,
    TrackedRecipient,
)

_DELIVERY = {status.value: status for status in DeliveryStatus}


@dataclass(slots=True)
class _Building:
    """A message while its records come in."""

    queue_id: str | None
    arrived: datetime | None = None
    message_id: str | None = None
    sender: str | None = None
    subject: str | None = None
    size: int | None = None
    client: Client | None = None
    sasl_username: str | None = None
    recipients: dict[str, TrackedRecipient] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


_Handler = Callable[[_Building, LogRecord, str], None]


def join(records: Iterable[LogRecord]) -> list[TrackedMessage]:
    """Every message that the records tell of, by arrival, the newest last."""
    messages = _Joiner().join(records)
    messages.sort(key=lambda message: message.arrived.timestamp() if message.arrived else 0.0)
    return messages


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    found = [message for message in join(records) if matches(message, criteria)]
    if criteria.limit is not None:
        found = found[-criteria.limit :] if criteria.limit else []
    for message in found:
        yield message if criteria.lines else replace(message, lines=())


class _Joiner:
    def __init__(self) -> None:
        self._by_id: dict[str, _Building] = {}
        self._all: list[_Building] = []

    def join(self, records: Iterable[LogRecord]) -> list[TrackedMessage]:
        for record in records:
            if record.queue_id is not None:
                self._take(record, record.queue_id)
            elif record.event == "reject":
                self._all.append(_rejected(record))
        return [_finished(building) for building in self._all]

    def _take(self, record: LogRecord, queue_id: str) -> None:
        building = self._by_id.get(queue_id)
        if building is None:
            building = _Building(queue_id, arrived=record.time)
            building.legs[queue_id] = Leg(queue_id, host=record.host, arrived=record.time)
            self._by_id[queue_id] = building
            self._all.append(building)
        building.lines.append(record.raw)
        handler = _HANDLERS.get(record.event)
        if handler is not None:
            handler(building, record, queue_id)
        if record.event in ("notification", "requeue"):
            self._link(building, record, queue_id)

    def _link(self, building: _Building, record: LogRecord, queue_id: str) -> None:
        name, kind = (
            ("notification_id", "notification")
            if record.event == "notification"
            else ("new_id", "requeued")
        )
        child = record.fields.get(name)
        if not isinstance(child, str) or child in building.legs:
            return
        early = self._by_id.get(child)
        if early is not None and early is not building:
            # The child's own lines came first: they belong to the parent's story all the same.
            self._all.remove(early)
            building.lines += early.lines
        building.legs[child] = Leg(
            child, kind, host=record.host, parent=queue_id, arrived=record.time
        )
        self._by_id[child] = building


def _client(building: _Building, record: LogRecord, queue_id: str) -> None:
    fields = record.fields
    building.client = Client(_str(fields.get("client")), _str(fields.get("client_address")))
    building.sasl_username = _str(fields.get("sasl_username"))


def _message_id(building: _Building, record: LogRecord, queue_id: str) -> None:
    building.message_id = _str(record.fields.get("message-id"))
    building.subject = _str(record.fields.get("subject"))


def _queued(building: _Building, record: LogRecord, queue_id: str) -> None:
    fields = record.fields
    building.sender = _str(fields.get("from"))
    size = fields.get("size")
    building.size = size if isinstance(size, int) else None
    building.message_id = building.message_id or _str(fields.get("message-id"))
    building.subject = building.subject or _str(fields.get("subject"))
    status = DeliveryStatus.HELD if fields.get("held") else DeliveryStatus.QUEUED
    to = fields.get("to")
    for address in to if isinstance(to, list) else []:
        building.recipients.setdefault(
            str(address), TrackedRecipient(str(address), status, queue_id=queue_id)
        )


def _delivery(building: _Building, record: LogRecord, queue_id: str) -> None:
    leg = building.legs.get(queue_id)
    if leg is not None and leg.kind == "notification":
        return  # the notification's own way is a leg, not an end of the message
    fields = record.fields
    address = str(fields.get("to", ""))
    before = building.recipients.get(address)
    delay = fields.get("delay")
    building.recipients[address] = TrackedRecipient(
        address=address,
        status=_DELIVERY.get(str(fields.get("status")), DeliveryStatus.UNKNOWN),
        original=_str(fields.get("orig_to")),
        dsn=_str(fields.get("dsn")),
        reply=_str(fields.get("reply")),
        relay=_str(fields.get("relay")),
        time=record.time,
        attempts=(before.attempts if before else 0) + 1,
        delay=float(delay) if isinstance(delay, int | float) else None,
        queue_id=queue_id,
    )


def _set_open(status: DeliveryStatus) -> _Handler:
    def handler(building: _Building, record: LogRecord, queue_id: str) -> None:
        for address, recipient in building.recipients.items():
            if recipient.status in _OPEN:
                building.recipients[address] = replace(recipient, status=status, time=record.time)

    return handler


def _released(building: _Building, record: LogRecord, queue_id: str) -> None:
    for address, recipient in building.recipients.items():
        if recipient.status is DeliveryStatus.HELD:
            status = DeliveryStatus.DEFERRED if recipient.attempts else DeliveryStatus.QUEUED
            building.recipients[address] = replace(recipient, status=status)


def _removed(building: _Building, record: LogRecord, queue_id: str) -> None:
    leg = building.legs.get(queue_id)
    if leg is not None:
        building.legs[queue_id] = replace(leg, completed=record.time)


def _deleted(building: _Building, record: LogRecord, queue_id: str) -> None:
    _set_open(DeliveryStatus.DISCARDED)(building, record, queue_id)
    _removed(building, record, queue_id)


_OPEN = {DeliveryStatus.QUEUED, DeliveryStatus.DEFERRED, DeliveryStatus.HELD}
_HANDLERS: dict[str, _Handler] = {
    "client": _client,
    "message-id": _message_id,
    "queued": _queued,
    "delivery": _delivery,
    "hold": _set_open(DeliveryStatus.HELD),
    "release": _released,
    "delete": _deleted,
    "requeue": _removed,
    "removed": _removed,
}


def _rejected(record: LogRecord) -> _Building:
    fields = record.fields
    building = _Building(None, arrived=record.time, lines=[record.raw])
    building.sender = _str(fields.get("from"))
    building.client = Client(_str(fields.get("client")), _str(fields.get("client_address")))
    building.sasl_username = _str(fields.get("sasl_username"))
    reply = _str(fields.get("reply"))
    words = (reply or "").split(" ", 2)
    dsn = words[1] if len(words) > 1 and words[1][:1] in "245" and "." in words[1] else None
    for address in str(fields.get("to") or "").split(", "):
        if address:
            building.recipients[address] = TrackedRecipient(
                address, DeliveryStatus.REJECTED, dsn=dsn, reply=reply, time=record.time, attempts=1
            )
    return building


def _finished(building: _Building) -> TrackedMessage:
    recipients = tuple(building.recipients.values())
    status = message_status(recipient.status for recipient in recipients)
    if building.queue_id is None and not recipients:
        status = DeliveryStatus.REJECTED
    return TrackedMessage(
        queue_ids=tuple(building.legs),
        status=status,
        recipients=recipients,
        legs=tuple(building.legs.values()),
        message_id=building.message_id,
        sender=building.sender,
        subject=building.subject,
        size=building.size,
        arrived=building.arrived,
        client=building.client,
        sasl_username=building.sasl_username,
        lines=tuple(building.lines),
    )


def _str(value: object) -> str | None:
    return value if isinstance(value, str) else None
