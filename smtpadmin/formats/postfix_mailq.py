"""Postfix's queue as ``mailq`` and ``postqueue -p`` print it: the listing for people.

Source: postqueue(1), showq(8). ``*`` behind the ID is the active queue, ``!`` hold, ``#`` forced
expire; a reason in parentheses stands above the recipients that it is for; the date has no year.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

from smtpadmin.formats.postfix_queue import FORCED_EXPIRE, NULL_SENDER
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.util.text import decode_line, visible

_QUEUES = {"": "deferred", "*": "active", "!": "hold"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HEAD: Final = re.compile(
    rf"([0-9A-Za-z]{{5,40}})([*!#]{{0,3}}) +(\d{{1,19}}) +({'|'.join(_DAYS)}) ({'|'.join(_MONTHS)})"
    r" +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?: (.*))?"
)
_TITLE = re.compile(r"-{1,40}Queue ID-{1,40} ")
"""Wider where queue IDs are long."""
_TRAILER = re.compile(r"-- (\d{1,19}) Kbytes in (\d{1,19}) Requests?\.")
_RECIPIENT = re.compile(r'"[^"]*"(?:@\S*)?|[^\s"(]+')
_EMPTY = "Mail queue is empty"
_SAID = re.compile(r"(?:postqueue|mailq|sendmail|showq|postfix/[\w/-]{1,40})(?:\[\d+\])?: ")
_YEARS_BACK = 12
"""A weekday and date come again within 11 years at the latest."""

_SHOWN = 80


def looks_like(head: Sequence[bytes]) -> bool:
    """Whether these are lines of this listing, or what was said in its place."""
    texts = [decode_line(line[:400]).strip() for line in head]
    return any(
        text.startswith(_EMPTY) or _TITLE.match(text) or _HEAD.fullmatch(text) or _SAID.match(text)
        for text in texts
    )


def parse(
    lines: Iterable[bytes], now: datetime, tell: Callable[[str], None]
) -> Iterator[QueueEntry]:
    """The entries; see :mod:`smtpadmin.formats.queue_listing`."""
    return _Reader(now, tell).entries(lines)


class _Reader:
    """Reads line after line; an entry is complete when the next one, or the trailer, begins."""

    def __init__(self, now: datetime, tell: Callable[[str], None]) -> None:
        self._now = now
        self._tell = tell
        self._head: re.Match[str] | None = None
        self._recipients: list[QueueRecipient] = []
        self._reason: str | None = None
        self._open: list[str] = []
        self._depth = 0
        self._count = 0
        self._announced: int | None = None
        self._began = False

    def entries(self, lines: Iterable[bytes]) -> Iterator[QueueEntry]:
        """All entries, then what is to be told about the end."""
        for number, line in enumerate(lines, 1):
            text = decode_line(line).rstrip()
            if self._ends_entry(text):
                yield from self._take()
            self._read(text, number)
        yield from self._take()
        self._tell_of_the_end()

    def _ends_entry(self, text: str) -> bool:
        """Unless a reason is still open: it may go over several lines, empty ones too."""
        if self._head is None:
            return False
        head = _HEAD.fullmatch(text) or _TRAILER.fullmatch(text)
        return bool(head) or (not text and (not self._open or self._may_be_whole()))

    def _read(self, text: str, number: int) -> None:
        if head := _HEAD.fullmatch(text):
            self._head, self._began = head, True
        elif trailer := _TRAILER.fullmatch(text):
            self._announced = int(trailer[2])
        elif _TITLE.match(text):
            self._began = True
        elif text == _EMPTY:
            self._announced = 0
        elif _SAID.match(text) and not self._open:
            self._tell(visible(text))
        elif self._head is not None:
            self._read_recipient(text.strip())
        elif text:
            self._tell(f"line {number} is no part of a listing: {visible(text, _SHOWN)}")

    def _read_recipient(self, text: str) -> None:
        if self._open and self._may_be_whole() and _is_address(text):
            self._close()
        if self._open or text.startswith("("):
            self._open.append(text)
            self._depth += text.count("(") - text.count(")")
            if self._may_be_whole() and self._depth <= 0:
                self._close()
        elif text:
            self._recipients.append(QueueRecipient(text, self._reason))

    def _may_be_whole(self) -> bool:
        """A reason may hold brackets, closed or not; one that is not balanced goes on unless an
        address follows."""
        return self._open[-1].endswith(")")

    def _close(self) -> None:
        self._reason = " ".join(self._open)[1:-1]
        self._open, self._depth = [], 0

    def _take(self) -> Iterator[QueueEntry]:
        head, self._head = self._head, None
        if head is None:
            return
        if self._open and not self._may_be_whole():
            self._tell(f"the reason of {head[1]} does not end")
        self._count += 1
        yield self._entry(head)
        self._recipients, self._reason, self._open, self._depth = [], None, [], 0

    def _entry(self, head: re.Match[str]) -> QueueEntry:
        marks, sender = head[2], (head[10] or "").strip()
        return QueueEntry(
            head[1],
            _QUEUES.get(marks.replace("#", "")[:1], "deferred"),
            _moment(head, self._now),
            int(head[3]),
            "" if sender == NULL_SENDER else sender,
            tuple(self._recipients),
            flags=(FORCED_EXPIRE,) if "#" in marks else (),
        )

    def _tell_of_the_end(self) -> None:
        if self._announced is not None and self._announced != self._count:
            self._tell(f"the listing holds {self._count} of {self._announced} messages")
        elif self._announced is None and self._began:
            self._tell("the listing breaks off: its last line is missing")


def _is_address(text: str) -> bool:
    """Whether a line under a reason that may be whole is a recipient, and not the reason's rest."""
    return not text.endswith(")") and _RECIPIENT.fullmatch(text) is not None


def _moment(head: re.Match[str], now: datetime) -> datetime | None:
    """The youngest such moment that is not in the future; its weekday decides between years."""
    month, day = _MONTHS.index(head[5]) + 1, int(head[6])
    latest = now.astimezone()
    fitting = []
    for year in range(latest.year + 1, latest.year - _YEARS_BACK, -1):
        if year < 1:
            break
        try:
            weekday = date(year, month, day).weekday()
            clock = datetime(year, month, day, int(head[7]), int(head[8]), int(head[9]), tzinfo=UTC)
            moment = clock.replace(tzinfo=now.tzinfo).astimezone()
        except (ValueError, OverflowError, OSError):
            continue
        if (moment - latest).total_seconds() < 86_400:
            fitting.append((weekday != _DAYS.index(head[4]), -year, moment))
    return min(fitting)[2] if fitting else None
