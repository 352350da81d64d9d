"""Rspamd's history as messages: one for each scan, and what the scan decided.

Rspamd knows no queue ID and not what became of a message that it let pass: such a one is
``unknown``. Scans of one Message-ID are not joined: a greylisted mail that comes again is scanned
again, and strangers choose Message-IDs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smtpadmin.formats.record_joiner import RecordJoiner, joined
from smtpadmin.formats.rspamd_history import rows
from smtpadmin.formats.tracked_story import in_brackets, text, texts
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, TrackCriteria, TrackedMessage, TrackedRecipient

_DECIDED = {
    "reject": DeliveryStatus.REJECTED,
    "soft reject": DeliveryStatus.DEFERRED,
    "greylist": DeliveryStatus.DEFERRED,
    "add header": DeliveryStatus.FILTERED,
    "rewrite subject": DeliveryStatus.FILTERED,
    "quarantine": DeliveryStatus.QUARANTINED,
    "discard": DeliveryStatus.DISCARDED,
}
"""Action -> status; every other (``no action``) lets the message pass."""


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    return joined(_scans(records), criteria, _take)


def _scans(records: Iterable[LogRecord]) -> Iterator[LogRecord]:
    """A record for each row; an answer of the controller is one line with all of them."""
    for record in records:
        if record.event == "history":
            yield from rows(record.raw.encode())
        elif record.event == "scan":
            yield record


def _take(joiner: RecordJoiner, record: LogRecord) -> None:
    fields = record.fields
    story = joiner.alone(record)
    status = _DECIDED.get(str(fields.get("action")), DeliveryStatus.UNKNOWN)
    story.verdict = status
    sender, size = fields.get("from"), fields.get("size")
    story.sender = sender if isinstance(sender, str) else None
    story.size = size if isinstance(size, int) else None
    story.subject = text(fields.get("subject"))
    story.message_id = in_brackets(fields.get("message-id"))
    address, user = text(fields.get("client_address")), text(fields.get("user"))
    story.client = Client(None, address) if address else None
    story.sasl_username = user if user != "unknown" else None
    for recipient in texts(fields.get("to")):
        story.put(TrackedRecipient(recipient, status, reply=record.message, time=record.time),
                  attempt=False)  # fmt: skip
