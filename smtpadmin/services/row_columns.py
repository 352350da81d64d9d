"""The values of one column in numpy arrays: texts as dictionary codes, numbers and times as floats.

The only module beside ``row_index`` and ``row_plan`` that imports numpy; ``row_store`` loads all
three when the first rows arrive, because the import costs more than a window.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from smtpadmin.services.columns import Kind, Value
from smtpadmin.services.filtering import TextTest
from smtpadmin.services.joined_texts import MANY, JoinedTexts, order_of

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MISSING = 0
"""The code of a text that the server cannot say; it sorts last and matches nothing."""

_FEW_NEW = 50
"""Merge new texts into the sorted dictionary when it is this many times larger than they are."""

_FEW_TEXTS = 20_000
"""Texts of a column that may stay known unused."""

_REMEMBERED = 8
"""Answers kept a column, so that typing on, or taking a term away, asks nothing twice."""


class NumberData:
    """A number or time column; NaN where the server cannot say. Times are seconds since 1970."""

    def __init__(self) -> None:
        self._values: Floats = np.empty(0, np.float64)

    def write(self, first: int, keys: Sequence[Value]) -> None:
        """Set the values of the slots from ``first`` on."""
        self._values = grown(self._values, first + len(keys))
        values = [key.timestamp() if isinstance(key, datetime) else key for key in keys]
        self._values[first : first + len(keys)] = np.array(values, np.float64)  # None becomes NaN

    def keys(self, slots: Ints, descending: bool) -> Floats:
        """Values whose ascending order is the wanted one; NaN sorts last both ways."""
        values: Floats = self._values[slots]
        return -values if descending else values

    def values(self, slots: Ints | slice) -> Floats:
        """The values of the slots."""
        taken: Floats = self._values[slots]
        return taken

    def compact(self, slots: Ints | slice) -> None:
        """Keep only these slots, renumbered from 0."""
        self._values = self._values[slots].copy()


class TextData:
    """A text column: one code a row, each different text (case-folded) once."""

    def __init__(self) -> None:
        self._codes: Ints = np.empty(0, np.int32)
        self._used = 0
        self._forget_texts()

    def _forget_texts(self) -> None:
        self._folded: list[str] = [""]
        self._shown: list[str] = [""]
        self._lookup: dict[str, int] = {}
        self._order: Ints = np.empty(0, np.int32)
        self._ranks: Ints = np.zeros(1, np.int32)
        self._hits: dict[object, Bools] = {}
        self._joined: JoinedTexts | None = None

    def write(self, first: int, keys: Sequence[Value]) -> None:
        """Set the texts of the slots from ``first`` on."""
        self._codes = grown(self._codes, first + len(keys))
        known = self._lookup.get
        self._codes[first : first + len(keys)] = [
            MISSING if key is None else known(str(key).casefold()) or self._new_code(str(key))
            for key in keys
        ]

    def _new_code(self, shown: str) -> int:
        folded = shown.casefold()
        code = self._lookup[folded] = len(self._folded)
        self._folded.append(folded)
        self._shown.append(shown)
        return code

    def keys(self, slots: Ints, descending: bool) -> Longs:
        """Ranks whose ascending order is the wanted one; missing texts sort last both ways."""
        self._rank()
        ranks = self._ranks[self._codes[slots]].astype(np.int64)
        return np.where(ranks == 0, len(self._folded), -ranks if descending else ranks)

    def _rank(self) -> None:
        """Number the texts in their order, from 1; merges what is new since the last time."""
        known, total = len(self._order) + 1, len(self._folded)
        if known == total:
            return
        text_of = self._folded.__getitem__
        if (total - known) * _FEW_NEW < total:
            new = sorted(range(known, total), key=text_of)
            places = [bisect.bisect(self._order, text_of(code), key=text_of) for code in new]
            self._order = np.insert(self._order, places, new).astype(np.int32)
        else:
            self._order = order_of(self._folded[1:]) + 1
        self._ranks = np.zeros(total, np.int32)
        self._ranks[self._order] = np.arange(1, total, dtype=np.int32)

    def matches(self, slots: Ints | slice, name: object, test: TextTest) -> Bools:
        """Which slots pass; each different text is asked once and remembered under ``name``."""
        known = self._hits.get(name, np.zeros(1, np.bool_))
        if len(known) < len(self._folded):
            known = np.concatenate((known, self._ask(test, len(known))))
        self._remember(name, known)
        taken: Bools = known[self._codes[slots]]
        return taken

    def _remember(self, name: object, hits: Bools) -> None:
        self._hits.pop(name, None)
        self._hits[name] = hits
        if len(self._hits) > _REMEMBERED:
            del self._hits[next(iter(self._hits))]

    def _ask(self, test: TextTest, first: int) -> Bools:
        """Which texts from the one numbered ``first`` on pass."""
        needle = test.needle
        if needle is None:
            return np.array([test.test(text) for text in self._folded[first:]], np.bool_)
        hits = self._search(needle) if len(self._folded) - first > MANY else None
        if hits is None:
            return np.array([needle in text for text in self._folded[first:]], np.bool_)
        late = [needle in text for text in self._folded[len(hits) :]]
        return np.concatenate((hits, np.array(late, np.bool_)))[first:]

    def _search(self, needle: str) -> Bools | None:
        """All texts at once; those that came since they were joined are left to the caller."""
        if self._joined is None or len(self._folded) > 1.25 * self._joined.count:
            self._joined = JoinedTexts(self._folded)
        return self._joined.containing(needle)

    def counts(self, slots: Ints) -> list[tuple[str, int]]:
        """Texts as first spelt, with how many of the slots have them; missing ones left out."""
        counts = np.bincount(self._codes[slots], minlength=1)
        found = np.flatnonzero(counts[1:]) + 1
        return [(self._shown[code], int(counts[code])) for code in found.tolist()]

    def grid(self, slots: Ints, brackets: Longs, width: int) -> dict[str, list[int]]:
        """How many of the slots each text has in each bracket, texts as first spelt, a missing one
        as ``""``; ``brackets`` are numbers below ``width``, one a slot."""
        flat = self._codes[slots].astype(np.int64) * width + brackets
        table = np.bincount(flat, minlength=len(self._folded) * width).reshape(-1, width)
        found = np.flatnonzero(table.any(axis=1))
        return {self._shown[code]: table[code].tolist() for code in found.tolist()}

    def compact(self, slots: Ints | slice) -> None:
        """Keep only these slots, renumbered from 0, and forget texts that none of them has. Of a
        slice, the end of a log, texts stay known until :meth:`forget_unused`."""
        self._codes = self._codes[slots].copy()
        if not isinstance(slots, slice):
            self.forget_unused(len(slots))

    @property
    def surplus(self) -> int:
        """How many texts there are beyond twice what was in use when unused ones were forgotten."""
        return len(self._folded) - max(2 * self._used, _FEW_TEXTS)

    def forget_unused(self, count: int) -> None:
        """Forget texts that none of the first ``count`` slots has."""
        codes = self._codes[:count]
        is_used = np.zeros(len(self._folded), np.bool_)
        is_used[codes] = True
        is_used[MISSING] = True
        used = np.flatnonzero(is_used)
        renumbered = np.zeros(len(self._folded), np.int32)
        renumbered[used] = np.arange(len(used), dtype=np.int32)
        kept = used.tolist()
        folded, shown = [self._folded[at] for at in kept], [self._shown[at] for at in kept]
        self._forget_texts()
        self._folded, self._shown = folded, shown
        self._lookup = {text: code for code, text in enumerate(folded) if code != MISSING}
        self._codes, self._used = renumbered[codes], len(folded)


_LINES_AT_ONCE = 4_096
"""Lines joined for one search: their case-folded copy lives that long."""


class LineData:
    """A column of long texts that rows hardly share. Keeps no copy of them, folded or otherwise."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def write(self, first: int, keys: Sequence[Value]) -> None:
        """Set the texts of the slots from ``first`` on."""
        self._texts[first : first + len(keys)] = ["" if key is None else str(key) for key in keys]

    def matches(self, slots: Ints | slice, name: object, test: TextTest) -> Bools:
        """Which slots pass. ``name`` is for columns that remember."""
        texts = self._taken(slots)
        if test.needle is None:
            return np.array([test.test(text.casefold()) for text in texts], np.bool_)
        parts = [
            _lines_with(texts[at : at + _LINES_AT_ONCE], test.needle)
            for at in range(0, len(texts), _LINES_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.bool_)

    def _taken(self, slots: Ints | slice) -> list[str]:
        if isinstance(slots, slice):
            return self._texts[slots]
        return [self._texts[slot] for slot in slots.tolist()]

    def counts(self, slots: Ints) -> list[tuple[str, int]]:
        """Nothing: lines are not counted."""
        return []

    def compact(self, slots: Ints | slice) -> None:
        """Keep only these slots, renumbered from 0."""
        self._texts = self._taken(slots)


def _lines_with(texts: Sequence[str], needle: str) -> Bools:
    folded = "\n".join(texts).casefold()
    if needle not in folded:
        return np.zeros(len(texts), np.bool_)
    lines = folded.split("\n")
    if len(lines) != len(texts):  # one of them has a line feed of its own
        lines = [text.casefold() for text in texts]
    return np.array([needle in line for line in lines], np.bool_)


N = TypeVar("N", bound=np.generic)


def grown(array: NDArray[N], wanted: int) -> NDArray[N]:
    """``array``, or a copy with at least twice the room when ``wanted`` does not fit."""
    if wanted <= len(array):
        return array
    bigger = np.zeros(max(wanted, 2 * len(array), 1_024), array.dtype)
    bigger[: len(array)] = array
    return bigger


def column_data(kind: Kind) -> TextData | LineData | NumberData:
    """An empty column of that kind."""
    if kind is Kind.TEXT:
        return TextData()
    return LineData() if kind is Kind.LINE else NumberData()
