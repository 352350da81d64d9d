"""Exchange's message tracking rows, joined into messages.

Since 2013 a message keeps its ``network-message-id`` on every server and in every copy that
expansion or content conversion makes: with the Message-ID it joins the rows of all servers, whose
own ``internal-message-id`` are the legs. 2007 and 2010 have none: there a message is what one server
says of one internal ID. A DSN names the message that it is about in ``reference``; it becomes a leg
of that message when exactly one is known by that name on that server.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace

from smtpadmin.formats.record_joiner import RecordJoiner, joined
from smtpadmin.formats.tracked_story import Story, in_brackets, text, texts
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, Leg, TrackCriteria, TrackedMessage, TrackedRecipient

_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_ENDS = {
    "SEND": DeliveryStatus.SENT,
    "SENDEXTERNAL": DeliveryStatus.SENT,
    "DELIVER": DeliveryStatus.DELIVERED,
    "DUPLICATEDELIVER": DeliveryStatus.DELIVERED,
    "DEFER": DeliveryStatus.DEFERRED,
    "FAIL": DeliveryStatus.BOUNCED,
    "BADMAIL": DeliveryStatus.DISCARDED,
    "DROP": DeliveryStatus.DISCARDED,
    "POISONMESSAGE": DeliveryStatus.QUARANTINED,
    "MODERATORREJECT": DeliveryStatus.REJECTED,
    "MODERATIONEXPIRE": DeliveryStatus.EXPIRED,
}
"""Event -> what became of the row's recipients."""
_NO_ATTEMPT = frozenset({"BADMAIL", "DROP", "POISONMESSAGE", "MODERATORREJECT", "MODERATIONEXPIRE"})
_BIRTHS = frozenset({"RECEIVE", "SUBMIT"})
_INSTEAD = frozenset({"EXPAND", "REDIRECT", "RESOLVE"})
"""Events whose recipients take the place of ``related-recipient-address``."""
_OUTWARD = frozenset({"SEND", "SENDEXTERNAL", "HAREDIRECT", "DELIVER", "DUPLICATEDELIVER"})
"""Events of which the *client* columns name the server that wrote the row: they hand on."""


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    return joined(records, criteria, _Exchange().take)


