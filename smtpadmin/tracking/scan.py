"""A literal scan of a whole log, whatever the case of its letters: as fast as memory allows.

Blocks are read into one buffer that stays in the core's cache; of a large file several threads read a
part each, because copying what the system has cached takes most of the time. Octets of a needle that have no case
(digits, points, ``@``) are looked for as they are when there are enough of them; else the block is
folded to lower case first. Every find is then checked against the whole needle.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import stringzilla as sz

from smtpadmin.tracking.log_text import BLOCK, MASK, SHIFT, LogFile, LogText

FOLD = bytes(octet | 0x20 if 0x41 <= octet <= 0x5A else octet for octet in range(256))
ENOUGH_CASELESS = 8
"""A caseless part of this length is rare enough to be looked for by itself."""
MOST_NEEDLE = 998
"""RFC 5322: no line of a message, and so no id or address, is longer."""
LARGE = 32 * 1024 * 1024
"""Octets of a file from which on threads are worth their start."""
PART = 16 * 1024 * 1024
"""Octets that a thread looks through at once."""
PART_BLOCK = 512 * 1024
"""Octets that a thread reads at once: each time it asks for the interpreter's lock."""
THREADS = min(os.cpu_count() or 1, 4) if hasattr(os, "preadv") else 1
"""Without ``preadv`` a file has one place at which it is read."""
_CASELESS = re.compile(rb"[^A-Za-z\x80-\xff]+")


@dataclass(frozen=True, slots=True)
class Needle:
    """What is looked for: ``lower`` in lower case, ``part`` of it at ``shift`` has no case."""

    lower: bytes
    part: bytes
    shift: int
    folded: bool


def needle(text: str) -> Needle:
    """A needle for a text; of one with letters beyond ASCII its longest ASCII part, so that every
    case of them is found (what is found is a superset: check the line)."""
    ascii_parts = re.split(rb"[\x80-\xff]+", text.encode("utf-8", "backslashreplace"))
    lower = max(ascii_parts, key=len).lower()[:MOST_NEEDLE]
    part = max(_CASELESS.finditer(lower), key=lambda found: len(found[0]), default=None)
    if part is not None and len(part[0]) >= min(ENOUGH_CASELESS, len(lower)):
        return Needle(lower, part[0], part.start(), folded=False)
    return Needle(lower, lower, 0, folded=True)


def exact(octets: bytes) -> Needle:
    """A needle that is looked for as it is; its case counts."""
    return Needle(octets, octets, 0, folded=False)


def scan(
    text: LogText, wanted: Needle, start: int = 0, end: int | None = None, *, cased: bool = False
) -> Iterator[int]:
    """Places where a needle lies, in log order; at least the first of each line that has one."""
    for number, low, high in text.spans(start, end):
        several = THREADS > 1 and high - low >= LARGE
        file = text.files[number]
        if several:
            places = _places_by_threads(file, wanted, low, high, cased)
        else:
            places = _places(file, wanted, low, high, cased, BLOCK)
        for place in places:
            yield number << SHIFT | place


def _places(
    file: LogFile, wanted: Needle, low: int, high: int, cased: bool, block: int
) -> Iterator[int]:
    """Octets of a file at which a needle begins that lies between two octets."""
    buffer, folded = bytearray(block), bytearray(block)
    overlap = len(wanted.lower) - 1
    at = low
    while at < high:
        size = min(file.read_into(buffer, at), high - at)
        if size <= 0:
            break
        for offset in _finds(buffer, folded, size, wanted, cased):
            yield at + offset
        if at + size >= high:
            break
        at += max(size - overlap, 1)


def _places_by_threads(
    file: LogFile, wanted: Needle, low: int, high: int, cased: bool
) -> Iterator[int]:
    """The same, in the same order; some parts ahead of what is asked for."""
    from concurrent.futures import Future, ThreadPoolExecutor

    overlap = len(wanted.lower) - 1

    def part(at: int) -> list[int]:
        end = min(at + PART + overlap, high)
        return list(_places(file, wanted, at, end, cased, PART_BLOCK))

    parts: deque[Future[list[int]]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            for at in range(low, high, PART):
                parts.append(pool.submit(part, at))
                if len(parts) > 2 * THREADS:
                    yield from parts.popleft().result()
            while parts:
                yield from parts.popleft().result()
        finally:
            for waiting in parts:
                waiting.cancel()


def _finds(
    buffer: bytearray, folded: bytearray, size: int, wanted: Needle, cased: bool
) -> Iterator[int]:
    """Offsets in a block. A find is followed by the next line's: one hit a line is enough."""
    haystack = buffer
    if wanted.folded and not cased:
        sz.translate(buffer, FOLD, out=folded)
        haystack = folded
    length, shift = len(wanted.lower), wanted.shift
    at = sz.find(haystack, wanted.part, 0, size)
    while at >= 0:
        begin = at - shift
        whole = haystack[begin : begin + length] if begin >= 0 else b""
        if begin + length <= size and (whole == wanted.lower or whole.lower() == wanted.lower):
            yield begin
        at = sz.find(haystack, wanted.part, at + 1, size)


def find_all(block: bytes, token: bytes) -> Iterator[int]:
    """Offsets of a token in a block, its case counting."""
    at = sz.find(block, token)
    while at >= 0:
        yield at
        at = sz.find(block, token, at + 1)


def lines_with(
    block: bytes, base: int, tokens: Sequence[bytes], *, upwards: bool = False
) -> Iterator[tuple[int, bytes]]:
    """``(place, line)`` of each line of a block of whole lines that holds a token, in log order or
    from the last to the first."""
    found: dict[int, bytes] = {}
    for token in tokens:
        for at in find_all(block, token):
            start = block.rfind(b"\n", 0, at) + 1
            if start not in found:
                stop = block.find(b"\n", at)
                found[start] = (block[start:stop] if stop >= 0 else block[start:]).rstrip(b"\r")
    for start in sorted(found, reverse=upwards):
        yield base + start, found[start]


def file_of(place: int) -> int:
    """The number of the file that a place lies in."""
    return place >> SHIFT


def octet_of(place: int) -> int:
    """The octet of its file that a place is."""
    return place & MASK
