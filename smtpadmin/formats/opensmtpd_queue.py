"""OpenSMTPD's queue: ``smtpctl show queue``, one envelope a line.

``|`` separates 14 fields; the last is the last error and may hold the separator itself. An envelope
is one recipient: the upper half of its 64-bit ID is the message's. OpenSMTPD ``smtpctl(8)``,
``usr.sbin/smtpd/smtpctl.c``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.util.text import decode_line, visible

FIELDS = 14
MOST_LINE = 100_000
_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_SAID = re.compile(r"smtpctl: \S|usage: smtpctl")
_SHOWN = 200
_TYPES = frozenset({"mta", "mda", "bounce"})


def parse_line(
    line: str, server: str | None = None, *, now: datetime | None = None
) -> QueueEntry | None:
    """One envelope; None for a line that is none. ``now`` is when the listing was made: from it
    comes the time of the next try.

    >>> parse_line("02039dace2e9e47c|inet4|mta||a@x.example|b@y.example|b@y.example"
    ...            "|1795447159|1795450000|0|2|pending|60|450 4.3.0 busy").sender
    'a@x.example'
    """
    parts = line[:MOST_LINE].strip("\r\n").split("|", FIELDS - 1)
    if len(parts) != FIELDS or not _ID.fullmatch(parts[0]) or parts[2] not in _TYPES:
        return None
    flags = [flag for flag in parts[3].split(",") if flag]
    held = any("hold" in flag or "suspend" in flag for flag in flags)
    state, delay = parts[11], _number(parts[12])
    waits = state == "pending" and now is not None and delay is not None
    return QueueEntry(
        parts[0],
        "hold" if held else {"inflight": "active"}.get(state, "deferred"),
        _time(parts[7]),
        None,
        parts[4],
        (QueueRecipient(parts[6] or parts[5], parts[13] or None),),
        server=server,
        flags=(parts[2], parts[1], state, *flags),
        tries=_number(parts[10]),
        next_try=now + timedelta(seconds=delay or 0) if waits and now else None,
        expires=_time(parts[8]) if parts[8] != parts[7] else None,
    )


def parse(
    lines: Iterable[bytes], now: datetime, tell: Callable[[str], None]
) -> Iterator[QueueEntry]:
    """The entries; see :mod:`smtpadmin.formats.queue_listing`. No line at all is an empty queue."""
    when = now.astimezone()
    for number, raw in enumerate(lines, 1):
        line = decode_line(raw[:MOST_LINE])
        if entry := parse_line(line, now=when):
            yield entry
        elif line.strip():
            shown = visible(line.strip(), _SHOWN)
            said = _SAID.match(line)
            tell(shown if said else f"line {number} is no part of a listing: {shown}")


def looks_like(head: Sequence[bytes]) -> bool:
    """Whether these are lines of this listing, or what was said in its place."""
    return any(
        line.startswith(b"smtpctl: ") or parse_line(decode_line(line[:MOST_LINE])) is not None
        for line in head
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _time(text: str) -> datetime | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 11) or int(text) == 0:
        return None
    return datetime.fromtimestamp(int(text), UTC)
