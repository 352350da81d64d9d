"""Windows around a hit: back to the birth of its queue ID, forward to its removal.

A window is 16 kB at first and grows fourfold; most mails' lines lie within the first one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from smtpadmin.tracking.dialect import Dialect, Kind
from smtpadmin.tracking.lives import Life, Line, first_kind
from smtpadmin.tracking.log_lines import MOST_LINE
from smtpadmin.tracking.log_text import MASK, SHIFT, LogText
from smtpadmin.tracking.scan import exact, lines_with, scan

FIRST = 16 * 1024
NEAR = 1024 * 1024
"""Octets around a hit in which lines are looked for one ID at a time; what is still open then is
finished for all IDs together (:mod:`smtpadmin.tracking.stream`)."""

BESIDE = 128 * 1024
"""Octets around a delivery in which the mailbox server's lines of it lie: both are written at once."""


def upward(text: LogText, token: bytes, place: int, reach: int | None = None) -> Iterator[Line]:
    """Lines with a token before a place, the nearest first; at least those within ``reach`` octets."""
    number, at, size = place >> SHIFT, place & MASK, FIRST
    left = sys.maxsize if reach is None else reach
    while number >= 0:
        while at > 0 and left > 0:
            chunk = text.files[number].read(max(0, at - size), at)
            begin = at - len(chunk)
            cut = chunk.find(b"\n") + 1 if begin > 0 else 0
            if not chunk:
                return
            if begin > 0 and not 0 < cut < len(chunk) and size < MOST_LINE:
                size *= 4  # one line is longer than the window
                continue
            base = number << SHIFT | (begin + cut)
            yield from lines_with(chunk[cut:], base, (token,), upwards=True)
            left -= len(chunk) - cut
            at, size = begin + cut, min(size * 4, NEAR)
        if left <= 0:
            return
        number -= 1
        at = text.files[number].size() if number >= 0 else 0


def downward(text: LogText, token: bytes, place: int, end: int | None = None) -> Iterator[Line]:
    """Lines with a token from a place, the start of a line, on, until ``end``."""
    number, at = place >> SHIFT, place & MASK
    file = text.files[number]
    stop = file.size() if end is None or end >> SHIFT != number else min(end & MASK, file.size())
    chunk = file.read(at, min(at + FIRST, stop))
    if at + len(chunk) < file.size():
        chunk = chunk[: chunk.rfind(b"\n") + 1]
    yield from lines_with(chunk, place, (token,))
    last = -1
    for hit in scan(text, exact(token), place + len(chunk), end, cased=True):
        start, line = text.line_at(hit)
        if start != last:
            last = start
            yield start, line


def look_back(text: LogText, dialect: Dialect, life: Life, reach: int | None = None) -> bool:
    """Find the lines of a life before its first known one, within ``reach`` octets; whether its
    birth is known then."""
    if not life.born and first_kind(life, dialect) is not Kind.BIRTH:
        for place, line in upward(text, life.queue_id, life.first, reach):
            _take(dialect, life, place, line, back=True)
            if _is_born(life, dialect):
                break
    if not dialect.reused:
        for place, line in upward(text, life.queue_id, life.first, dialect.early):
            _take(dialect, life, place, line, back=True)
    life.born = life.born or reach is None or first_kind(life, dialect) is Kind.BIRTH
    return life.born


def look_on(text: LogText, dialect: Dialect, life: Life, end: int | None) -> None:
    """Find the lines of a life from ``resume`` to ``end`` or its end."""
    if life.closed:
        return
    if not life.ended:
        for place, line in downward(text, life.queue_id, life.resume, end):
            _take(dialect, life, place, line, back=False)
            if _is_over(life):
                break
    if _is_over(life):
        if not dialect.reused:
            after_end(text, dialect, life)
    elif end is None or life.aborted:
        life.closed = True
    else:
        life.resume = max(life.resume, end)


def look_beside(text: LogText, dialect: Dialect, life: Life, session: bytes, place: int) -> None:
    """Find the mailbox server's lines of a session that a line of a life names."""
    around = _around(text, session, place)
    life.beside += [line for line in around if dialect.session_of(line[1]) == session]


def _around(text: LogText, token: bytes, place: int) -> list[Line]:
    number, at = place >> SHIFT, place & MASK
    file = text.files[number]
    if at < BESIDE or at + BESIDE > file.size():
        end = near_end(text, place, BESIDE)
        return [*upward(text, token, place, BESIDE), *downward(text, token, place, end)]
    chunk = file.read(at - BESIDE, at + BESIDE)
    cut = chunk.find(b"\n") + 1
    base = place - BESIDE + cut
    return list(lines_with(chunk[cut : chunk.rfind(b"\n") + 1], base, (token,)))


def _is_born(life: Life, dialect: Dialect) -> bool:
    return life.born or first_kind(life, dialect) is Kind.BIRTH


def _is_over(life: Life) -> bool:
    return life.closed or life.ended


def after_end(text: LogText, dialect: Dialect, life: Life) -> None:
    """The few lines that some logs write of a message after its end."""
    place, line = life.lines[-1]
    start = place + len(line)
    for found, other in downward(text, life.queue_id, start, near_end(text, start, dialect.early)):
        if found > place:
            _take(dialect, life, found, other, back=False)
    life.closed = True


def _take(dialect: Dialect, life: Life, place: int, line: bytes, *, back: bool) -> bool:
    own = dialect.own(line)
    if own is None or own.host != life.host:
        return True
    if own.queue_id != life.queue_id:
        life.mentions.append((place, line))
        return True
    if back:
        return life.prepend(dialect, place, line, own)
    return life.append(dialect, place, line, own)


def near_end(text: LogText, place: int, reach: int) -> int | None:
    """The start of a line about ``reach`` octets after a place; None when the text ends before."""
    number, at = place >> SHIFT, place & MASK
    size = text.files[number].size()
    if at + reach >= size:
        # A window that reaches the next file ends with that file's first lines.
        rest = at + reach - size
        if number + 1 >= len(text.files):
            return None
        return near_end(text, (number + 1) << SHIFT, rest)
    start, line = text.line_at(number << SHIFT | (at + reach))
    return start + len(line) + 1
