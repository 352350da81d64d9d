"""sendmail's queue listing (``mailq``, ``sendmail -bp``), of its own and of the submission queue.

A head line ``ID SIZE TIME SENDER`` with ``*`` (being handled), ``-`` (load too high), ``X`` (too
young) or ``?`` after the ID, a body type and a reason on a line of its own in brackets, then the
recipients, one a line. Times have no year and no zone. ``MSP Queue status...`` and ``MTA Queue
status...`` may follow one another, and counts in them are not the number of entries. sendmail
``src/queue.c``, ``print_single_queue``; Sendmail Operations Guide 2.3.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache

from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.util.text import decode_line, visible

MOST_LINE = 100_000
_ID = r"[0-9A-Za-z]{3,20}\d{5,10}"
"""Ends with the number of the process that took the message."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_YEARS_BACK = 12
"""A weekday and date come again within 11 years at the latest."""

_SHOWN = 200
_SAID = re.compile(
    r"(?:mailq|sendmail): \S|can not chdir\b|Permission denied\b|\S+: .*[Pp]ermission denied"
)
_HEAD = re.compile(
    rf"(?P<id>{_ID})(?P<mark>[*X?-]{{0,2}})[ \t]+(?P<size>\d{{1,15}})[ \t]+"
    r"(?:[-+]?\d{1,9}[+-]?[ \t]+)?"  # the priority that mailq -v shows
    rf"(?P<weekday>{'|'.join(_DAYS)}) (?P<month>{'|'.join(_MONTHS)}) (?P<day>[ 0-3]?\d) (?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?:[ \t]+(?P<sender>.*))?",
    re.ASCII,
)
_BARE = re.compile(rf"(?P<id>{_ID})(?P<mark>[*X?-]{{0,2}})[ \t]+(?P<note>\(.*\)?)", re.ASCII)
_BODY_TYPE = re.compile(r"[ \t]*(?:8BITMIME|7BIT)\b(?P<rest>.*)")
_NOISE = re.compile(
    r"[ \t]*(?:(?:MSP|MTA) Queue status\.\.\.|Total requests: \d+|-+Q-ID-+.*"
    r"|/\S* \(\d+ requests?(?:, only \d+ printed)?\)|/\S* is empty|Running as .*)"
)
_MARKS = {"*": "locked", "-": "load-too-high", "X": "load-too-high", "?": "lost"}


@dataclass(slots=True)
class _Open:
    queue_id: str
    mark: str
    size: int | None
    arrived: datetime | None
    sender: str
    reason: list[str] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    in_reason: bool = False

    def entry(self) -> QueueEntry:
        """The message as a row."""
        marks = [_MARKS[m] for m in self.mark if m in _MARKS]
        recipients = tuple(QueueRecipient(a, r or None) for a, r in self.addresses)
        if not recipients and self.reason:
            recipients = (QueueRecipient("", " ".join(self.reason)),)
        return QueueEntry(
            self.queue_id,
            "active" if "*" in self.mark else "deferred",
            self.arrived,
            self.size,
            self.sender,
            recipients,
            flags=(*marks, *self.flags),
        )


class _Reader:
    """Reads line after line; an entry is complete when the next one, or a trailer, begins."""

    def __init__(self, now: datetime, tell: Callable[[str], None]) -> None:
        self._now = now
        self._tell = tell
        self._open: _Open | None = None
        self._began = False

    def entries(self, lines: Iterable[bytes]) -> Iterator[QueueEntry]:
        """All entries."""
        for number, raw in enumerate(lines, 1):
            line = decode_line(raw[:MOST_LINE]).rstrip()
            opened = self._head(line)
            if opened is not None or _NOISE.fullmatch(line):
                yield from self._take()
                self._open, self._began = opened, True
            elif line:
                self._began = True
                self._read(line, number)
        yield from self._take()
        if not self._began:
            self._tell("nothing is in it, not even that the queue is empty")

    def _take(self) -> Iterator[QueueEntry]:
        done, self._open = self._open, None
        if done is not None:
            yield done.entry()

    def _read(self, line: str, number: int) -> None:
        if self._open is not None and line[0].isspace():
            self._detail(self._open, line)
        elif _SAID.match(line):
            self._tell(visible(line, _SHOWN))
        else:
            shown = visible(line.strip(), _SHOWN)
            self._tell(f"line {number} is no part of a listing: {shown}")

    def _head(self, line: str) -> _Open | None:
        if head := _HEAD.fullmatch(line):
            sender = _address((head["sender"] or "").strip())
            sender = "" if sender.upper() == "MAILER-DAEMON" else sender
            when = _moment(head, self._now)
            return _Open(head["id"], head["mark"], int(head["size"]), when, sender)
        if bare := _BARE.fullmatch(line):
            note = bare["note"].strip("()")
            return _Open(bare["id"], bare["mark"], None, None, "", flags=[note] if note else [])
        return None

    @staticmethod
    def _detail(message: _Open, line: str) -> None:
        if body := _BODY_TYPE.fullmatch(line):
            message.flags.append(line.split()[0])
            line = body["rest"]
        text = line.strip()
        if message.in_reason or text.startswith("("):
            if not message.in_reason:
                message.reason = []
            message.reason.append(text)
            message.in_reason = text.count("(") > text.count(")") and not text.endswith(")")
            if not message.in_reason:
                joined = " ".join(message.reason)
                message.reason = [joined[1:-1] if joined.endswith(")") else joined[1:]]
        elif text:
            message.addresses.append((_address(text), " ".join(message.reason)))


def parse(
    lines: Iterable[bytes], now: datetime, tell: Callable[[str], None]
) -> Iterator[QueueEntry]:
    """The entries; see :mod:`smtpadmin.formats.queue_listing`."""
    return _Reader(now, tell).entries(lines)


def looks_like(head: Sequence[bytes]) -> bool:
    """Whether these are lines of this listing, an empty one included."""
    texts = [decode_line(line[:1_000]).rstrip() for line in head]
    return any(_HEAD.fullmatch(text) or _NOISE.fullmatch(text) for text in texts)


def _moment(head: re.Match[str], now: datetime) -> datetime | None:
    """The youngest such moment that is not in the future; its weekday decides between years."""
    month, weekday = _MONTHS.index(head["month"]) + 1, _DAYS.index(head["weekday"])
    day = _day(month, int(head["day"]), weekday, now.astimezone().date())
    hour, minute = int(head["hour"]), int(head["minute"])
    if day is None or hour > 23 or minute > 59:
        return None
    try:
        clock = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
        return clock.replace(tzinfo=now.tzinfo).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


@lru_cache(maxsize=1_000)
def _day(month: int, day: int, weekday: int, today: date) -> date | None:
    """The last such day up to tomorrow (clocks and zones differ), on that weekday if there was one."""
    fitting = []
    for year in range(today.year + 1, max(0, today.year - _YEARS_BACK), -1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if (found - today).days <= 1:
            fitting.append((found.weekday() != weekday, -year, found))
    return min(fitting)[2] if fitting else None


def _address(text: str) -> str:
    """Without angle brackets and without what follows them."""
    if text.startswith("<") and ">" in text:
        return text[1 : text.rindex(">")]
    return text
