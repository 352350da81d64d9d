"""KumoMTA's log records, joined into messages by the spool ID, which no two nodes give twice.

A message that one node hands to another (XferOut, XferIn) keeps its ID and has a leg on each. An
out-of-band bounce and a feedback report carry the ID of the mail that brought them, not of the one
that they are about: they are messages of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from smtpadmin.formats.json_line import text_of
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.record_joiner import RecordJoiner, joined
from smtpadmin.formats.tracked_story import Story, in_brackets, text, texts
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, Leg, TrackCriteria, TrackedMessage, TrackedRecipient

_ENDS = {
    "Delivery": DeliveryStatus.SENT,
    "Bounce": DeliveryStatus.BOUNCED,
    "TransientFailure": DeliveryStatus.DEFERRED,
    "Delayed": DeliveryStatus.DEFERRED,
    "Expiration": DeliveryStatus.EXPIRED,
    "AdminBounce": DeliveryStatus.BOUNCED,
    "OOB": DeliveryStatus.BOUNCED,
    "Feedback": DeliveryStatus.DELIVERED,
    "Rejection": DeliveryStatus.REJECTED,
}
"""Record type -> what became of its recipients."""
_ATTEMPTS = frozenset({"Delivery", "Bounce", "TransientFailure"})
_BIRTHS = frozenset({"Reception", "XferIn"})
_FINAL_PROTOCOLS = frozenset({"maildir", "lmtp"})
_MOST_ATTEMPTS = 1_000_000


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    return joined(records, criteria, _take)


def _take(joiner: RecordJoiner, record: LogRecord) -> None:
    kind = text(record.fields.get("type"))
    if kind is None or (not record.queue_id and kind not in _ENDS):
        return
    if not record.queue_id:
        _told(joiner.alone(record), record, kind)
        return
    story = joiner.of(record.queue_id, record)
    _leg(story, record, kind)
    _told(story, record, kind)
    joiner.settle(story)


def _leg(story: Story, record: LogRecord, kind: str) -> None:
    queue_id = record.queue_id or ""
    key = (record.host, queue_id)
    if key not in story.legs:
        relayed = bool(story.legs)
        parent = queue_id if relayed else None
        story.legs[key] = Leg(
            queue_id, "relayed" if relayed else "accepted", None, record.host, parent, record.time
        )
    if kind == "XferOut":
        story.legs[key] = replace(story.legs[key], completed=record.time)


def _told(story: Story, record: LogRecord, kind: str) -> None:
    fields = record.fields
    created = _created(record)
    if created is not None and (story.arrived is None or created < story.arrived):
        story.arrived = created  # the reception may be in a segment that is gone
    sender = fields.get("from")
    story.sender = sender if story.sender is None and isinstance(sender, str) else story.sender
    size = fields.get("size")
    if not story.size and isinstance(size, int) and size > 0:
        story.size = size
    story.message_id = story.message_id or in_brackets(fields.get("message-id"))
    story.subject = story.subject or text(fields.get("subject"))
    if kind in ("Reception", "Rejection"):
        name, address = (text(fields.get(f"client_{part}")) for part in ("name", "address"))
        story.client = Client(name, address) if name or address else story.client
        meta = fields.get("meta")
        user = text_of(meta.get("authn_id")) if isinstance(meta, dict) else None
        story.sasl_username = story.sasl_username or user
    if kind == "Rejection":
        story.verdict = DeliveryStatus.REJECTED
    _recipients(story, record, kind, created)


def _recipients(story: Story, record: LogRecord, kind: str, created: datetime | None) -> None:
    fields = record.fields
    status = _ENDS.get(kind)
    for address in texts(fields.get("to")):
        if status is None:
            if kind in _BIRTHS:
                story.expect(address, record)
            continue
        before = fields.get("num_attempts")
        tried = before if isinstance(before, int) and 0 <= before < _MOST_ATTEMPTS else 0
        attempt = kind in _ATTEMPTS
        story.put(
            _recipient(address, _final(status, fields.get("delivery_protocol")), record, created),
            attempt=attempt,
            attempts=tried + attempt,
        )


def _final(status: DeliveryStatus, protocol: object) -> DeliveryStatus:
    if status is DeliveryStatus.SENT and str(protocol).lower() in _FINAL_PROTOCOLS:
        return DeliveryStatus.DELIVERED
    return status


def _recipient(
    address: str, status: DeliveryStatus, record: LogRecord, created: datetime | None
) -> TrackedRecipient:
    fields = record.fields
    name, peer = (text(fields.get(f"relay_{part}")) for part in ("name", "address"))
    since = record.time - created if record.time and created else None
    return TrackedRecipient(
        address=address,
        status=status,
        dsn=text(fields.get("dsn")),
        reply=text(fields.get("reply")),
        relay=f"{name.rstrip('.')}[{peer}]" if name and peer else name or peer,
        time=record.time,
        delay=since.total_seconds() if since is not None else None,
        queue_id=record.queue_id or None,
    )


def _created(record: LogRecord) -> datetime | None:
    """When the message was received, which each of its records says."""
    stamp = text(record.fields.get("created_time"))
    if stamp and (moment := _CLOCK.moment(stamp[:64].encode())):
        return moment
    seconds = record.fields.get("created")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or record.time is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, record.time.tzinfo)
    except (ValueError, OverflowError, OSError):
        return None


_CLOCK = LogClock()
