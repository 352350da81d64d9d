"""Columns as data: what a queue entry, a log record and a tracked message offer to sort and filter.

One declaration serves the row store, the filter language and the tables. Knows the model alone; how
a cell is worded for people is the window's business.

A text column gives one text a row; several values (recipients, their domains) are joined by line
feeds, and a filter then looks at each of them.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from smtpadmin.model.log import LogRecord
from smtpadmin.model.queue import QueueEntry
from smtpadmin.model.tracking import TrackedMessage
from smtpadmin.services.log_severity import Severity, severity

T = TypeVar("T")
Value = str | float | datetime | None

_CODE = re.compile(r"(?<![\w.])([245]\d\d|[245]\.\d{1,3}\.\d{1,3})(?![\w]|\.\d)")
_REPLY_START = 400
"""Characters of a reply in which its codes are looked for: they stand at its head."""


class Kind(enum.StrEnum):
    """How a column's values compare. A ``line`` is a text of which every row has its own: it is
    searched where it lies, counted nowhere, and its order is that of arrival."""

    TEXT = "text"
    LINE = "line"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column. ``key`` takes the value from a row, None when the server cannot say; ``field`` is
    the filter field that it answers (a time answers ``age``); ``anywhere``: words look here."""

    name: str
    kind: Kind
    key: Callable[[T], Value]
    field: str | None = None
    anywhere: bool = False