class _Exchange:
    """Remembers which story a Message-ID names on a server, for DSNs; None when several do."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, str], Hashable | None] = {}

    def take(self, joiner: RecordJoiner, record: LogRecord) -> None:
        event = text(record.fields.get("event-id"))
        key = _key(record)
        if event is None or key is None:
            return
        host = _host(record)
        story = joiner.of(key, record)
        self._leg(story, record, host)
        _facts(story, record, event)
        _recipients(story, record, event)
        if event == "DSN":
            self._notification(joiner, story, record, host)
        else:
            self._name(record, host, key)
        joiner.settle(story)

    def _leg(self, story: Story, record: LogRecord, host: str | None) -> None:
        queue_id = record.queue_id
        if queue_id is None or (_short(host), queue_id) in story.legs:
            return
        first = next(iter(story.legs.values()), None)
        kind, parent = "accepted", None
        if first is not None:
            kind = "reinjected" if _short(first.host) == _short(host) else "relayed"
            said = texts(record.fields.get("reference"))
            parent = said[0] if said and (_short(host), said[0]) in story.legs else first.queue_id
        story.legs[_short(host), queue_id] = Leg(queue_id, kind, None, host, parent, record.time)

    def _name(self, record: LogRecord, host: str | None, key: Hashable) -> None:
        message_id = text(record.fields.get("message-id"))
        if message_id:
            name = (_short(host), message_id)
            self._named[name] = key if self._named.get(name, key) == key else None

    def _notification(
        self, joiner: RecordJoiner, story: Story, record: LogRecord, host: str | None
    ) -> None:
        said = in_brackets(next(iter(texts(record.fields.get("reference"))), None))
        about = self._named.get((_short(host), (said or "")[1:-1])) if said else None
        parent = joiner.peek(about) if about is not None else None
        key = _key(record)
        if parent is None or parent is story or key is None or record.queue_id is None:
            return
        above = next(iter(parent.legs.values()), None)
        leg = Leg(record.queue_id, "notification", None, host, above.queue_id if above else None)
        joiner.link(parent, key, leg)


def _key(record: LogRecord) -> Hashable | None:
    network = text(record.fields.get("network-message-id"))
    message_id = text(record.fields.get("message-id")) or ""
    if network:
        return (network, message_id)
    if record.queue_id == "0":  # not in a queue yet: every such row has this number
        return (_short(_host(record)), "0", message_id)
    return (_short(_host(record)), record.queue_id) if record.queue_id else None


def _host(record: LogRecord) -> str | None:
    """The server that wrote the row."""
    if record.fields.get("event-id") in _OUTWARD:
        return text(record.fields.get("client-hostname")) or record.host
    return record.host


def _short(host: str | None) -> str:
    return (host or "").partition(".")[0].casefold()


def _facts(story: Story, record: LogRecord, event: str) -> None:
    fields = record.fields
    if _is_of_notification(story, record):
        return
    if record.time and (story.arrived is None or record.time < story.arrived):
        story.arrived = record.time  # servers' files are read one after the other
        story.client = _client(record) if event in _BIRTHS else story.client
    sender = fields.get("from")
    if story.sender is None and isinstance(sender, str):
        story.sender = sender
    story.message_id = story.message_id or in_brackets(fields.get("message-id"))
    story.subject = story.subject or text(fields.get("subject"))
    size = fields.get("size")
    story.size = size if story.size is None and isinstance(size, int) else story.size
    if event in _BIRTHS and story.client is None:
        story.client = _client(record)


def _is_of_notification(story: Story, record: LogRecord) -> bool:
    leg = story.legs.get((_short(_host(record)), record.queue_id or ""))
    return leg is not None and leg.kind == "notification"


def _client(record: LogRecord) -> Client | None:
    name = text(record.fields.get("client_name"))
    address = text(record.fields.get("client_address"))
    return Client(name, address) if name or address else None


def _recipients(story: Story, record: LogRecord, event: str) -> None:
    if _is_of_notification(story, record):
        if event in _ENDS and event != "DEFER":
            key = (_short(_host(record)), record.queue_id or "")
            story.legs[key] = replace(story.legs[key], completed=record.time)
        return
    addresses = texts(record.fields.get("to"))
    if event in _ENDS:
        for told in _told(addresses, record, _ENDS[event], story):
            story.put(told, attempt=event not in _NO_ATTEMPT)
        return
    related = text(record.fields.get("related-recipient-address"))
    if event in _INSTEAD and related:
        story.forget(related)
    if event in _BIRTHS or event in _INSTEAD or event == "TRANSFER":
        for address in addresses:
            story.expect(address, record, original=related if event in _INSTEAD else None)


def _told(
    addresses: list[str], record: LogRecord, status: DeliveryStatus, story: Story
) -> Iterator[TrackedRecipient]:
    replies = _replies(record, len(addresses))
    relay = None
    if status is DeliveryStatus.SENT:
        names = (text(record.fields.get(name)) for name in ("server-hostname", "server-ip"))
        relay = next((name for name in names if name), None)
    since = (record.time - story.arrived) if record.time and story.arrived else None
    for address, reply in zip(addresses, replies, strict=True):
        enhanced = _ENHANCED.search(reply or "")
        yield TrackedRecipient(
            address=address,
            status=status,
            dsn=enhanced[1] if enhanced else None,
            reply=reply,
            relay=relay,
            time=record.time,
            delay=since.total_seconds() if since is not None else None,
            queue_id=record.queue_id,
        )


def _replies(record: LogRecord, count: int) -> list[str | None]:
    """One for each recipient. A status with ``;`` in it is one for all; without any, what the next
    hop answered stands in ``source-context``."""
    said = texts(record.fields.get("recipient-status"))
    if len(said) == count:
        return [reply or None for reply in said]
    whole = ";".join(said) or text(record.fields.get("source-context"))
    return [whole] * count
