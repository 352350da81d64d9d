"""Haraka's log records, joined into messages by the transaction, ``CONNECTION.N``.

For each domain that a transaction has recipients in, the outbound queue works under an ID of its own,
``CONNECTION.N.M``: a leg. Which domain that is stands in the lines of the ``get_mx`` hook and of the
delivery. A bounce that Haraka makes is a transaction of its own whose line names no other: it is a
message of its own.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from smtpadmin.formats.record_joiner import RecordJoiner, joined
from smtpadmin.formats.tracked_story import Story, in_brackets, key_of, text
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, Leg, TrackCriteria, TrackedMessage, TrackedRecipient

MOST_CONNECTIONS = 100_000
MOST_LEGS = 200_000
_HOOK = re.compile(r"\bhook=get_mx\b")
_ADDRESSES = re.compile(r"<([^<>\s]{1,512})>")
_QUEUED_HERE = "Message Queued ("
_STATUSES = {
    "sent": DeliveryStatus.SENT,
    "deferred": DeliveryStatus.DEFERRED,
    "bounced": DeliveryStatus.BOUNCED,
}


@dataclass(slots=True)
class _Outbound:
    """One outbound ID: its domain once a line named it, and who the lines of this attempt named."""

    domain: str | None = None
    spoken: set[str] = field(default_factory=set)


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    return joined(records, criteria, _Haraka().take)


class _Haraka:
    """Remembers the clients of connections, and what the lines of an outbound ID have named."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, Client] = OrderedDict()
        self._legs: OrderedDict[str, _Outbound] = OrderedDict()

    def take(self, joiner: RecordJoiner, record: LogRecord) -> None:
        queue_id = record.queue_id
        if queue_id is None:
            self._of_connection(record)
            return
        connection, number, *outbound = queue_id.split(".")
        base = f"{connection}.{number}"
        story = joiner.of(base, record)
        _add_leg(story, record, queue_id, base)
        if story.client is None and not outbound:
            story.client = self._clients.get(connection)
        if outbound:
            _outbound(story, record, self._leg(queue_id))
        else:
            _inbound(story, record)
        joiner.settle(story)

    def _leg(self, queue_id: str) -> _Outbound:
        leg = self._legs.setdefault(queue_id, _Outbound())
        self._legs.move_to_end(queue_id)
        if len(self._legs) > MOST_LEGS:
            self._legs.popitem(last=False)
        return leg

    def _of_connection(self, record: LogRecord) -> None:
        uuid, address = text(record.fields.get("uuid")), text(record.fields.get("ip"))
        if uuid is None:
            return
        if record.event == "connect" and address:
            self._clients[uuid] = Client(text(record.fields.get("rdns")), address)
            if len(self._clients) > MOST_CONNECTIONS:
                self._clients.popitem(last=False)
        elif record.event == "disconnect":
            self._clients.pop(uuid, None)


def _add_leg(story: Story, record: LogRecord, queue_id: str, base: str) -> None:
    key = (record.host, queue_id)
    if key not in story.legs:
        out = queue_id != base
        story.legs[key] = Leg(queue_id, "reinjected" if out else "accepted", None, record.host,
                              base if out else None, record.time)  # fmt: skip


def _inbound(story: Story, record: LogRecord) -> None:
    fields, event = record.fields, record.event
    refused = str(fields.get("code", "")).startswith("DENY")
    if event in ("sender", "reject") and isinstance(sender := fields.get("from"), str):
        story.sender = sender if story.sender is None else story.sender
    to = text(fields.get("to"))
    if event == "recipient" and to:
        story.expect(to, record)
    elif event == "reject" and to:
        story.put(_recipient(to, DeliveryStatus.REJECTED, record, text(fields.get("msg"))))
    elif event == "delivery" or (event == "bounce" and to is None):
        _outbound(story, record, _Outbound())  # a bounce has no transaction that came in
    elif event == "message":
        story.message_id = in_brackets(fields.get("mid")) or story.message_id
        size = str(fields.get("size", ""))
        story.size = int(size) if size.isdecimal() and len(size) < 19 else story.size
    elif event in ("queue", "queued") and not refused:
        _queued(story, record)
    if refused:
        story.verdict = DeliveryStatus.REJECTED
        if to is None:
            story.end_open(DeliveryStatus.REJECTED, record, text(fields.get("msg")))


def _queued(story: Story, record: LogRecord) -> None:
    """Into the outbound queue, or at once to what a queue plugin hands to."""
    said = text(record.fields.get("msg")) or ""
    if record.event == "queued" and not said.startswith(_QUEUED_HERE):
        for key in list(story.open):
            before = story.recipients[key]
            story.put(replace(before, status=DeliveryStatus.SENT, reply=said or None, time=record.time))  # fmt: skip


def _outbound(story: Story, record: LogRecord, leg: _Outbound) -> None:
    fields, event = record.fields, record.event
    if _HOOK.search(record.message) or text(fields.get("hook")) == "get_mx":
        leg.domain = (text(fields.get("params")) or "").casefold() or leg.domain
    if domain := text(fields.get("domain")):
        leg.domain = domain.casefold()
    to = text(fields.get("to"))
    if event == "delivery" and to:
        status = _STATUSES.get(str(fields.get("status")), DeliveryStatus.UNKNOWN)
        leg.spoken.add(key_of(to))
        story.put(_recipient(to, status, record, text(fields.get("reply"))))
    elif event == "delivery":
        _whole_leg(story, record, leg, DeliveryStatus.SENT)
    elif event == "deferred":
        _whole_leg(story, record, leg, DeliveryStatus.DEFERRED)
    elif event == "bounce":
        _whole_leg(story, record, leg, DeliveryStatus.BOUNCED)


def _whole_leg(story: Story, record: LogRecord, leg: _Outbound, status: DeliveryStatus) -> None:
    """The end of an attempt, for those of whom no line of its own told: whom it names, else all of
    the leg's domain that are open."""
    reply = text(record.fields.get("reply"))
    named = _ADDRESSES.findall(reply or "") if status is not DeliveryStatus.SENT else []
    keys = [key_of(address) for address in named] or [
        key for key in story.open if _is_of(key, leg.domain)
    ]
    for key in keys:
        if key in story.recipients and key not in leg.spoken:
            told = _recipient(story.recipients[key].address, status, record, reply)
            story.put(told)
    leg.spoken.clear()
    if status is DeliveryStatus.BOUNCED and not keys and not story.recipients:
        story.verdict = status


def _is_of(key: str, domain: str | None) -> bool:
    return domain is None or key.rpartition("@")[2] == domain


def _recipient(
    address: str, status: DeliveryStatus, record: LogRecord, reply: str | None
) -> TrackedRecipient:
    fields = record.fields
    host, peer = text(fields.get("host")), text(fields.get("ip"))
    return TrackedRecipient(
        address=address,
        status=status,
        dsn=text(fields.get("dsn")),
        reply=reply,
        relay=f"{host}[{peer}]" if host and peer else host or peer,
        time=record.time,
        delay=_seconds(fields.get("delay")) if status is DeliveryStatus.SENT else None,
        queue_id=record.queue_id,
    )


def _seconds(delay: object) -> float | None:
    said = str(delay)
    if len(said) > 20 or not said.replace(".", "", 1).isdecimal():
        return None
    return float(said)
