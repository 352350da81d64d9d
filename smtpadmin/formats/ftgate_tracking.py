"""FTGate's billing rows, joined into messages: by MessageId and sender, never by MessageId alone.

A row says that a message came in or went out for one recipient, nothing more. What came in and did
not go out was perhaps delivered to a mailbox: its status is ``unknown``. A row that says again what
one of its message said already begins another message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smtpadmin.formats.record_joiner import RecordJoiner, joined
from smtpadmin.formats.tracked_story import Story, in_brackets, key_of, text
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage, TrackedRecipient


def find(records: Iterable[LogRecord], criteria: TrackCriteria) -> Iterator[TrackedMessage]:
    """Messages that match; the newest ``criteria.limit`` of them when there are more."""
    return joined(records, criteria, _Ftgate().take)


class _Ftgate:
    """Counts the lives of each MessageId and sender."""

    def __init__(self) -> None:
        self._lives: dict[tuple[str, str], int] = {}

    def take(self, joiner: RecordJoiner, record: LogRecord) -> None:
        if record.event not in ("queued", "delivery"):
            return
        story = self._story(joiner, record)
        fields = record.fields
        sender, size, to = fields.get("from"), fields.get("size"), str(fields.get("to"))
        story.sender = sender if isinstance(sender, str) else None
        story.message_id = in_brackets(fields.get("message-id"))
        story.size = size if isinstance(size, int) and story.size is None else story.size
        out = record.event == "delivery"
        status = DeliveryStatus.SENT if out else DeliveryStatus.UNKNOWN
        if out or key_of(to) not in story.recipients:
            story.put(TrackedRecipient(to, status, time=record.time), attempt=out)
        story.told.add(f"{record.event} {key_of(to)}")
        joiner.settle(story)

    def _story(self, joiner: RecordJoiner, record: LogRecord) -> Story:
        message_id = text(record.fields.get("message-id"))
        if message_id is None:
            return joiner.alone(record)
        name = (message_id, key_of(str(record.fields.get("from"))))
        life = self._lives.get(name, 0)
        known = joiner.peek((*name, life))
        said = f"{record.event} {key_of(str(record.fields.get('to')))}"
        if known is not None and said in known.told:
            life = self._lives[name] = life + 1
        return joiner.of((*name, life), record)
