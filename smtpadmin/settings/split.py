"""Long strings in short entries. Windows holds 1,280 characters an entry, counted in UTF-16 units.

A value is written as numbered parts and, last, a head that names their generation, their count and
a checksum: until the head is written the old value is whole, and a broken one is recognised.
Pure functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

MOST_UNITS = 1_200
_MARK = "smtpadmin-parts"


class BrokenEntryError(ValueError):
    """The parts do not make the value that the head promises."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the head entry says: which generation of parts, how many, and their checksum."""

    generation: int
    count: int
    checksum: str

    def write(self) -> str:
        """As an entry's text."""
        return f"{_MARK}:1:{self.generation}:{self.count}:{self.checksum}"


def split(value: str, most_units: int = MOST_UNITS) -> list[str]:
    """The value in parts of at most ``most_units`` UTF-16 units; no character is cut in two.

    >>> split("abcde", 2)
    ['ab', 'cd', 'e']
    """
    parts: list[str] = []
    part: list[str] = []
    units = 0
    for character in value:
        size = 2 if ord(character) > 0xFFFF else 1
        if units + size > most_units:
            parts.append("".join(part))
            part, units = [], 0
        part.append(character)
        units += size
    if part or not parts:
        parts.append("".join(part))
    return parts


def head_of(value: str, generation: int) -> Head:
    """The head that goes with a value's parts."""
    return Head(generation, len(split(value)), _checksum(value))


def read_head(text: str) -> Head | None:
    """The head in an entry, or None when the entry is a plain value.

    Raises BrokenEntryError for a head that cannot be read.
    """
    if not text.startswith(f"{_MARK}:"):
        return None
    try:
        _, version, generation, count, checksum = text.split(":")
        head = Head(int(generation), int(count), checksum)
    except ValueError as error:
        raise BrokenEntryError("the entry's head cannot be read") from error
    if version != "1" or not 0 < head.count < 1_000:
        raise BrokenEntryError("the entry was written by another version")
    return head


def join(head: Head, parts: Sequence[str | None]) -> str:
    """The value of a head and its parts. Raises BrokenEntryError when one is missing or changed."""
    missing = [number for number, part in enumerate(parts) if part is None]
    if missing:
        raise BrokenEntryError(f"part {missing[0] + 1} of {head.count} is missing")
    value = "".join(part for part in parts if part is not None)
    if _checksum(value) != head.checksum:
        raise BrokenEntryError("the checksum is wrong: the entry was not written to its end")
    return value


def _checksum(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:32]
