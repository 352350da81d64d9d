"""The built-in server's log records, joined into messages. Pure: records in, messages out.

Queue IDs of this server are never used again, so the ID alone is a message's key. A notification,
a requeued message and a kept copy that was put back are further legs of the message that they came
from; records of a leg may come before the record that links it.
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
    lines: list[tuple[int, str]] = field(default_factory=list)


_Handler = Callable[[_Building, LogRecord, str], None]


def join(records: Iterable[LogRecord], *, keep_lines: bool = True) -> list[TrackedMessage]:
    """Every message that the records tell of, by arrival, the newest last; with its log lines
    unless ``keep_lines`` is False."""
    messages = _Joiner(keep_lines).join(records)
    messages.sort(key=lambda message: message.arrived.timestamp() if message.arrived else 0.0)
    return messages


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    messages = join(records, keep_lines=criteria.lines)
    found = [message for message in messages if matches(message, criteria)]
    if criteria.limit is not None:
        found = found[-criteria.limit :] if criteria.limit > 0 else []
    yield from found


class _Joiner:
    def __init__(self, keep_lines: bool) -> None:
        self._keep_lines = keep_lines
        self._number = 0
        self._by_id: dict[str, _Building] = {}
        self._all: dict[int, _Building] = {}

    def join(self, records: Iterable[LogRecord]) -> list[TrackedMessage]:
        for self._number, record in enumerate(records):
            if record.queue_id is not None:
                self._take(record, record.queue_id)
            elif record.event == "reject":
                self._keep(_rejected(record), record)
        return [_finished(building) for building in self._all.values()]

    def _keep(self, building: _Building, record: LogRecord) -> None:
        self._all[id(building)] = building
        if self._keep_lines:
            building.lines.append((self._number, record.raw))

    def _take(self, record: LogRecord, queue_id: str) -> None:
        building = self._by_id.get(queue_id)
        if building is None:
            building = _Building(queue_id, arrived=record.time)
            building.legs[queue_id] = Leg(queue_id, host=record.host, arrived=record.time)
            self._by_id[queue_id] = building
        self._keep(building, record)
        link = _LINKS.get(record.event)
        if link is not None:
            building = self._linked(building, record, queue_id, *link)
        handler = _HANDLERS.get(record.event)
        if handler is not None:
            handler(building, record, queue_id)

    def _linked(
        self, building: _Building, record: LogRecord, queue_id: str, name: str, kind: str
    ) -> _Building:
        """The message that a record belongs to, after the link that it tells of was made."""
        other = record.fields.get(name)
        if not isinstance(other, str) or other == queue_id:
            return building
        if kind != "reinjected":
            self._add_leg(
                building, other, Leg(other, kind, record.host, None, queue_id, record.time)
            )
            return building
        parent = self._by_id.get(other)
        if parent is None or parent is building:
            return building
        self._add_leg(parent, queue_id, Leg(queue_id, kind, record.host, None, other, record.time))
        return parent

    def _add_leg(self, parent: _Building, queue_id: str, leg: Leg) -> None:
        early = self._by_id.get(queue_id)
        if early is parent:
            return
        if early is not None:
            # The leg's own lines came first: they belong to the parent's story all the same.
            leg = replace(early.legs[queue_id], kind=leg.kind, parent=leg.parent)
            del self._all[id(early)]
            parent.lines += early.lines
            parent.legs |= early.legs
            for other in early.legs:
                self._by_id[other] = parent
            if leg.kind != "notification":
                parent.recipients |= early.recipients
        parent.legs[queue_id] = leg
        self._by_id[queue_id] = parent


def _client(building: _Building, record: LogRecord, queue_id: str) -> None:
    fields = record.fields
    building.client = Client(_str(fields.get("client")), _str(fields.get("client_address")))
    building.sasl_username = _str(fields.get("sasl_username"))


def _message_id(building: _Building, record: LogRecord, queue_id: str) -> None:
    building.message_id = _str(record.fields.get("message-id"))
    building.subject = _str(record.fields.get("subject"))


def _queued(building: _Building, record: LogRecord, queue_id: str) -> None:
    fields = record.fields
    if queue_id != building.queue_id:
        _put_back(building, record, queue_id)
        return
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


def _put_back(building: _Building, record: LogRecord, queue_id: str) -> None:
    """A kept copy is in the queue again: its recipients are open again."""
    leg = building.legs[queue_id]
    to = record.fields.get("to")
    if leg.kind == "notification" or not isinstance(to, list):
        return
    for address in map(str, to):
        before = building.recipients.get(address) or TrackedRecipient(
            address, DeliveryStatus.QUEUED
        )
        building.recipients[address] = replace(
            before, status=DeliveryStatus.QUEUED, queue_id=queue_id, time=record.time
        )


def _delivery(building: _Building, record: LogRecord, queue_id: str) -> None:
    if building.legs[queue_id].kind == "notification":
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
        if building.legs[queue_id].kind == "notification":
            return
        for address, recipient in building.recipients.items():
            if recipient.status in _OPEN:
                building.recipients[address] = replace(recipient, status=status, time=record.time)

    return handler


def _released(building: _Building, record: LogRecord, queue_id: str) -> None:
    if building.legs[queue_id].kind == "notification":
        return
    for address, recipient in building.recipients.items():
        if recipient.status is DeliveryStatus.HELD:
            status = DeliveryStatus.DEFERRED if recipient.attempts else DeliveryStatus.QUEUED
            building.recipients[address] = replace(recipient, status=status)


def _removed(building: _Building, record: LogRecord, queue_id: str) -> None:
    building.legs[queue_id] = replace(building.legs[queue_id], completed=record.time)


def _requeued(building: _Building, record: LogRecord, queue_id: str) -> None:
    _set_open(DeliveryStatus.QUEUED)(building, record, queue_id)
    _removed(building, record, queue_id)


def _deleted(building: _Building, record: LogRecord, queue_id: str) -> None:
    _set_open(DeliveryStatus.DISCARDED)(building, record, queue_id)
    _removed(building, record, queue_id)


_OPEN = {DeliveryStatus.QUEUED, DeliveryStatus.DEFERRED, DeliveryStatus.HELD}
_LINKS = {
    "notification": ("notification_id", "notification"),
    "requeue": ("new_id", "requeued"),
    "queued": ("was", "reinjected"),
}
"""Event -> the field that names the other queue ID, and the kind of leg that it makes."""
_HANDLERS: dict[str, _Handler] = {
    "client": _client,
    "message-id": _message_id,
    "queued": _queued,
    "delivery": _delivery,
    "hold": _set_open(DeliveryStatus.HELD),
    "release": _released,
    "delete": _deleted,
    "requeue": _requeued,
    "removed": _removed,
}


def _rejected(record: LogRecord) -> _Building:
    fields = record.fields
    building = _Building(None, arrived=record.time)
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
        lines=tuple(line for _, line in sorted(building.lines)),
    )


def _str(value: object) -> str | None:
    return value if isinstance(value, str) else None
