"""One pass over the log for many queue IDs at once.

A handful of IDs is looked for block by block, each with a SIMD find. For more, numpy reads the eight
octets after every ``]: `` (or wherever a log has its IDs) as one number and a table of one bit a
hash says which lines may be wanted; only those become Python objects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from smtpadmin.tracking.dialect import Link
from smtpadmin.tracking.links import Closure
from smtpadmin.tracking.lives import Life, Line
from smtpadmin.tracking.log_text import MASK, SHIFT, LogText
from smtpadmin.tracking.scan import lines_with
from smtpadmin.tracking.window import downward

if TYPE_CHECKING:
    import numpy as np

HANDFUL = 24
"""So many finds in a block cost as much as taking it apart."""
BLOCK = 1024 * 1024
"""Octets that are taken apart at a time."""
_TABLE_BITS = 20
_MIX = 0x9E3779B97F4A7C15


def sweep(closure: Closure) -> None:
    """Find the rest of every open life, the lives that their lines lead to, and theirs."""
    while True:
        closure.settle()
        open_ones = closure.open_lives()
        if not open_ones:
            if not closure.late_hits():
                return
            continue
        _pass(closure, open_ones)


def _pass(closure: Closure, open_ones: list[Life]) -> None:
    """Go once through the log, only where an open life is not finished yet."""
    waiting = sorted(open_ones, key=lambda life: -life.resume)
    watch = _Watch(closure)
    while waiting:
        for base, block in whole_lines(closure.text, waiting[-1].resume):
            end = base + len(block)
            while waiting and waiting[-1].resume < end:
                watch.add(waiting.pop())
            watch.feed(base, block)
            closure.settle()
            watch.join(closure.open_lives() if closure.grown else (), end, waiting)
            closure.grown = False
            if not watch.open:
                break
        else:
            break
    for life in closure.open_lives():
        life.closed = True


class _Watch:
    """The open lives by their queue ID, fed with blocks of lines."""

    def __init__(self, closure: Closure) -> None:
        self.closure = closure
        self.open: dict[bytes, list[Life]] = defaultdict(list)
        self._known: set[int] = set()
        self._filter: IdFilter | None = None

    def feed(self, base: int, block: bytes) -> None:
        """Give the open lives their lines of a block."""
        for place, line in self._wanted(base, block):
            own = self.closure.dialect.own(line)
            if own is None:
                continue
            for life in self.open.get(own.queue_id, ()):
                if life.host == own.host and place >= life.resume and not life.closed:
                    self.closure.take(life, place, line)
                    break
            for link in self.closure.dialect.links(own):
                if link.up and link.queue_id in self.open:
                    self._named(link, place, line)
        self._drop_closed()

    def _named(self, link: Link, place: int, line: bytes) -> None:
        for life in self.open[link.queue_id]:
            if not life.closed or life.last <= place:
                self.closure.take_naming(life, link, place, line)

    def join(self, lives: Iterable[Life], end: int, waiting: Iterable[Life]) -> None:
        """Take in lives that turned up meanwhile; what they miss up to ``end`` is looked for."""
        later = set(map(id, waiting))
        for life in lives:
            if id(life) in self._known or id(life) in later:
                continue
            for place, line in downward(self.closure.text, life.queue_id, life.resume, end):
                if not life.closed:
                    self.closure.take(life, place, line)
            life.resume = max(life.resume, end)
            if not life.closed:
                self.add(life)

    def add(self, life: Life) -> None:
        """Watch for one more life from its ``resume`` on."""
        if life.closed:
            return
        self._known.add(id(life))
        self.open[life.queue_id].append(life)
        if self._filter is not None:
            self._filter.add(life.queue_id)

    def _wanted(self, base: int, block: bytes) -> Iterable[Line]:
        if len(self.open) <= HANDFUL:
            return lines_with(block, base, list(self.open))
        if self._filter is None:
            self._filter = IdFilter(self.closure.dialect.anchor)
            for queue_id in self.open:
                self._filter.add(queue_id)
        naming = lines_with(block, base, self.closure.dialect.up_words)
        return sorted({**dict(naming), **dict(self._filter.lines(base, block))}.items())

    def _drop_closed(self) -> None:
        for queue_id in [q for q, lives in self.open.items() if any(x.closed for x in lives)]:
            left = [life for life in self.open[queue_id] if not life.closed]
            if left:
                self.open[queue_id] = left
            else:
                del self.open[queue_id]


class IdFilter:
    """Which lines of a block may have one of many IDs after the anchor."""

    def __init__(self, anchor: bytes) -> None:
        import numpy

        self._np = numpy
        self._anchor = anchor
        self._table = numpy.zeros(1 << _TABLE_BITS, dtype=numpy.bool_)

    def add(self, queue_id: bytes) -> None:
        """One more ID."""
        key = int.from_bytes((queue_id + b": ")[:8], "little")
        self._table[(key * _MIX & 0xFFFFFFFFFFFFFFFF) >> (64 - _TABLE_BITS)] = True

    def lines(self, base: int, block: bytes) -> Iterator[Line]:
        """``(place, line)`` of lines whose ID may be one of them, in log order."""
        last = -1
        for at in self._places(block).tolist():
            start = block.rfind(b"\n", 0, at) + 1
            if start == last:
                continue
            last = start
            stop = block.find(b"\n", at)
            yield base + start, (block[start:stop] if stop >= 0 else block[start:]).rstrip(b"\r")

    def _places(self, block: bytes) -> np.ndarray[Any, Any]:
        numpy, anchor = self._np, self._anchor
        padded = block + b"\0" * 16
        octets = numpy.frombuffer(padded, dtype=numpy.uint8)
        at = numpy.flatnonzero(octets[: len(block)] == anchor[0])
        for distance, octet in enumerate(anchor[1:], 1):
            at = at[octets[at + distance] == octet]
        at = at + len(anchor)
        words: np.ndarray[Any, Any] = numpy.ndarray(
            (len(padded) - 8,), numpy.uint64, padded, 0, (1,)
        )
        keys = words[at] * numpy.uint64(_MIX)
        kept: np.ndarray[Any, Any] = at[self._table[keys >> numpy.uint64(64 - _TABLE_BITS)]]
        return kept


_LINE_END = 64
"""Octets that are looked through for the line feed behind a line without its carriage returns."""


def whole_lines(
    text: LogText, start: int = 0, end: int | None = None, size: int = 0
) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole lines from the start of a line on, each with its place."""
    size = size or BLOCK
    for number, low, high in text.spans(start, end):
        at = low
        while at < high:
            stop = min(at + size, high)
            if stop < high:
                begin, line = text.line_at(number << SHIFT | stop)
                stop = begin & MASK
                if stop <= at:  # a line longer than a block; its end may be CRLF
                    stop += len(line)
                    ending = text.files[number].read(stop, min(stop + _LINE_END, high))
                    stop += max(ending.find(b"\n"), 0) + 1
            block = text.files[number].read(at, stop)
            if not block:
                break
            yield number << SHIFT | at, block
            at += len(block)
