"""sendmail's queue listing (``mailq``, ``sendmail -bp``), of its own and of the submission queue.

A head line ``ID SIZE TIME SENDER`` with ``*`` (being handled), ``-`` (load too high), ``X`` (too
young) or ``?`` after the ID, a body type and a reason on a line of its own in brackets, then the
recipients, one a line. Times have no year and no zone. ``MSP Queue status...`` and ``MTA Queue
status...`` may follow one another, and counts in them are not the number of entries. sendmail
``src/queue.c``, ``print_single_queue``; Sendmail Operations Guide 2.3.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from smtpadmin.model.queue import QueueEntry, QueueRecipient

MOST_LINE = 100_000
_ID = r"[0-9A-Za-z]{12,26}"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEAD = re.compile(
    rf"(?P<id>{_ID})(?P<mark>[*X?-]{{0,2}})[ \t]+(?P<size>\d{{1,15}})[ \t]+"
    r"(?:[-+]?\d{1,9}[+-]?[ \t]+)?"  # the priority that mailq -v shows
    rf"[A-Z][a-z]{{2}} (?P<month>{'|'.join(_MONTHS)}) (?P<day>[ 0-3]?\d) (?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d))?(?:[ \t]+(?P<sender>.*))?",
    re.ASCII,
)
_BARE = re.compile(rf"(?P<id>{_ID})(?P<mark>[*X?-]{{0,2}})[ \t]+(?P<note>\(.*\)?)", re.ASCII)
_BODY_TYPE = re.compile(r"[ \t]*(?:8BITMIME|7BIT)\b(?P<rest>.*)")
_NOISE = re.compile(
    r"[ \t]*(?:(?:MSP|MTA) Queue status\.\.\.|Total requests: \d+|-+Q-ID-+.*"
    r"|/\S* \(\d+ requests?(?:, only \d+ printed)?\)|/\S* is empty|Running as .*|Warning: .*)"
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

    def entry(self, server: str | None) -> QueueEntry:
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
            server=server,
            flags=(*marks, *self.flags),
        )


class SendmailQueueReader:
    """Takes a listing line by line; ``now`` gives the year that the times lack, ``zone`` is the
    server's."""

    def __init__(
        self, server: str | None = None, *, now: datetime | None = None, zone: tzinfo = UTC
    ) -> None:
        self.unknown: list[str] = []
        self._server = server
        self._zone = zone
        self._now = (now or datetime.now(zone)).astimezone(zone)
        self._open: _Open | None = None

    def feed(self, line: str) -> QueueEntry | None:
        """One line without its line end; gives the message that it ends, if it ends one."""
        line = line[:MOST_LINE].rstrip("\r\n \t")
        if not line:
            return None
        if _NOISE.fullmatch(line):
            return self.finish()
        if opened := self._head(line):
            done, self._open = self.finish(), opened
            return done
        if self._open is None or not line[0].isspace():
            self.unknown.append(line.strip())
        else:
            self._detail(self._open, line)
        return None

    def finish(self) -> QueueEntry | None:
        """The message that is still open at the end."""
        done, self._open = self._open, None
        return done.entry(self._server) if done else None

    def _head(self, line: str) -> _Open | None:
        if head := _HEAD.fullmatch(line):
            sender = _address((head["sender"] or "").strip())
            sender = "" if sender.upper() == "MAILER-DAEMON" else sender
            return _Open(head["id"], head["mark"], int(head["size"]), self._time(head), sender)
        if bare := _BARE.fullmatch(line):
            note = bare["note"].strip("()")
            return _Open(bare["id"], bare["mark"], None, None, "", flags=[note] if note else [])
        return None

    def _time(self, head: re.Match[str]) -> datetime | None:
        """The last such day that is not later than now, a day of clock differences apart."""
        month = _MONTHS.index(head["month"]) + 1
        for year in range(self._now.year + 1, self._now.year - 9, -1):
            try:
                found = datetime(
                    year, month, int(head["day"]), int(head["hour"]), int(head["minute"]),
                    int(head["second"] or 0), tzinfo=self._zone,
                )  # fmt: skip
            except ValueError:  # 29 February, or a second of 60
                continue
            if found <= self._now + timedelta(days=1):
                return found
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


def parse_listing(
    lines: Iterable[str],
    server: str | None = None,
    *,
    now: datetime | None = None,
    zone: tzinfo = UTC,
) -> Iterator[QueueEntry]:
    """The messages of a whole listing, in its order."""
    reader = SendmailQueueReader(server, now=now, zone=zone)
    for line in lines:
        if entry := reader.feed(line):
            yield entry
    if entry := reader.finish():
        yield entry


def looks_like(line: str) -> bool:
    """Whether a line is the head of a message, a banner or the trailer of such a listing."""
    line = line[:MOST_LINE].rstrip()
    found = _HEAD.fullmatch(line)
    return bool(found and re.search(r"\d{6}\Z", found["id"])) or (
        _NOISE.fullmatch(line) is not None and "Warning" not in line
    )


def _address(text: str) -> str:
    """Without angle brackets and without what follows them."""
    if text.startswith("<") and ">" in text:
        return text[1 : text.rindex(">")]
    return text
