"""OpenSMTPD's log records, joined into messages: by the message ID, the upper half of its envelopes'.

A session is no message: it says who the client is, of messages and of refusals. A bounce that the
server makes is a message of its own: no line names the one that it is about.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from smtpadmin.formats.record_joiner import RecordJoiner, joined
from smtpadmin.formats.tracked_story import Story, text
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, TrackCriteria, TrackedMessage, TrackedRecipient

MOST_SESSIONS = 100_000
_COMMAND = re.compile(r"(mail from|rcpt to|data|\.)\s*:?\s*(?:<([^<>]*)>|(\S+))?", re.I)
_ENHANCED = re.compile(r"[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b")
_DELAY = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,9})s)?")
_ENDS = {
    "sent": DeliveryStatus.SENT,
    "deferred": DeliveryStatus.DEFERRED,
    "bounced": DeliveryStatus.BOUNCED,
}


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    return joined(records, criteria, _Opensmtpd().take)


class _Opensmtpd:
    """Remembers the clients of sessions."""

    def __init__(self) -> None:
        self._clients: OrderedDict[tuple[str | None, str], Client] = OrderedDict()

    def take(self, joiner: RecordJoiner, record: LogRecord) -> None:
        session = (record.host, str(record.fields.get("session")))
        if record.queue_id is not None:
            self._of_message(joiner, record, self._clients.get(session))
        elif record.event == "reject":
            self._refused(joiner, record, self._clients.get(session))
        elif record.event == "connect":
            self._connected(session, record)
        elif record.event == "disconnect":
            self._clients.pop(session, None)

    def _connected(self, session: tuple[str | None, str], record: LogRecord) -> None:
        fields = record.fields
        name = text(fields.get("host")) or text(fields.get("client_name"))
        address = text(fields.get("address")) or text(fields.get("client_address"))
        if name or address:
            self._clients[session] = Client(name, address)
            if len(self._clients) > MOST_SESSIONS:
                self._clients.popitem(last=False)

    def _of_message(self, joiner: RecordJoiner, record: LogRecord, client: Client | None) -> None:
        born = record.event in ("queued", "envelope")
        story = joiner.of((record.host, record.queue_id), record, born=born)
        story.on_leg(record)
        fields = record.fields
        if isinstance(sender := fields.get("from"), str):
            story.sender = sender if story.sender is None else story.sender
        if born and fields.get("component") not in ("mta", "mda"):
            story.client = story.client or client
        if record.event == "queued":
            size, count = fields.get("size"), fields.get("nrcpt")
            story.size = size if isinstance(size, int) else story.size
            story.expected = count if isinstance(count, int) else 0
        to = text(fields.get("to"))
        if to and record.event == "delivery":
            story.put(_delivered(to, record))
        elif to:
            story.expect(to, record)
            story.told.add(to.casefold())
        joiner.settle(story)

    def _refused(self, joiner: RecordJoiner, record: LogRecord, client: Client | None) -> None:
        reply = text(record.fields.get("reply"))
        command = text(record.fields.get("command")) or _said(reply)
        found = _COMMAND.match(command or "")
        if found is None:
            return  # a greeting, a login: no message was refused
        story = joiner.alone(record)
        story.client = client
        story.verdict = DeliveryStatus.REJECTED
        address = found[2] if found[2] is not None else found[3] or ""
        if found[1].lower() == "mail from":
            story.sender = address
        elif found[1].lower() == "rcpt to":
            _refuse(story, address, reply, record)


def _refuse(story: Story, address: str, reply: str | None, record: LogRecord) -> None:
    enhanced = _ENHANCED.match(reply or "")
    dsn = enhanced[1] if enhanced else None
    story.put(
        TrackedRecipient(address, DeliveryStatus.REJECTED, dsn=dsn, reply=reply, time=record.time)
    )


def _said(reply: str | None) -> str | None:
    """The command in an old line, ``"RCPT TO:<a@b>" => 550 ...``."""
    return reply.strip(' "') if reply else None


def _delivered(to: str, record: LogRecord) -> TrackedRecipient:
    fields = record.fields
    status = _ENDS.get(str(fields.get("status")), DeliveryStatus.UNKNOWN)
    if status is DeliveryStatus.SENT and fields.get("component") in ("mda", "lmtp", "delivery"):
        status = DeliveryStatus.DELIVERED
    reply, original = text(fields.get("reply")), text(fields.get("rcpt"))
    enhanced = _ENHANCED.match(reply or "")
    return TrackedRecipient(
        address=to,
        status=status,
        original=original if original not in ("-", to) else None,
        dsn=enhanced[1] if enhanced else None,
        reply=reply,
        relay=text(fields.get("relay")),
        time=record.time,
        delay=_seconds(fields.get("delay")),
        queue_id=record.queue_id,
    )


def _seconds(delay: object) -> float | None:
    """``1d2h3m4s``, any part of which may be absent."""
    found = _DELAY.fullmatch(str(delay)) if delay else None
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
