"""FTGate's billing log: Date, Time, In/Out, MessageId, Sender, Recipient, Size.

The manual says neither how dates look nor what separates the columns, so both are read from the
lines: comma, semicolon or tab; ISO dates, or day and month in the order that the file shows (a
number above 12 is a day), the British one while nothing shows it.
"""

from __future__ import annotations

import re
from datetime import datetime

from smtpadmin.formats.csv_line import split_csv
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

Fields = dict[str, object]

PROGRAM = "ftgate"
COLUMNS = 7
_DATE = re.compile(
    r"(?:(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2}))"
)
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?(?: ?([AP])M)?", re.I)
_WAY = {"in": "queued", "inbound": "queued", "out": "delivery", "outbound": "delivery"}


class FtgateParser:
    """Lines of one file in order; remembers the order of day and month that they have shown."""

    def __init__(self, clock: LogClock) -> None:
        self._clock = clock
        self._month_first = False

    def __call__(
        self, line: bytes, *, file: str | None = None, number: int | None = None
    ) -> LogRecord:
        """One line, without its line end, as a record. Never raises."""
        raw = decode_line(line)
        text = raw.lstrip("\ufeff\0").rstrip("\r\n")
        values = columns(text)
        if values is None or values[2].lower() not in _WAY:
            event = "comment" if values and values[0].lower() == "date" else "other"
            return LogRecord(raw=raw, event=event, message=text, file=file, line=number)
        date, time, way, message_id, sender, recipient, size = values[:COLUMNS]
        fields: Fields = {
            "direction": way,
            "message-id": message_id.removeprefix("<").removesuffix(">"),
            "from": sender.removeprefix("<").removesuffix(">"),
            "to": recipient.removeprefix("<").removesuffix(">"),
            "size": int(size) if size.isdecimal() and len(size) < 19 else size,
        }
        if _WAY[way.lower()] == "delivery":
            fields["status"] = "sent"
        return LogRecord(
            raw=raw,
            event=_WAY[way.lower()],
            time=self._moment(date, time),
            program=PROGRAM,
            fields=fields,
            message=text,
            file=file,
            line=number,
        )

    def _moment(self, date: str, time: str) -> datetime | None:
        day, hour = _DATE.fullmatch(date), _TIME.fullmatch(time)
        if day is None or hour is None:
            return None
        year, month, number = day[1], day[2], day[3]
        if year is None:
            first, second, year = int(day[4]), int(day[5]), day[6]
            if second > 12 or first > 12:
                self._month_first = second > 12
            month, number = (
                (str(first), str(second)) if self._month_first else (str(second), str(first))
            )
        hours = int(hour[1])
        if hour[4]:
            hours = hours % 12 + (12 if hour[4] in "Pp" else 0)
        century = "20" if len(year) == 2 else ""
        stamp = f"{century}{year}-{int(month):02}-{int(number):02} {hours:02}:{hour[2]}:{hour[3] or '00'}"
        return self._clock.moment(stamp.encode())


def columns(text: str) -> list[str] | None:
    """The seven values of a line, whatever separates them; None for another line."""
    for delimiter in (",", ";", "\t"):
        values = [value.strip() for value in split_csv(text, delimiter)]
        if len(values) == COLUMNS:
            return values
    return None


def looks_like(line: bytes) -> bool:
    """Whether a line is of this log."""
    values = columns(line[:4000].decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r\n"))
    if values is None:
        return False
    if values[2].lower() in _WAY:
        return bool(_DATE.fullmatch(values[0])) and bool(_TIME.fullmatch(values[1]))
    return [value.lower() for value in values[:3]] == ["date", "time", "in/out"]
