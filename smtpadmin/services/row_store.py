"""The rows of a table: all of them in columns, a filter, an order; without Qt and without words.

A change of what is visible is announced as blocks, each once before (``changing``) and once after it
(``changed``), the way a table model has to tell its views; in between the store shows the state
before, afterwards the state after. numpy is loaded with the first rows, not with the window.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from smtpadmin.model.filter import Filter, NumberTerm
from smtpadmin.services.columns import Column
from smtpadmin.util.signal import Signal

if TYPE_CHECKING:
    from smtpadmin.services.row_index import RowIndex
    from smtpadmin.services.slot_array import Ints

T = TypeVar("T")
DEFAULT_LIMIT = 1_000_000


class ChangeKind(enum.StrEnum):
    """What happens to the visible rows."""

    INSERT = "insert"
    REMOVE = "remove"
    UPDATE = "update"
    LAYOUT = "layout"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Change:
    """One block. For ``layout``, ``moved`` gives the new position of an old one; the number of
    rows stays."""

    kind: ChangeKind
    first: int = 0
    count: int = 0
    moved: Callable[[int], int] | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Rows over time, from ``first`` to ``last`` (seconds since 1970), and those of them that are
    flagged."""

    first: float
    last: float
    counts: list[int]
    flagged: list[int]


class Keep(enum.StrEnum):
    """Which rows stay when there are more than the limit."""

    FIRST = "first"
    LAST = "last"


class Packing(Protocol[T]):
    """How rows are kept in little room, and made again when somebody looks."""

    def pack(self, row: T, /) -> Any:
        """What is kept of a row."""
        ...

    def unpack(self, packed: Any, /) -> T:
        """The row."""
        ...


