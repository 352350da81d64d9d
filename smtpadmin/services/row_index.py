"""All rows with their columns, which of them pass the filter, and in what order.

Imports numpy (see ``row_columns``). A row lives in a *slot* from its arrival on; a removed row leaves
its slot empty. Empty slots at the beginning, those of a full log, are given up column by column;
where many are empty elsewhere, all are numbered anew. Announces nothing: ``row_store`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from smtpadmin.model.filter import Filter, NumberTerm, TextTerm
from smtpadmin.services.columns import Column, Kind
from smtpadmin.services.filtering import columns_of, text_test
from smtpadmin.services.row_columns import LineData, NumberData, column_data
from smtpadmin.services.slot_array import (
    EMPTY,
    Bools,
    Floats,
    GrowingOrder,
    Ints,
    SlotArray,
    SlotList,
    Slots,
    chosen,
)
from smtpadmin.services.text_column import TextData

if TYPE_CHECKING:
    from smtpadmin.services.row_store import Packing

T = TypeVar("T")
ARRAY_COMPARISONS: Mapping[str, Callable[[Floats, float], Bools]] = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "=": np.equal,
}
_MANY_EMPTY = 20_000
_LAST_SLOT = 2_000_000_000
"""Slots are numbered anew before their numbers leave 32 bits."""
_LOOKED_AT = 8_192
"""Slots looked through at once for the oldest rows."""
_AT_ONCE = 16_384
"""Rows counted at once."""
_REMEMBERED = 1_024
"""Unpacked rows: those of a few screens."""


class RowIndex(Generic[T]):
    """Rows in slots. ``key`` names a row for updates; without it rows are only appended.
    ``order`` holds the slots of all rows in the wanted order. Rows are kept packed where there is a
    ``packing``. ``room``: how many slots are expected at most."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        key: Callable[[T], Hashable] | None,
        packing: Packing[T] | None = None,
        room: int = 0,
    ) -> None:
        self.columns = columns
        self._key = key
        self._packing = packing
        self._unpacked: dict[int, T] = {}
        self._rows: SlotList[Any] = SlotList(None)
        self._data = {column.name: column_data(column.kind, room) for column in columns}
        self._alive = SlotArray(np.bool_, room)
        self._passes = SlotArray(np.bool_, room)
        self._parts = (self._rows, self._alive, self._passes, *self._data.values())
        self._slots: dict[Hashable, int] = {}
        self._filter = Filter()
        self._now = 0.0
        self._sort_column: str | None = None
        self._descending = False
        self._first_alive = 0  # no slot before it is, and none comes to life again
        self._end = 0
        self._arrivals, self._arrivals_shown = GrowingOrder(), GrowingOrder()
        self._shown: Ints | None = None
        self.alive = 0
        self.order = EMPTY

    @property
    def slots(self) -> range:
        """All slots in which rows may be."""
        return range(self._rows.first, self._end)

    # Rows

    def append(self, rows: Sequence[T]) -> None:
        """Put rows into new slots."""
        first, end = self._end, self._end + len(rows)
        self._write(first, rows)
        self._rows.write(first, list(map(self._packing.pack, rows)) if self._packing else rows)
        if self._key is not None:
            self._slots.update(zip(map(self._key, rows), range(first, end), strict=True))
        self._end = end
        self._alive[first:end] = True
        self._passes[first:end] = self._passing(slice(first, end))
        self.alive += len(rows)
        self._put_behind(np.arange(first, end, dtype=np.int32))

    def _put_behind(self, new: Ints) -> None:
        if not self._by_arrival:
            self.order, self._shown = self._merged(self.order, new), None
            return
        self.order = self._arrivals.appended(self.order, new)
        if self._shown is not None:
            self._shown = self._arrivals_shown.appended(self._shown, chosen(new, self._passes[new]))

    @property
    def _by_arrival(self) -> bool:
        return self._sort_column is None and not self._descending

    def overwrite(self, rows: Mapping[int, T]) -> Ints:
        """Give slots new values; their keys stay. Gives the slots."""
        for slot, row in rows.items():
            self._rows.write(slot, (self._packing.pack(row) if self._packing else row,))
            self._unpacked.pop(slot, None)
            self._write(slot, (row,))
        touched = np.fromiter(rows, np.int32, len(rows))
        self._passes[touched] = self._passing(touched)
        self.order, self._shown = self._merged(self._without(touched), touched), None
        return touched

    def _write(self, first: int, rows: Sequence[T]) -> None:
        for column in self.columns:
            self._data[column.name].write(first, [column.key(row) for row in rows])

    def row_at(self, slot: int) -> T | None:
        """The row in a slot. Those looked at last are remembered: a table asks for each cell."""
        kept: Any = self._rows[slot]
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
        for kept in self._rows[slots]:
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
        while len(found) < count and at < self._end:
            end = min(at + _LOOKED_AT, self._end)
            found += (np.flatnonzero(self._alive[at:end]) + at).tolist()
            self._first_alive = found[0] if found else end
            at = end
        return found[:count]

    def everything(self) -> Ints:
        """Slots of all rows, in the order of arrival."""
        return self._slots_of(self._alive[self._first_alive : self._end])

    def _slots_of(self, flags: Bools) -> Ints:
        """The slots whose flag is set, of those from the first one alive on."""
        found = np.flatnonzero(flags).astype(np.int32)
        return found + np.int32(self._first_alive) if self._first_alive else found

    def hide(self, slots: Sequence[int]) -> None:
        """Take slots out of the order; their rows are still there."""
        gone = np.array(slots, np.int32)
        if self._by_arrival and np.array_equal(self.order[: len(gone)], gone):
            self.order = self.order[len(gone) :]
            if self._shown is not None:
                self._shown = self._shown[np.searchsorted(self._shown, gone[-1], side="right") :]
        else:
            self.order, self._shown = self._without(gone), None

    def _without(self, slots: Ints) -> Ints:
        lowest = self._rows.first
        gone = np.zeros(len(self.slots), np.bool_)
        gone[slots - lowest] = True
        return chosen(self.order, ~gone.take(self.order - np.int32(lowest)))

    def remove(self, slots: Sequence[int]) -> None:
        """Empty hidden slots."""
        if self._key is not None:
            for row in self.rows_at(np.array(slots, np.int32)):
                del self._slots[self._key(row)]
        for slot in slots:
            self._unpacked.pop(slot, None)
        gone = np.array(slots, np.int32)
        self._rows.release(slots)
        for data in self._data.values():
            data.release(gone)
        self._alive[gone] = False
        self.alive -= len(slots)

    def close_up(self) -> None:
        """Give up empty slots when they are many: those before the first row in one column at a time,
        others by numbering all rows anew."""
        many = max(_MANY_EMPTY, self.alive // 4)
        self.oldest(1)  # moves on to the first one alive
        last = min(self._parts, key=lambda part: part.first)
        if self._end > _LAST_SLOT or self._end - self._first_alive - self.alive >= many:
            self._renumber(self.everything())
        elif self._first_alive - last.first >= many:
            last.cut(self._first_alive, self._end)

    def _renumber(self, kept: Ints) -> None:
        lowest = self._rows.first
        numbers = np.zeros(len(self.slots), np.int32)
        numbers[kept - lowest] = np.arange(len(kept), dtype=np.int32)
        self.order, self._shown = numbers.take(self.order - np.int32(lowest)), None
        for part in self._parts:
            part.renumber(kept)
        self._unpacked.clear()
        self._first_alive, self._end = 0, len(kept)
        if self._key is not None:
            keys = [self._key(row) for row in self.rows_at(self.everything())]
            self._slots = {key: slot for slot, key in enumerate(keys)}

    # Filter

    def visible(self) -> Ints:
        """The slots that pass the filter, in the wanted order."""
        if not self._filter.terms:
            return self.order
        if self._shown is None:
            self._shown = self._passing_in_order()
        return self._shown

    def _passing_in_order(self) -> Ints:
        if not self._by_arrival:
            return chosen(self.order, self._passes[self.order])
        rows = slice(self._first_alive, self._end)
        return self._slots_of(self._passes[rows] & self._alive[rows])

    def set_filter(self, wanted: Filter, now: datetime) -> None:
        """Which rows are visible; ages count from ``now``."""
        self._filter, self._now = wanted, now.timestamp()
        everything = slice(self._first_alive, self._end)
        self._passes[everything] = self._passing(everything)
        self._shown = None

    def _passing(self, slots: Slots) -> Bools | bool:
        passing: Bools | bool = True
        for term in self._filter.terms:
            passing = self._matches(term, slots) & passing
        return passing

    def _matches(self, term: TextTerm | NumberTerm, slots: Slots) -> Bools:
        matched = np.zeros(len(self._alive[slots]), np.bool_)
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
        self.order, self._shown = self._ordered(self.everything()), None

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
        return _stably(slots, data.keys(slots, self._descending))

    def _merged(self, kept: Ints, new: Ints) -> Ints:
        """``kept``, which is in order, with ``new`` put where they belong."""
        if not len(kept) or int(new.min()) < self._highest(kept):
            return self._ordered(np.sort(np.concatenate((kept, new))))
        new = self._ordered(np.sort(new))
        if self._sort_column is None:  # descending: ``append`` sees to the other way
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

    def times_and_flags(self, time: str, flag: str, slots: Ints) -> list[tuple[Floats, Floats]]:
        """The known times of the slots with a flag each, copied, in parts that the processor's cache
        holds: counting them is several times faster then."""
        found = []
        for at in range(0, len(slots), _AT_ONCE):
            part = slots[at : at + _AT_ONCE]
            times, flags = self.numbers(time, part), self.numbers(flag, part)
            known = ~np.isnan(times)
            if known.any():
                found.append((times, flags) if known.all() else (times[known], flags[known]))
        return found

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


def spread_of(
    parts: Sequence[tuple[Floats, Floats]], bars: int
) -> tuple[float, float, list[int], list[int]] | None:
    """The first and the last of some times, and how many there are in each of so many spans between
    them: all, and those whose flag is not 0. None of no times."""
    if not parts:
        return None
    first = min(float(times.min()) for times, _ in parts)
    last = max(float(times.max()) for times, _ in parts)
    counts = np.zeros(2 * bars, np.int64)  # of those without the flag, of those with it
    for times, flags in parts:
        places = ((times - first) * (bars / max(last - first, 1e-9))).astype(np.intp)
        np.minimum(places, bars - 1, out=places)
        places[flags != 0] += bars
        counts += np.bincount(places, minlength=2 * bars)
    plain, flagged = counts[:bars], counts[bars:]
    return first, last, (plain + flagged).tolist(), flagged.tolist()


def _stably(slots: Ints, keys: Floats) -> Ints:
    """``slots`` by ``keys``, equal ones as they are, NaN last. Sorting as fast as can be, and then
    runs of equal keys by slot, takes half the time of a stable sort."""
    by_key = np.argsort(keys)
    ordered = keys.take(by_key)
    differs = ordered[1:] != ordered[:-1]
    differs[np.isnan(ordered[:-1])] = False
    runs = np.zeros(len(keys), np.int64)
    np.cumsum(differs, out=runs[1:])
    packed = np.sort((runs << 32) | slots.take(by_key))
    return (packed & 0x7FFF_FFFF).astype(np.int32)
