"""All rows with their columns, which of them pass the filter, and in what order.

Imports numpy (see ``row_columns``). A row lives in a *slot* from its arrival on; a removed row leaves
its slot empty until there are enough of them to close up. Announces nothing: ``row_store`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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

if TYPE_CHECKING:
    from smtpadmin.services.row_store import Packing

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
_LOOKED_AT = 8_192
"""Slots looked through at once for the oldest rows."""
_REMEMBERED = 1_024
"""Unpacked rows: those of a few screens."""


class RowIndex(Generic[T]):
    """Rows in slots. ``key`` names a row for updates; without it rows are only appended.
    ``order`` holds the slots of all rows in the wanted order; ``rows`` the rows as they are kept:
    packed where there is a ``packing``, None in an empty slot."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        key: Callable[[T], Hashable] | None,
        packing: Packing[T] | None = None,
    ) -> None:
        self.columns = columns
        self._key = key
        self._packing = packing
        self._unpacked: dict[int, T] = {}
        self._data = {column.name: column_data(column.kind) for column in columns}
        self._alive: Bools = np.zeros(0, np.bool_)
        self._passes: Bools = np.zeros(0, np.bool_)
        self._slots: dict[Hashable, int] = {}
        self._filter = Filter()
        self._now = 0.0
        self._sort_column: str | None = None
        self._descending = False
        self._first_alive = 0  # no slot before it is, and none comes to life again
        self.rows: list[Any] = []
        self.alive = 0
        self.order = EMPTY

    # Rows

    def append(self, rows: Sequence[T]) -> None:
        """Put rows into new slots."""
        first, end = len(self.rows), len(self.rows) + len(rows)
        self._write(first, rows)
        self.rows.extend(map(self._packing.pack, rows) if self._packing else rows)
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
            self.rows[slot] = self._packing.pack(row) if self._packing else row
            self._unpacked.pop(slot, None)
            self._write(slot, (row,))
        touched = np.fromiter(rows, np.int32, len(rows))
        self._passes[touched] = self._passing(touched)
        self.order = self._merged(self._without(touched), touched)
        return touched

    def _write(self, first: int, rows: Sequence[T]) -> None:
        for column in self.columns:
            self._data[column.name].write(first, [column.key(row) for row in rows])

    def row_at(self, slot: int) -> T | None:
        """The row in a slot. Those looked at last are remembered: a table asks for each cell."""
        kept: Any = self.rows[slot]
        if self._packing is None or kept is None:
            row: T | None = kept
            return row
        found = self._unpacked.get(slot)
        if found is None:
            if len(self._unpacked) >= _REMEMBERED:
                self._unpacked.clear()
            found = self._unpacked[slot] = self._packing.unpack(kept)
        return found

    def rows_at(self, slots: Ints) -> Iterator[T]:
        """The rows in these slots, empty ones left out; none of them is remembered."""
        unpack = self._packing.unpack if self._packing else None
        for slot in slots.tolist():
            kept = self.rows[slot]
            if kept is not None:
                yield unpack(kept) if unpack else kept

    def numbers(self, column: str, slots: Ints) -> Floats:
        """Numbers or times (seconds since 1970) of a column; NaN where the server cannot say."""
        data = self._data[column]
        if not isinstance(data, NumberData):
            raise TypeError(f"{column} holds texts")
        return data.values(slots)

    def slot_of(self, key: Hashable) -> int | None:
        """The slot of a row, None when it is not here."""
        return self._slots.get(key)

    def oldest(self, count: int) -> list[int]:
        """The slots of the rows that came first."""
        found: list[int] = []
        at = self._first_alive
        while len(found) < count and at < len(self.rows):
            end = min(at + _LOOKED_AT, len(self.rows))
            found += (np.flatnonzero(self._alive[at:end]) + at).tolist()
            if not found:
                self._first_alive = end
            at = end
        return found[:count]

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
            if self._key is not None and (row := self.row_at(slot)) is not None:
                del self._slots[self._key(row)]
            self.rows[slot] = None
            self._unpacked.pop(slot, None)
            self._alive[slot] = False
            self.alive -= 1

    def close_up(self) -> None:
        """When many slots are empty, number the others anew."""
        dead = len(self.rows) - self.alive
        if dead < _MANY_DEAD or dead < self.alive // 4:
            return
        kept = self.everything()
        if len(kept) and int(kept[0]) == dead:  # the oldest of a log that is full
            self.order = self.order - np.int32(dead)
            self._keep(slice(dead, len(self.rows)))
        else:
            renumbered = np.zeros(len(self.rows), np.int32)
            renumbered[kept] = np.arange(len(kept), dtype=np.int32)
            self.order = renumbered[self.order]
            self._keep(kept)
        self._unpacked.clear()
        self._first_alive = 0
        if self._key is not None:
            keys = [self._key(row) for row in self.rows_at(self.everything())]
            self._slots = {key: slot for slot, key in enumerate(keys)}

    def _keep(self, slots: Slots) -> None:
        """Only these slots. One column at a time forgets texts that no row has: it takes long."""
        taken = self.rows[slots] if isinstance(slots, slice) else map(self.rows.__getitem__, slots.tolist())  # fmt: skip
        self._passes = self._passes[slots].copy()
        for data in self._data.values():
            data.compact(slots)
        self.rows = list(taken)
        self._alive = np.ones(len(self.rows), np.bool_)
        texts = [data for data in self._data.values() if isinstance(data, TextData)]
        largest = max(texts, key=lambda data: data.surplus, default=None)
        if largest is not None and largest.surplus > 0:
            largest.forget_unused(len(self.rows))

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
        if not len(kept) or int(new.min()) < self._highest(kept):
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

    def _highest(self, order: Ints) -> int:
        """The highest slot in the order; without a sort column it stands at one end."""
        if self._sort_column is None:
            return int(order[0] if self._descending else order[-1])
        return int(order.max())

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
