"""All rows with their columns, which of them pass the filter, and in what order.

Imports numpy (see ``row_columns``). A row lives in a *slot* from its arrival on; a removed row leaves
its slot empty until there are enough of them to close up. Announces nothing: ``row_store`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from itertools import compress
from typing import Generic, TypeVar

import numpy as np

from smtpadmin.model.filter import Filter, NumberTerm, TextTerm
from smtpadmin.services.columns import Column, Kind
from smtpadmin.services.filtering import COMPARISONS, columns_of, text_test
from smtpadmin.services.row_columns import Bools, Ints, NumberData, TextData, grown

T = TypeVar("T")
EMPTY: Ints = np.empty(0, np.int32)
_MANY_DEAD = 20_000


class RowIndex(Generic[T]):
    """Rows in slots. ``key`` names a row for updates; without it rows are only appended."""

    def __init__(self, columns: Sequence[Column[T]], key: Callable[[T], Hashable] | None) -> None:
        self.columns = columns
        self._key = key
        self._data = {c.name: TextData() if c.kind is Kind.TEXT else NumberData() for c in columns}
        self._alive: Bools = np.zeros(0, np.bool_)
        self._slots: dict[Hashable, int] = {}
        self.rows: list[T | None] = []
        self.alive = 0
        self.filter = Filter()
        self.now = 0.0
        self.sort_column: str | None = None
        self.descending = False

    # Rows

    def append(self, rows: Sequence[T]) -> Ints:
        """Put rows into new slots; gives the slots."""
        first = len(self.rows)
        self._write(first, rows)
        self.rows.extend(rows)
        if self._key is not None:
            self._slots.update(zip(map(self._key, rows), range(first, len(self.rows)), strict=True))
        self._alive = grown(self._alive, len(self.rows))
        self._alive[first : len(self.rows)] = True
        self.alive += len(rows)
        return np.arange(first, len(self.rows), dtype=np.int32)

    def overwrite(self, slot: int, row: T) -> None:
        """Give a slot's row new values; its key stays."""
        self.rows[slot] = row
        self._write(slot, (row,))

    def _write(self, first: int, rows: Sequence[T]) -> None:
        for column in self.columns:
            self._data[column.name].write(first, [column.key(row) for row in rows])

    def slot_of(self, key: Hashable) -> int | None:
        """The slot of a row, None when it is not here."""
        return self._slots.get(key)

    def remove(self, slots: Iterable[int]) -> None:
        """Empty the slots."""
        for slot in slots:
            row, self.rows[slot] = self.rows[slot], None
            if row is not None and self._key is not None:
                del self._slots[self._key(row)]
            self._alive[slot] = False
            self.alive -= 1

    def oldest(self, count: int) -> list[int]:
        """The slots of the rows that came first."""
        slots: list[int] = self.everything()[:count].tolist()
        return slots

    def everything(self) -> Ints:
        """Slots of all rows, in the order of arrival."""
        return np.flatnonzero(self._alive[: len(self.rows)]).astype(np.int32)

    def close_up(self, visible: Ints) -> Ints:
        """When many slots are empty, number them anew; gives the visible slots' new numbers."""
        dead = len(self.rows) - self.alive
        if dead < _MANY_DEAD or dead < self.alive // 4:
            return visible
        kept = self.everything()
        renumbered = np.zeros(len(self.rows), np.int32)
        renumbered[kept] = np.arange(len(kept), dtype=np.int32)
        self.rows = list(compress(self.rows, self._alive[: len(self.rows)].tolist()))
        for data in self._data.values():
            data.compact(kept)
        self._alive = np.ones(len(kept), np.bool_)
        if self._key is not None:
            living = [row for row in self.rows if row is not None]
            self._slots = {self._key(row): slot for slot, row in enumerate(living)}
        closed: Ints = renumbered[visible]
        return closed

    # Filter

    def passing(self, slots: Ints) -> Ints:
        """Those of ``slots`` that pass the filter."""
        for term in self.filter.terms:
            slots = slots[self._passes(term, slots)]
        return slots

    def _passes(self, term: TextTerm | NumberTerm, slots: Ints) -> Bools:
        passed = np.zeros(len(slots), np.bool_)
        for column in columns_of(self.columns, term):
            data = self._data[column.name]
            if isinstance(data, TextData) and isinstance(term, TextTerm):
                name = (term.field, term.text, term.exact)
                passed |= data.matches(slots, name, text_test(term))
            elif isinstance(data, NumberData) and isinstance(term, NumberTerm):
                values = data.values(slots)
                if column.kind is Kind.TIME:
                    values = self.now - values
                passed |= np.asarray(COMPARISONS[term.operator](values, term.value))  # type: ignore[arg-type]
        return ~passed if term.negated else passed

    # Order

    def ordered(self, slots: Ints) -> Ints:
        """``slots`` in the wanted order; rows that compare equal in the order of arrival."""
        slots = np.sort(slots)
        if self.sort_column is None:
            return slots[::-1] if self.descending else slots
        data = self._data[self.sort_column]
        if isinstance(data, TextData):
            # Rank and slot in one number: a plain sort is stable then, and six times faster.
            packed = np.sort((data.keys(slots, self.descending) << 32) | slots)
            return (packed & 0x7FFF_FFFF).astype(np.int32)
        taken: Ints = slots[np.argsort(data.keys(slots, self.descending), kind="stable")]
        return taken

    def merged(self, kept: Ints, new: Ints) -> Ints:
        """``kept``, which is in order, with ``new`` put where they belong."""
        if not len(new) or not len(kept):
            return self.ordered(new) if len(new) else kept
        if int(new.min()) < int(kept.max()):
            return self.ordered(np.concatenate((kept, new)))
        new = self.ordered(new)
        if self.sort_column is None:
            return np.concatenate((new, kept) if self.descending else (kept, new))
        data = self._data[self.sort_column]
        # Later slots come after equal rows: "right" keeps the order of arrival.
        places = np.searchsorted(
            data.keys(kept, self.descending), data.keys(new, self.descending), side="right"
        )
        return np.insert(kept, places, new)

    def set_now(self, now: datetime) -> None:
        """The moment from which ages count."""
        self.now = now.timestamp()

    def counts(self, column: str, slots: Ints) -> list[tuple[str, int]]:
        """How many of the slots have each text of a column, unordered."""
        data = self._data[column]
        return data.counts(slots) if isinstance(data, TextData) else []