class RowStore(Generic[T]):
    """Rows with declared columns. ``key`` names a row, so that it can be updated and removed;
    ``limit`` bounds the rows; ``left_out`` counts those refused or dropped because of it.
    ``packing`` makes the packing, when the first rows arrive; a packed row is another object every
    time that it is asked for.
    """

    def __init__(
        self,
        columns: Sequence[Column[T]],
        *,
        key: Callable[[T], Hashable] | None = None,
        limit: int = DEFAULT_LIMIT,
        keep: Keep = Keep.FIRST,
        packing: Callable[[], Packing[T]] | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self.changing: Signal[[Change]] = Signal()
        self.changed: Signal[[Change]] = Signal()
        self.limit = limit
        self.left_out = 0
        self._keep = keep
        self._key = key
        self._packing = packing
        self._filter = Filter()
        self._now = datetime.fromtimestamp(0, UTC)
        self._sort: tuple[str | None, bool] = (None, False)
        self._index: RowIndex[T] | None = None
        self._visible: Ints | None = None

    # Reading

    def __len__(self) -> int:
        """Visible rows."""
        return 0 if self._visible is None else len(self._visible)

    @property
    def total(self) -> int:
        """All rows, visible or not."""
        return 0 if self._index is None else self._index.alive

    @property
    def filter(self) -> Filter:
        """The filter in force."""
        return self._filter

    @property
    def sort_order(self) -> tuple[str | None, bool]:
        """The sort column (None: order of arrival) and whether it is descending."""
        return self._sort

    def row(self, position: int) -> T:
        """The visible row at a position. Raises IndexError."""
        if self._index is None or self._visible is None or not 0 <= position < len(self):
            raise IndexError(position)
        row = self._index.row_at(int(self._visible[position]))
        assert row is not None
        return row

    def visible_rows(self) -> Iterator[T]:
        """The visible rows, in order."""
        if self._index is not None and self._visible is not None:
            yield from self._rows(self._visible)

    def all_rows(self) -> Iterator[T]:
        """All rows, in the order of arrival."""
        if self._index is not None:
            yield from self._rows(self._index.everything())

    def _rows(self, slots: Ints) -> Iterator[T]:
        return self._index.rows_at(slots) if self._index else iter(())

    def spreading(self, time: str, flag: str, bars: int) -> Callable[[], Spread | None]:
        """What counts the rows that are visible now over time, in so many equal spans, and those
        among them whose ``flag`` is not 0; also in another thread, while rows come and go. Rows
        without a time are left out; it gives None when there are no others."""
        if self._index is None or self._visible is None:
            return lambda: None
        from smtpadmin.services.row_index import spread_of

        parts = self._index.times_and_flags(time, flag, self._visible)

        def count() -> Spread | None:
            found = spread_of(parts, bars)
            return Spread(*found) if found else None

        return count

    def nearest(self, column: str, least: float, *, start: int = 0, step: int = 1) -> int | None:
        """The first position from ``start`` on, down the table (1) or up (-1), at which a number
        column has at least that; None when there is none."""
        if self._index is None or self._visible is None:
            return None
        found = (self._index.numbers(column, self._visible) >= least).nonzero()[0]
        found = found[found >= start] if step > 0 else found[found <= start][::-1]
        return int(found[0]) if len(found) else None

    def mark(self, position: int) -> int:
        """A name for the visible row at a position, which holds until rows are dropped. Raises
        IndexError."""
        if self._visible is None or not 0 <= position < len(self):
            raise IndexError(position)
        return int(self._visible[position])

    def position_of_mark(self, mark: int) -> int | None:
        """Where a marked row is visible; None when it is not."""
        if self._visible is None:
            return None
        found = (self._visible == mark).nonzero()[0]
        return int(found[0]) if len(found) else None

    def get(self, key: Hashable) -> T | None:
        """The row of a key, visible or not."""
        slot = self._index.slot_of(key) if self._index else None
        return None if slot is None or self._index is None else self._index.row_at(slot)

    def position_of(self, key: Hashable) -> int | None:
        """Where the row of a key is visible; None when it is not."""
        slot = self._index.slot_of(key) if self._index else None
        return None if slot is None else self.position_of_mark(slot)

    def facet(self, column: str, *, visible_only: bool = False) -> list[tuple[str, int]]:
        """Values of a text column with the number of rows that have each, the most frequent first.
        A row with several values counts for each of them."""
        if self._index is None or self._visible is None:
            return []
        slots = self._visible if visible_only else self._index.everything()
        counts: dict[str, int] = {}
        for text, count in self._index.counts(column, slots):
            for value in text.split("\n"):
                counts[value] = counts.get(value, 0) + count
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def grid(
        self, text: str, number: str, edges: Sequence[float], now: datetime, only: tuple[str, float]
    ) -> tuple[dict[str, list[int]], list[T]]:
        """Ages by text, counted in the columns (see ``RowIndex.grid``), and the rows left out."""
        if self._index is None:
            return {}, []
        table, rest = self._index.grid(text, number, edges, now.timestamp(), only)
        return table, list(self._rows(rest))

    # Rows come and go

    def append(self, rows: Iterable[T]) -> None:
        """Add rows, which must have new keys. Beyond the limit, see ``Keep``."""
        batch = self._within_limit(list(rows))
        if not batch:
            return
        index = self._loaded()
        index.append(batch)
        self._show(index)
        if self._keep is Keep.LAST and index.alive > self.limit:
            oldest = index.oldest(index.alive - self.limit)
            self.left_out += len(oldest)
            self._drop(oldest)

    def upsert(self, rows: Iterable[T]) -> None:
        """Add rows, or give those whose key is here their new values. Equal rows change nothing."""
        latest = {self._key_of(row): row for row in rows}
        new: list[T] = []
        known: dict[int, T] = {}
        for key, row in latest.items():
            slot = self._index.slot_of(key) if self._index else None
            if slot is None or self._index is None:
                new.append(row)
            elif self._index.row_at(slot) != row:
                known[slot] = row
        if known:
            self._overwrite(known)
        self.append(new)

    def remove(self, keys: Iterable[Hashable]) -> None:
        """Take rows away; a key that is not here is no error."""
        if self._index is None:
            return
        slots = {self._index.slot_of(key) for key in keys}
        self._drop([slot for slot in slots if slot is not None])

    def clear(self) -> None:
        """Take all rows away; filter and order stay."""
        change = Change(ChangeKind.RESET)
        self.changing.emit(change)
        self._index, self._visible, self.left_out = None, None, 0
        self.changed.emit(change)

    # Filter and order

    def set_filter(self, wanted: Filter, now: datetime) -> None:
        """Show only rows that pass; ages count from ``now``."""
        self._filter, self._now = wanted, now
        if self._index is not None:
            self._index.set_filter(wanted, now)
            self._show(self._index)

    def grow_older(self, now: datetime) -> None:
        """Count ages from ``now`` on; does nothing for a filter without ages."""
        if any(isinstance(t, NumberTerm) and t.field == "age" for t in self._filter.terms):
            self.set_filter(self._filter, now)
        else:
            self._now = now

    def sort(self, column: str | None, *, descending: bool = False) -> None:
        """Order by a column (None: by arrival). Missing values come last both ways."""
        if column is not None and column not in {c.name for c in self.columns}:
            raise KeyError(column)
        self._sort = (column, descending)
        if self._index is not None:
            self._index.sort(column, descending)
            self._show(self._index)

    # How it is done

    def _key_of(self, row: T) -> Hashable:
        if self._key is None:
            raise TypeError("rows without a key cannot be updated")
        return self._key(row)

    def _loaded(self) -> RowIndex[T]:
        if self._index is None:
            from smtpadmin.services.row_index import RowIndex
            from smtpadmin.services.slot_array import EMPTY, room_for

            packing = self._packing() if self._packing else None
            self._index = RowIndex(self.columns, self._key, packing, room_for(self.limit))
            self._visible = EMPTY
            self._index.set_filter(self._filter, self._now)
            self._index.sort(*self._sort)
        return self._index

    def _shown(self) -> Ints:
        assert self._visible is not None
        return self._visible

    def _within_limit(self, rows: list[T]) -> list[T]:
        room = self.limit if self._keep is Keep.LAST else self.limit - self.total
        if len(rows) <= room:
            return rows
        self.left_out += len(rows) - room
        return rows[-room:] if self._keep is Keep.LAST else rows[:room]

    def _show(self, index: RowIndex[T]) -> None:
        from smtpadmin.services.row_plan import plan

        for change, visible in plan(self._shown(), index.visible(), index.slots):
            self.changing.emit(change)
            self._visible = visible
            self.changed.emit(change)

    def _overwrite(self, known: dict[int, T]) -> None:
        from smtpadmin.services.row_plan import blocks_of, positions_of

        index = self._loaded()
        touched = index.overwrite(known)
        self._show(index)
        for first, count in blocks_of(positions_of(self._shown(), touched, index.slots)):
            change = Change(ChangeKind.UPDATE, first, count)
            self.changing.emit(change)
            self.changed.emit(change)

    def _drop(self, slots: list[int]) -> None:
        if not slots or self._index is None:
            return
        self._index.hide(slots)
        self._show(self._index)
        self._index.remove(slots)
        self._index.close_up()
        self._visible = self._index.visible()