def domain_of(address: str) -> str:
    """The part behind the last ``@``, in lower case; ``""`` without one."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def reply_codes(reply: str) -> list[str]:
    """Reply codes and enhanced status codes (RFC 3463) at the head of a reply, each once."""
    return list(dict.fromkeys(_CODE.findall(reply[:_REPLY_START])))


def _lines(values: Iterable[str | None]) -> str | None:
    """Each value once, in order, joined by line feeds; None when there is none."""
    return "\n".join(dict.fromkeys(value for value in values if value)) or None


# Most queued messages have one recipient, and most replies repeat: rows arrive by the ten thousand.


def _entry_recipients(entry: QueueEntry) -> str | None:
    if len(entry.recipients) == 1:
        return entry.recipients[0].address
    return _lines(r.address for r in entry.recipients)


def _entry_domains(entry: QueueEntry) -> str | None:
    return _lines(domain_of(r.address) for r in entry.recipients if not r.delivered)


def _entry_waiting(entry: QueueEntry) -> float:
    return float(sum(not r.delivered for r in entry.recipients))


def _entry_reasons(entry: QueueEntry) -> str | None:
    if len(entry.recipients) == 1:
        return entry.reason
    return _lines(r.reason for r in entry.recipients if not r.delivered)


def _entry_codes(entry: QueueEntry) -> str | None:
    reasons = _entry_reasons(entry)
    return _codes_of_lines(reasons) if reasons else None


@functools.lru_cache(4_096)
def _codes_of_lines(replies: str) -> str | None:
    return _lines(code for reply in replies.split("\n") for code in reply_codes(reply))


QUEUE_COLUMNS: tuple[Column[QueueEntry], ...] = (
    Column("state", Kind.TEXT, lambda e: e.queue, "state", anywhere=True),
    Column("arrived", Kind.TIME, lambda e: e.arrived, "age"),
    Column("recipient", Kind.TEXT, _entry_recipients, "to", anywhere=True),
    Column("reason", Kind.TEXT, _entry_reasons, "reason", anywhere=True),
    Column("sender", Kind.TEXT, lambda e: e.sender, "from", anywhere=True),
    Column("size", Kind.NUMBER, lambda e: e.size, "size"),
    Column("tries", Kind.NUMBER, lambda e: e.tries, "tries"),
    Column("next_try", Kind.TIME, lambda e: e.next_try),
    Column("queue_id", Kind.TEXT, lambda e: e.queue_id, "id", anywhere=True),
    Column("expires", Kind.TIME, lambda e: e.expires),
    Column("domain", Kind.TEXT, _entry_domains, "domain"),
    Column("waiting", Kind.NUMBER, _entry_waiting),
    Column("code", Kind.TEXT, _entry_codes, "code"),
    Column("message_id", Kind.TEXT, lambda e: e.message_id, anywhere=True),
    Column("subject", Kind.TEXT, lambda e: e.subject, anywhere=True),
    Column("client", Kind.TEXT, lambda e: e.client, anywhere=True),
    Column("server", Kind.TEXT, lambda e: e.server, "server"),
)


def _field(name: str) -> Callable[[LogRecord], str | None]:
    def text(record: LogRecord) -> str | None:
        value = record.fields.get(name)
        if value is None or isinstance(value, str):
            return value
        return _texts(record.fields, (name,))

    return text


def _texts(fields: Mapping[str, object], names: Iterable[str]) -> str | None:
    """The named fields as text; the empty sender of a bounce stays ``""``."""
    values = [fields[name] for name in names if name in fields]
    if not values:
        return None
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    found: list[str] = []
    for value in values:
        if isinstance(value, list | tuple):
            found.extend(map(str, value))
        elif value is not None:
            found.append(str(value))
    return "\n".join(found) if found else None


def _log_recipients(record: LogRecord) -> str | None:
    to = record.fields.get("to")
    if isinstance(to, str) and "orig_to" not in record.fields:
        return to
    return _texts(record.fields, ("to", "orig_to"))


def _log_domains(record: LogRecord) -> str | None:
    recipients = _log_recipients(record)
    if not recipients or "\n" not in recipients:
        return domain_of(recipients or "") or None
    return _lines(map(domain_of, recipients.split("\n")))


def _log_codes(record: LogRecord) -> str | None:
    said = _texts(record.fields, ("dsn", "reply", "reason")) or record.message
    return _codes_of_lines(said)


def _log_size(record: LogRecord) -> float | None:
    size = record.fields.get("size")
    if size is None or isinstance(size, int | float):
        return size
    try:
        return float(str(size))
    except ValueError:
        return None


LOG_COLUMNS: tuple[Column[LogRecord], ...] = (
    Column("time", Kind.TIME, lambda r: r.time, "age"),
    Column("level", Kind.TEXT, lambda r: r.level),
    Column("program", Kind.TEXT, lambda r: r.program, "program"),
    Column("queue_id", Kind.TEXT, lambda r: r.queue_id, "id"),
    Column("event", Kind.TEXT, lambda r: r.event, "event"),
    Column("message", Kind.LINE, lambda r: r.raw, "reason", anywhere=True),
    Column("host", Kind.TEXT, lambda r: r.host, "server"),
    Column("pid", Kind.NUMBER, lambda r: r.pid),
    Column("from", Kind.TEXT, _field("from"), "from"),
    Column("to", Kind.TEXT, _log_recipients, "to"),
    Column("domain", Kind.TEXT, _log_domains, "domain"),
    Column("code", Kind.TEXT, _log_codes, "code"),
    Column("state", Kind.TEXT, _field("status"), "state"),
    Column("size", Kind.NUMBER, _log_size, "size"),
    Column("tries", Kind.NUMBER, lambda r: _number(r.fields.get("tries")), "tries"),
    Column("problem", Kind.NUMBER, lambda r: float(severity(r) is not Severity.INFO)),
)


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None


def _tracked_codes(message: TrackedMessage) -> str | None:
    found = ([r.dsn, *reply_codes(r.reply or "")] for r in message.recipients)
    return _lines(code for codes in found for code in codes)


def _tracked_delay(message: TrackedMessage) -> float | None:
    return max((r.delay for r in message.recipients if r.delay is not None), default=None)


def _tracked_client(message: TrackedMessage) -> str | None:
    return _lines((message.client.name, message.client.address)) if message.client else None


TRACKED_COLUMNS: tuple[Column[TrackedMessage], ...] = (
    Column("arrived", Kind.TIME, lambda m: m.arrived, "age"),
    Column("status", Kind.TEXT, lambda m: m.status.value, "state", anywhere=True),
    Column("sender", Kind.TEXT, lambda m: m.sender, "from", anywhere=True),
    Column("recipient", Kind.TEXT, lambda m: _lines(r.address for r in m.recipients), "to", True),
    Column("subject", Kind.TEXT, lambda m: m.subject, anywhere=True),
    Column("size", Kind.NUMBER, lambda m: m.size, "size"),
    Column("delay", Kind.NUMBER, _tracked_delay),
    Column("relay", Kind.TEXT, lambda m: _lines(r.relay for r in m.recipients), anywhere=True),
    Column("code", Kind.TEXT, _tracked_codes, "code"),
    Column("reason", Kind.TEXT, lambda m: _lines(r.reply for r in m.recipients), "reason", True),
    Column("message_id", Kind.TEXT, lambda m: m.message_id, anywhere=True),
    Column("queue_id", Kind.TEXT, lambda m: _lines(m.queue_ids), "id", anywhere=True),
    Column(
        "domain", Kind.TEXT, lambda m: _lines(domain_of(r.address) for r in m.recipients), "domain"
    ),
    Column("client", Kind.TEXT, _tracked_client, anywhere=True),
    Column("server", Kind.TEXT, lambda m: _lines(leg.server for leg in m.legs), "server"),
    Column(
        "tries",
        Kind.NUMBER,
        lambda m: max((r.attempts for r in m.recipients), default=None),
        "tries",
    ),
)
