"""A text column: one number a row, and what is asked of each different text asked once.

Imports numpy; ``row_columns`` loads it.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import SupportsInt

import numpy as np
from numpy.typing import NDArray

from smtpadmin.services.columns import Value
from smtpadmin.services.filtering import TextTest
from smtpadmin.services.joined_texts import MANY, JoinedTexts
from smtpadmin.services.slot_array import EMPTY, Bools, Ints, SlotArray, Slots, chosen
from smtpadmin.services.text_numbers import MISSING, Mark, TextNumbers

Longs = NDArray[np.int64]

_FEW_CHANGED = 50
"""Texts that changed are looked at one by one when there are this many times more of them."""

_REMEMBERED = 8
"""Answers kept a column, so that typing on, or taking a term away, asks nothing twice."""


class TextData:
    """One number a slot (see ``text_numbers``), each different text, case-folded, once."""

    def __init__(self, room: int = 0) -> None:
        self.codes = SlotArray(np.int32, room)
        self._end = 0
        self._texts = TextNumbers()
        self._ranked = Mark()
        self._order: Ints = EMPTY
        self._ranks: Ints = np.zeros(1, np.int32)
        self._hits: dict[object, tuple[Mark, Bools]] = {}
        self._joined = JoinedTexts(self._texts.folded_from(0))
        self._joined_at = self._texts.mark()

    # Rows come and go

    def write(self, first: int, keys: Sequence[Value]) -> None:
        """Set the texts of the slots from ``first`` on."""
        slots = slice(first, first + len(keys))
        known = len(self._texts)
        codes = self._texts.take(keys)
        self._joined.add(self._texts.folded_from(known))
        if first < self._end:
            self._texts.release(self.codes[first : min(self._end, slots.stop)])
        self.codes[slots] = codes
        self._end = max(self._end, slots.stop)
        if self._texts.needs_counting:
            self._texts.count(self.codes[self.first : self._end])

    def release(self, slots: Ints) -> None:
        """These slots are empty now."""
        self._texts.release(self.codes[slots])
        self.codes[slots] = np.int32(MISSING)

    def cut(self, first: int, end: int) -> None:
        """Forget the slots before ``first``, which are empty."""
        self.codes.cut(first, end)

    def renumber(self, slots: Ints) -> None:
        """Keep only these slots, numbered from 0; the others are empty."""
        self.codes.renumber(slots)
        self._end = len(slots)
        self._texts.let_go()

    @property
    def first(self) -> int:
        """The lowest slot that is kept."""
        return self.codes.first

    # Order

    def keys(self, slots: Ints, descending: bool) -> Longs:
        """Ranks whose ascending order is the wanted one; missing texts sort last both ways."""
        self._rank()
        ranks = self._ranks.take(self.codes[slots]).astype(np.int64)
        return np.where(ranks == 0, len(self._texts), -ranks if descending else ranks)

    def _rank(self) -> None:
        """Number the texts in their order, from 1."""
        changed = self._texts.since(self._ranked)
        if changed is not None and not changed:
            return
        total = len(self._texts)
        if changed is not None and len(changed) * _FEW_CHANGED < total:
            self._reorder(changed)
        else:
            self._order = self._ordered()
        self._ranks = np.zeros(total, np.int32)
        self._ranks[self._order] = np.arange(1, total, dtype=np.int32)
        self._ranked = self._texts.mark()

    def _ordered(self) -> Ints:
        if self._stale():
            self._join_anew()
        order = self._joined.order()
        if order is None:
            return np.array(sorted(range(1, len(self._texts)), key=self._text_of), np.int32)
        return chosen(order, order != MISSING)

    def _stale(self) -> Sequence[int]:
        """The numbers whose texts were joined with others; when they are many, all are joined anew."""
        at = self._joined_at
        stale = self._texts.since(Mark(at.era, len(self._texts), at.reused))
        if stale is None or len(stale) * 4 > len(self._texts):
            self._join_anew()
            return ()
        return stale

    def _join_anew(self) -> None:
        self._joined = JoinedTexts(self._texts.folded_from(0))
        self._joined_at = self._texts.mark()

    def _reorder(self, changed: Sequence[int]) -> None:
        """Take these texts from where they were, and put them where they belong now."""
        is_changed = np.zeros(len(self._texts), np.bool_)
        is_changed[list(changed)] = True
        kept = chosen(self._order, ~is_changed.take(self._order))
        new = sorted(set(changed), key=self._text_of)
        places = [bisect.bisect(kept, self._text_of(code), key=self._text_of) for code in new]
        self._order = np.insert(kept, places, new).astype(np.int32)

    def _text_of(self, code: SupportsInt) -> str:
        return self._texts.folded[int(code)]

    # Filter

    def matches(self, slots: Slots, name: object, test: TextTest) -> Bools:
        """Which slots pass; each different text is asked once and remembered under ``name``."""
        mark, hits = self._hits.pop(name, (Mark(), np.zeros(1, np.bool_)))
        changed = self._texts.since(mark)
        if changed is None or (test.needle and len(changed) > MANY):
            hits = self._ask_all(test)
        elif changed:
            hits = _with_room(hits, len(self._texts))
            hits[list(changed)] = self._ask(test, changed)
        self._remember(name, hits)
        codes = self.codes[slots]
        return hits.take(codes) if hits.any() else np.zeros(len(codes), np.bool_)

    def _remember(self, name: object, hits: Bools) -> None:
        self._hits[name] = (self._texts.mark(), hits)
        if len(self._hits) > _REMEMBERED:
            del self._hits[next(iter(self._hits))]

    def _ask(self, test: TextTest, codes: Sequence[int]) -> list[bool]:
        folded, needle = self._texts.folded, test.needle
        if needle is None:
            return [test.test(folded[code]) for code in codes]
        return [needle in folded[code] for code in codes]

    def _ask_all(self, test: TextTest) -> Bools:
        hits = self._search(test.needle) if test.needle and len(self._texts) > MANY else None
        if hits is None:
            hits = np.array([False, *self._ask(test, range(1, len(self._texts)))], np.bool_)
        hits[MISSING] = False
        return hits

    def _search(self, needle: str) -> Bools | None:
        """All texts at once, and those that are others now one by one."""
        stale = self._stale()
        hits = self._joined.containing(needle)
        if hits is not None and stale:
            hits[list(stale)] = [needle in self._texts.folded[code] for code in stale]
        return hits

    # Counts

    def counts(self, slots: Ints) -> list[tuple[str, int]]:
        """Texts as first spelt, with how many of the slots have them; missing ones left out."""
        counts = np.bincount(self.codes[slots], minlength=1)
        found = np.flatnonzero(counts[1:]) + 1
        shown = self._texts.shown
        return [(shown[code], int(counts[code])) for code in found.tolist()]

    def grid(self, slots: Ints, brackets: Longs, width: int) -> dict[str, list[int]]:
        """How many of the slots each text has in each bracket, texts as first spelt, a missing one
        as ``""``; ``brackets`` are numbers below ``width``, one a slot."""
        flat = self.codes[slots].astype(np.int64) * width + brackets
        table = np.bincount(flat, minlength=len(self._texts) * width).reshape(-1, width)
        found = np.flatnonzero(table.any(axis=1))
        return {self._texts.shown[code]: table[code].tolist() for code in found.tolist()}


def _with_room(hits: Bools, wanted: int) -> Bools:
    """``hits``, or a longer copy with some to spare: a log asks for a few more with each batch."""
    if wanted <= len(hits):
        return hits
    return np.concatenate((hits, np.zeros(wanted - len(hits) + wanted // 8, np.bool_)))
