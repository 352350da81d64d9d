"""sendmail's log records, joined into messages.

Joined: all lines of an ID on one host; a notification (``PARENT: CHILD: DSN: ...``) and a clone as
legs of the message that they came from; the submission agent's message with the daemon's that it
became, where the line says ``Sent (ID Message accepted for delivery)`` about this same host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from smtpadmin.formats.record_joiner import RecordJoiner, joined
from smtpadmin.formats.tracked_story import Story, in_brackets, key_of, text, texts
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, Leg, TrackCriteria, TrackedMessage, TrackedRecipient

_ACCEPTED = re.compile(r"Sent \(([0-9A-Za-z]{12,20}) Message accepted for delivery\)")
_DELAY = re.compile(r"(?:(\d{1,5})\+)?(\d{1,3}):(\d\d):(\d\d)")
_ENHANCED = re.compile(r"[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b")
_UID = re.compile(r" \(\d{1,10}/\d{1,10}\)$")
_LOOPBACK = ("127.", "::1", "0:0:0:0:0:0:0:1")
_FINAL_MAILERS = frozenset({"local", "prog", "*file*", "procmail", "cyrus", "cyrusv2", "lmtp", "cyrusv2d"})  # fmt: skip
_TOO_OLD = "Cannot send message for"


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    return joined(records, criteria, _take)


def _take(joiner: RecordJoiner, record: LogRecord) -> None:
    if record.queue_id is None:
        if record.event == "reject":
            _refused(joiner.alone(record), record)
        return
    story = joiner.of((record.host, record.queue_id), record, born=record.event == "queued")
    story.on_leg(record)
    if record.event in ("notification", "clone"):
        _further(joiner, story, record)
    elif record.event == "delivery":
        _delivery(joiner, story, record)
    elif not story.is_notification(record):
        _other(story, record)
    joiner.settle(joiner.peek((record.host, record.queue_id)) or story)


def _other(story: Story, record: LogRecord) -> None:
    if record.event == "queued":
        _queued(story, record)
    elif record.event == "reject":
        _refused(story, record)
    elif record.event == "discard":
        story.end_open(DeliveryStatus.DISCARDED, record, text(record.fields.get("discard")))
        story.verdict = DeliveryStatus.DISCARDED
        story.expected = 0
    elif record.event == "removed":
        story.removed = True
        _completed(story, record)
    elif "quarantine" in record.fields:
        story.end_open(DeliveryStatus.QUARANTINED, record)
        story.verdict = DeliveryStatus.QUARANTINED
    if record.event == "auth" and record.fields.get("result") != "failed":
        story.sasl_username = text(record.fields.get("authid")) or story.sasl_username


def _queued(story: Story, record: LogRecord) -> None:
    fields = record.fields
    if len(story.legs) > 1 and story.sender is not None:
        return  # the daemon's copy of what was submitted: the submission says who and whence
    sender = fields.get("from")
    story.sender = sender if isinstance(sender, str) else story.sender
    size, count = fields.get("size"), fields.get("nrcpts")
    story.size = size if isinstance(size, int) else story.size
    story.expected = count if isinstance(count, int) else 0
    story.message_id = in_brackets(fields.get("message-id")) or story.message_id
    story.client = _client(record) or story.client


def _delivery(joiner: RecordJoiner, story: Story, record: LogRecord) -> None:
    if story.is_notification(record):
        if record.fields.get("status") != "deferred":
            _completed(story, record)
        return
    told = [_recipient(address, story, record) for address in texts(record.fields.get("to"))]
    handed = _ACCEPTED.match(str(record.fields.get("stat", "")))
    if handed and _is_local(record) and handed[1] != record.queue_id:
        for one in told:
            story.forget(one.address)
            story.told.add(key_of(one.address))
        story.handed.setdefault(handed[1], []).extend(told)
        leg = Leg(handed[1], "reinjected", host=record.host, parent=record.queue_id)
        joiner.link(story, (record.host, handed[1]), replace(leg, arrived=record.time))
        return
    for one in told:
        story.put(one)


def _recipient(address: str, story: Story, record: LogRecord) -> TrackedRecipient:
    fields = record.fields
    return TrackedRecipient(
        address=address,
        status=_status(record),
        original=_original(address, story, record),
        dsn=text(fields.get("dsn")),
        reply=text(fields.get("reply")),
        relay=text(fields.get("relay")),
        time=record.time,
        delay=_seconds(fields.get("delay")),
        queue_id=record.queue_id,
    )


def _status(record: LogRecord) -> DeliveryStatus:
    stat, mailer = str(record.fields.get("stat", "")), record.fields.get("mailer")
    if stat.startswith(("queued", "Queued")):
        return DeliveryStatus.QUEUED
    if _TOO_OLD in stat:
        return DeliveryStatus.EXPIRED
    if record.fields.get("status") == "sent":
        if mailer == "discard":
            return DeliveryStatus.DISCARDED
        return DeliveryStatus.DELIVERED if mailer in _FINAL_MAILERS else DeliveryStatus.SENT
    deferred = record.fields.get("status") == "deferred"
    return DeliveryStatus.DEFERRED if deferred else DeliveryStatus.BOUNCED


def _original(address: str, story: Story, record: LogRecord) -> str | None:
    """The controlling address is the alias or list that led here; of a local submission it is the
    one who sends."""
    control = _UID.sub("", str(record.fields.get("ctladdr") or ""))
    control = control.removeprefix("<").removesuffix(">")
    name = control.partition("@")[0].casefold()
    senders = (story.sender or "").partition("@")[0].casefold()
    if not control or key_of(control) == key_of(address) or name == senders:
        return None
    return control


def _further(joiner: RecordJoiner, story: Story, record: LogRecord) -> None:
    """``PARENT: CHILD: DSN: ...``, ``PARENT: CHILD: clone: ...``, and as it was before 8.12
    ``CHILD: clone PARENT, ...``."""
    fields = record.fields
    if older := text(fields.get("clone_of")):
        parent = joiner.peek((record.host, older))
        if parent is not None and record.queue_id is not None:
            leg = Leg(record.queue_id, "reinjected", None, record.host, older, record.time)
            joiner.link(parent, (record.host, record.queue_id), leg)
        return
    notice = record.event == "notification"
    other = text(fields.get("notification_id" if notice else "clone_id"))
    if other is None or other == record.queue_id:
        return
    kind = "notification" if notice else "reinjected"
    leg = Leg(other, kind, None, record.host, record.queue_id, record.time)
    joiner.link(story, (record.host, other), leg)
    if notice and _TOO_OLD in str(fields.get("reply")):
        story.end_open(DeliveryStatus.EXPIRED, record, text(fields.get("reply")))


def _refused(story: Story, record: LogRecord) -> None:
    """By a rule set (``check_mail`` names the sender, ``check_rcpt`` a recipient) or a milter."""
    fields, reply = record.fields, text(record.fields.get("reply"))
    story.client = story.client or _client(record)
    argument, rules = fields.get("arg1"), fields.get("ruleset")
    sender = fields.get("from", argument if rules == "check_mail" else None)
    if story.sender is None and isinstance(sender, str):
        story.sender = sender
    to = texts(fields.get("to")) or (texts(argument) if rules == "check_rcpt" else [])
    enhanced = _ENHANCED.match(reply or "")
    for address in to:
        story.put(TrackedRecipient(address, DeliveryStatus.REJECTED, dsn=enhanced[1] if enhanced else None,
                                   reply=reply, time=record.time, queue_id=record.queue_id))  # fmt: skip
    if not to:
        story.end_open(DeliveryStatus.REJECTED, record, reply)
        story.expected = 0
    story.verdict = DeliveryStatus.REJECTED


def _completed(story: Story, record: LogRecord) -> None:
    key = (record.host, record.queue_id or "")
    if key in story.legs:
        story.legs[key] = replace(story.legs[key], completed=record.time)


def _client(record: LogRecord) -> Client | None:
    name, address = (text(record.fields.get(f"relay_{part}")) for part in ("name", "address"))
    if name is None and address is None:
        name = text(record.fields.get("relay"))
    return Client(name, address) if name or address else None


def _is_local(record: LogRecord) -> bool:
    address = str(record.fields.get("relay_address") or "")
    name = str(record.fields.get("relay_name") or "").rstrip(".").casefold()
    host = (record.host or "").casefold()
    return address.startswith(_LOOPBACK) or bool(host and name.partition(".")[0] == host.partition(".")[0])  # fmt: skip


def _seconds(delay: object) -> float | None:
    """``hh:mm:ss`` or ``days+hh:mm:ss``."""
    found = _DELAY.fullmatch(str(delay))
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
