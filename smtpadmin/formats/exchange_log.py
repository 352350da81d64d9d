"""Exchange's message tracking log and SMTP protocol log: CSV with ``#Fields:`` comments.

Which column means what is said by the last ``#Fields:`` line, which may be absent or come again;
without one the number of columns tells the generation. Times are UTC.
"""

from __future__ import annotations

import re
from datetime import UTC

from smtpadmin.formats.csv_line import split_csv
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

Fields = dict[str, object]

PROGRAM = "exchange"
_HEAD = (
    "date-time client-ip client-hostname server-ip server-hostname source-context connector-id source"
    " event-id internal-message-id message-id"
)
_MIDDLE = (
    "recipient-address recipient-status total-bytes recipient-count related-recipient-address reference"
    " message-subject sender-address return-path message-info"
)
_SINCE_2010 = "directionality tenant-id original-client-ip original-server-ip custom-data"
_PROTOCOL = "date-time connector-id session-id sequence-number local-endpoint remote-endpoint event data context"
GENERATIONS: dict[int, tuple[str, ...]] = {
    len(names.split()): tuple(names.split())
    for names in (
        _PROTOCOL,
        f"{_HEAD} {_MIDDLE}",
        f"{_HEAD} {_MIDDLE} {_SINCE_2010}",
        f"{_HEAD} network-message-id {_MIDDLE} {_SINCE_2010}",
        f"{_HEAD} network-message-id {_MIDDLE} {_SINCE_2010} transport-traffic-type log-id schema-version",
    )
}
"""Number of columns -> their names: protocol log; tracking of 2007, 2010, 2013, 2016 and later."""
_STAMPED = re.compile(rb"(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?,")
_TRACKING = re.compile(
    rb",(?:SMTP|STOREDRIVER|ROUTING|AGENT|DSN|PICKUP|GATEWAY|ADMIN|MAILBOXRULE|[A-Z]{4,20}),[A-Z]{3,30},"
)
_LISTS = frozenset({"recipient-address", "recipient-status", "reference"})
_INTEGERS = frozenset({"total-bytes", "recipient-count", "sequence-number"})
_EVENTS = {
    "RECEIVE": ("queued", None),
    "SUBMIT": ("submit", None),
    "SEND": ("delivery", "sent"),
    "SENDEXTERNAL": ("delivery", "sent"),
    "DELIVER": ("delivery", "delivered"),
    "DUPLICATEDELIVER": ("delivery", "delivered"),
    "DEFER": ("delivery", "deferred"),
    "FAIL": ("delivery", "bounced"),
    "DROP": ("discard", "discarded"),
    "DSN": ("notification", None),
}
"""Event -> ours and the recipients' state; every other event keeps its name in lower case."""
_PROTOCOL_EVENTS = {"+": "connect", "-": "disconnect", ">": "reply", "<": "command", "*": "info"}
_REPLY = re.compile(r"(\d{3})[ -](?:([245]\.\d{1,3}\.\d{1,3}) )?")
_COMMON = (
    ("sender-address", "from"),
    ("recipient-address", "to"),
    ("total-bytes", "size"),
    ("message-subject", "subject"),
    ("client-ip", "client_address"),
    ("client-hostname", "client_name"),
)


class ExchangeParser:
    """Lines of one file in order; remembers what its ``#Fields:`` line says."""

    def __init__(self, clock: LogClock | None = None) -> None:
        self._clock = LogClock(UTC)
        self._names: tuple[str, ...] | None = None

    def __call__(
        self, line: bytes, *, file: str | None = None, number: int | None = None
    ) -> LogRecord:
        """One line, without its line end, as a record. Never raises."""
        raw = decode_line(line)
        text = raw.lstrip("\ufeff\0").rstrip("\r\n")
        if text.startswith("#"):
            if text.startswith("#Fields:"):
                self._names = tuple(name.strip() for name in text[8:].split(","))
            return LogRecord(raw=raw, event="comment", message=text, file=file, line=number)
        values = split_csv(text)
        names = self._names_for(values)
        if names is None:
            return LogRecord(raw=raw, message=text, file=file, line=number)
        row = dict(zip(names, values, strict=False))
        event, fields = _protocol(row) if "event" in row else _tracking(row)
        return LogRecord(
            raw=raw,
            event=event,
            time=self._clock.moment(row.get("date-time", "").encode()),
            host=row.get("server-hostname") or None,
            program=PROGRAM,
            queue_id=row.get("internal-message-id") or None,
            fields=fields,
            message=text.partition(",")[2],
            file=file,
            line=number,
        )

    def _names_for(self, values: list[str]) -> tuple[str, ...] | None:
        """None for what is no row: the first column of one is a time."""
        if len(values) < 2 or not re.match(r"\d{4}-\d\d-\d\dT", values[0]):
            return None
        if self._names and len(self._names) == len(values):
            return self._names
        return GENERATIONS.get(len(values)) or self._names


def looks_like(line: bytes) -> bool:
    """Whether a line is of one of these logs."""
    text = line.removeprefix(b"\xef\xbb\xbf")
    if text.startswith(
        (b"#Software: Microsoft Exchange", b"#Log-type: Message Tracking", b"#Log-type: SMTP")
    ):
        return True
    if text.startswith(b"#Fields: date-time,"):
        return True
    return bool(_STAMPED.match(line)) and (
        bool(_TRACKING.search(line[:4000])) or line.count(b",") == len(_PROTOCOL.split()) - 1
    )


def _tracking(row: dict[str, str]) -> tuple[str, Fields]:
    """Columns by their own names, empty ones left out; those that every log has by the common
    names as well."""
    fields: Fields = {
        name: _value(name, value) for name, value in row.items() if value and name != "date-time"
    }
    said = row.get("event-id", "")
    event, status = _EVENTS.get(said, (said.lower() or "other", None))
    for name, common in _COMMON:
        if name in fields:
            fields[common] = fields[name]
    if row.get("sender-address") == "<>":
        fields["from"] = ""
    if "message-id" in fields:
        fields["message-id"] = row["message-id"].removeprefix("<").removesuffix(">")
    if status:
        fields["status"] = status
    if "recipient-status" in fields:
        fields["reply"] = row["recipient-status"]
    return event, fields


def _value(name: str, value: str) -> object:
    if name in _LISTS:
        return value.split(";")
    if name in _INTEGERS and value.isdecimal() and len(value) < 19:
        return int(value)
    return value


def _protocol(row: dict[str, str]) -> tuple[str, Fields]:
    fields: Fields = {
        name: _value(name, value) for name, value in row.items() if value and name != "date-time"
    }
    event = _PROTOCOL_EVENTS.get(row["event"], "other")
    data = row.get("data", "")
    if event == "reply" and (found := _REPLY.match(data)):
        fields["reply"] = data
        fields["code"] = int(found[1])
        if found[2]:
            fields["dsn"] = found[2]
        if found[1] == "535":
            fields["result"] = "failed"
            return "auth", fields
        if found[1][0] in "45":
            return "reject", fields
    return event, fields
