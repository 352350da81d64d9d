"""All rows with their columns, which of them pass the filter, and in what order.

Imports numpy (see ``row_columns``). A row lives in a *slot* from its arrival on; a removed row leaves
its slot empty until there are enough of them to close up. Announces nothing: ``row_store`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import numpy as np

from smtpadmin.model.filter import Filter, NumberTerm, TextTerm
from smtpadmin.services.columns import Column, Kind
from smtpadmin.services.filtering import columns_of, text_test
from smtpadmin.services.row_columns import (
    Bools,
    Floats,
    Ints,
    LineData,
    NumberData,
    TextData,
    column_data,
    grown,
)

T = TypeVar("T")
Slots = Ints | slice
ARRAY_COMPARISONS: Mapping[str, Callable[[Floats, float], Bools]] = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "=": np.equal,
}
EMPTY: Ints = np.empty(0, np.int32)
_MANY_DEAD = 20_000


class RowIndex(Generic[T]):
    """Rows in slots. ``key`` names a row for updates; without it rows are only appended.
    ``order`` holds the slots of all rows in the wanted order."""

    def __init__(self, columns: Sequence[Column[T]], key: Callable[[T], Hashable] | None) -> None:
        self.columns = columns
        self._key = key
        self._data = {column.name: column_data(column.kind) for column in columns}
        self._alive: Bools = np.zeros(0, np.bool_)
        self._passes: Bools = np.zeros(0, np.bool_)
        self._slots: dict[Hashable, int] = {}
        self._filter = Filter()
        self._now = 0.0
        self._sort_column: str | None = None
        self._descending = False
        self.rows: list[T | None] = []
        self.alive = 0
        self.order = EMPTY

    # Rows

    def append(self, rows: Sequence[T]) -> None:
        """Put rows into new slots."""
        first, end = len(self.rows), len(self.rows) + len(rows)
        self._write(first, rows)
        self.rows.extend(rows)
        if self._key is not None:
            self._slots.update(zip(map(self._key, rows), range(first, end), strict=True))
        self._alive = grown(self._alive, end)
        self._passes = grown(self._passes, end)
        self._alive[first:end] = True
        self._passes[first:end] = self._passing(slice(first, end))
        self.alive += len(rows)
        self.order = self._merged(self.order, np.arange(first, end, dtype=np.int32))

    def overwrite(self, rows: Mapping[int, T]) -> Ints:
        """Give slots new values; their keys stay. Gives the slots."""
        for slot, row in rows.items():
            self.rows[slot] = row
            self._write(slot, (row,))
        touched = np.fromiter(rows, np.int32, len(rows))
        self._passes[touched] = self._passing(touched)
        self.order = self._merged(self._without(touched), touched)
        return touched

    def _write(self, first: int, rows: Sequence[T]) -> None:
        for column in self.columns:
            self._data[column.name].write(first, [column.key(row) for row in rows])

    def slot_of(self, key: Hashable) -> int | None:
        """The slot of a row, None when it is not here."""
        return self._slots.get(key)

    def oldest(self, count: int) -> list[int]:
        """The slots of the rows that came first."""
        slots: list[int] = self.everything()[:count].tolist()
        return slots

    def everything(self) -> Ints:
        """Slots of all rows, in the order of arrival."""
        return np.flatnonzero(self._alive[: len(self.rows)]).astype(np.int32)

    def hide(self, slots: Sequence[int]) -> None:
        """Take slots out of the order; their rows are still there."""
        gone = np.array(slots, np.int32)
        if np.array_equal(self.order[: len(gone)], gone):  # the oldest of a log that is full
            self.order = self.order[len(gone) :]
        else:
            self.order = self._without(gone)

    def _without(self, slots: Ints) -> Ints:
        gone = np.zeros(len(self.rows), np.bool_)
        gone[slots] = True
        left: Ints = self.order[~gone[self.order]]
        return left

    def remove(self, slots: Iterable[int]) -> None:
        """Empty hidden slots."""
        for slot in slots:
            row, self.rows[slot] = self.rows[slot], None
            if row is not None and self._key is not None:
                del self._slots[self._key(row)]
            self._alive[slot] = False
            self.alive -= 1

    def close_up(self) -> None:
        """When many slots are empty, number the others anew."""
        dead = len(self.rows) - self.alive
        if dead < _MANY_DEAD or dead < self.alive // 4:
            return
        kept = self.everything()
        renumbered = np.zeros(len(self.rows), np.int32)
        renumbered[kept] = np.arange(len(kept), dtype=np.int32)
        living = [self.rows[slot] for slot in kept.tolist()]
        for data in self._data.values():
            data.compact(kept)
        self._passes, self._alive = self._passes[kept], np.ones(len(kept), np.bool_)
        self.order, self.rows = renumbered[self.order], living
        if self._key is not None:
            keys = [self._key(row) for row in living if row is not None]
            self._slots = {key: slot for slot, key in enumerate(keys)}

    # Filter

    def visible(self) -> Ints:
        """The slots that pass the filter, in the wanted order."""
        if not self._filter.terms:
            return self.order
        passing: Ints = self.order[self._passes[self.order]]
        return passing

    def set_filter(self, wanted: Filter, now: datetime) -> None:
        """Which rows are visible; ages count from ``now``."""
        self._filter, self._now = wanted, now.timestamp()
        everything = slice(0, len(self.rows))
        self._passes[everything] = self._passing(everything)

    def _passing(self, slots: Slots) -> Bools | bool:
        passing: Bools | bool = True
        for term in self._filter.terms:
            passing = self._matches(term, slots) & passing
        return passing

    def _matches(self, term: TextTerm | NumberTerm, slots: Slots) -> Bools:
        matched = np.False_ & self._alive[slots]
        for column in columns_of(self.columns, term):
            data = self._data[column.name]
            if isinstance(data, TextData | LineData) and isinstance(term, TextTerm):
                matched |= data.matches(slots, (term.field, term.text, term.exact), text_test(term))
            elif isinstance(data, NumberData) and isinstance(term, NumberTerm):
                values = data.values(slots)
                values = self._now - values if column.kind is Kind.TIME else values
                matched |= ARRAY_COMPARISONS[term.operator](values, term.value)
        return ~matched if term.negated else matched

    # Order

    def sort(self, column: str | None, descending: bool) -> None:
        """Order by a column, None: by arrival."""
        ranked = column is not None and not isinstance(self._data[column], LineData)
        self._sort_column, self._descending = column if ranked else None, descending
        self.order = self._ordered(self.everything())

    def _ordered(self, slots: Ints) -> Ints:
        """Ascending ``slots`` in the wanted order; equal rows in the order of arrival."""
        if self._sort_column is None:
            return slots[::-1] if self._descending else slots
        data = self._data[self._sort_column]
        assert not isinstance(data, LineData)
        if isinstance(data, TextData):
            # Rank and slot in one number: a plain sort is stable then, and much faster.
            packed = np.sort((data.keys(slots, self._descending) << 32) | slots)
            return (packed & 0x7FFF_FFFF).astype(np.int32)
        taken: Ints = slots[np.argsort(data.keys(slots, self._descending), kind="stable")]
        return taken

    def _merged(self, kept: Ints, new: Ints) -> Ints:
        """``kept``, which is in order, with ``new`` put where they belong."""
        if not len(kept) or int(new.min()) < int(kept.max()):
            return self._ordered(np.sort(np.concatenate((kept, new))))
        new = self._ordered(np.sort(new))
        if self._sort_column is None:
            return np.concatenate((new, kept) if self._descending else (kept, new))
        data = self._data[self._sort_column]
        assert not isinstance(data, LineData)
        # Later slots come after equal rows: "right" keeps the order of arrival.
        places = np.searchsorted(
            data.keys(kept, self._descending), data.keys(new, self._descending), side="right"
        )
        return np.insert(kept, places, new)

    def counts(self, column: str, slots: Ints) -> list[tuple[str, int]]:
        """How many of the slots have each text of a column, unordered."""
        data = self._data[column]
        return [] if isinstance(data, NumberData) else data.counts(slots)

    def grid(
        self, text: str, number: str, edges: Sequence[float], now: float, only: tuple[str, float]
    ) -> tuple[dict[str, list[int]], Ints]:
        """For the rows whose column ``only[0]`` is ``only[1]``: how many each text of a column has
        by age (``now`` less the number), in the brackets up to each edge, above the last, and
        without a number. Beside it the slots of the other rows."""
        texts, numbers, chosen = self._data[text], self._data[number], self._data[only[0]]
        assert isinstance(texts, TextData)
        assert isinstance(numbers, NumberData)
        assert isinstance(chosen, NumberData)
        slots = self.everything()
        fits = chosen.values(slots) == only[1]
        ages = np.maximum(now - numbers.values(slots[fits]), 0.0)
        brackets = np.searchsorted(np.array(edges), ages, side="left")  # NaN goes to the end
        brackets[np.isnan(ages)] = len(edges) + 1
        return texts.grid(slots[fits], brackets, len(edges) + 2), slots[~fits]
