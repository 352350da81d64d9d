"""The row store does what plain lists would do, and announces each change as a table needs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.model.filter import Filter
from smtpadmin.services.columns import Column, Kind, Value
from smtpadmin.services.filtering import matcher
from smtpadmin.services.row_store import Change, ChangeKind, Keep, RowStore

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    id: int
    sender: str | None = None
    to: str | None = None
    size: int | None = None
    arrived: datetime | None = None


COLUMNS: tuple[Column[Row], ...] = (
    Column("id", Kind.NUMBER, lambda r: r.id),
    Column("sender", Kind.TEXT, lambda r: r.sender, "from", anywhere=True),
    Column("to", Kind.TEXT, lambda r: r.to, "to", anywhere=True),
    Column("size", Kind.NUMBER, lambda r: r.size, "size"),
    Column("arrived", Kind.TIME, lambda r: r.arrived, "age"),
)
FILTERS = (
    "",
    "a",
    "-a",
    "from:b",
    "from=<>",
    "to=a",
    "to:*b a",
    "size>2",
    "-size>2",
    "age>1h",
    "age<=3h -b",
)
ORDERS = [(name, down) for name in (None, *(c.name for c in COLUMNS)) for down in (False, True)]


def naive_order(rows: list[Row], order: tuple[str | None, bool]) -> list[Row]:
    """Missing last both ways, equal ones by arrival."""
    name, descending = order
    if name is None:
        return rows[::-1] if descending else rows
    column = next(c for c in COLUMNS if c.name == name)

    def folded(row: Row) -> Value:
        value = column.key(row)
        return value.casefold() if isinstance(value, str) else value

    known = [r for r in rows if column.key(r) is not None]
    missing = [r for r in rows if column.key(r) is None]
    # reverse=True keeps equal ones in their order, as the store does.
    return sorted(known, key=folded, reverse=descending) + missing  # type: ignore[arg-type, return-value]


class Mirror:
    """Follows the announcements the way a table does, knowing nothing else."""

    def __init__(self, store: RowStore[Row]) -> None:
        self.store = store
        self.rows: list[Row] = list(store.visible_rows())
        self.changes: list[Change] = []
        store.changing.connect(self.on_changing)
        store.changed.connect(self.on_changed)

    def on_changing(self, change: Change) -> None:
        assert len(self.store) == len(self.rows)
        self.changes.append(change)

    def on_changed(self, change: Change) -> None:
        now = list(self.store.visible_rows())
        first, end = change.first, change.first + change.count
        if change.kind is ChangeKind.INSERT:
            self.rows[first:first] = now[first:end]
        elif change.kind is ChangeKind.REMOVE:
            del self.rows[first:end]
        elif change.kind is ChangeKind.UPDATE:
            self.rows[first:end] = now[first:end]
        elif change.kind is ChangeKind.LAYOUT:
            assert change.moved is not None
            before, self.rows = self.rows, list(self.rows)
            for position, row in enumerate(before):
                self.rows[change.moved(position)] = row
        else:
            self.rows = now
        assert [r.id for r in self.rows] == [r.id for r in now]
        self.rows = now  # rows given new values move first and are announced as updated then


texts = st.none() | st.text(alphabet="abAB", max_size=3) | st.sampled_from(("a\nb", "B\nab"))
rows = st.builds(
    Row,
    st.integers(0, 60),
    texts,
    texts,
    st.none() | st.integers(0, 4),
    st.none() | st.integers(0, 5).map(lambda hours: NOW - timedelta(hours=hours)),
)


class StoreMachine(RuleBasedStateMachine):
    """Any sequence of operations leaves store and naive list alike."""

    @initialize(order=st.sampled_from(ORDERS), text=st.sampled_from(FILTERS))
    def begin(self, order: tuple[str | None, bool], text: str) -> None:
        self.store: RowStore[Row] = RowStore(COLUMNS, key=lambda r: r.id)
        self.mirror = Mirror(self.store)
        self.naive: dict[int, Row] = {}
        self.sort(order)
        self.narrow(text)

    @rule(batch=st.lists(rows, max_size=30))
    def upsert(self, batch: list[Row]) -> None:
        self.store.upsert(batch)
        last = {row.id: row for row in batch}
        self.naive.update(last)

    @rule(keys=st.lists(st.integers(0, 60), max_size=20))
    def remove(self, keys: list[int]) -> None:
        self.store.remove(keys)
        for key in keys:
            self.naive.pop(key, None)

    @rule(order=st.sampled_from(ORDERS))
    def sort(self, order: tuple[str | None, bool]) -> None:
        self.order = order
        self.store.sort(order[0], descending=order[1])

    @rule(text=st.sampled_from(FILTERS))
    def narrow(self, text: str) -> None:
        self.text = text
        self.store.set_filter(parse_filter(text), NOW)

    @invariant()
    def the_same_as_plain_lists(self) -> None:
        passes = matcher(COLUMNS, parse_filter(self.text))
        kept = [row for row in self.naive.values() if passes(row, NOW)]
        assert list(self.store.visible_rows()) == naive_order(kept, self.order)
        assert self.mirror.rows == list(self.store.visible_rows())
        assert list(self.store.all_rows()) == list(self.naive.values())
        assert self.store.total == len(self.naive)


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=10, deadline=None)
TestStoreIsAList = StoreMachine.TestCase


@pytest.fixture
def store() -> RowStore[Row]:
    return RowStore(COLUMNS, key=lambda r: r.id)


def kinds(changes: list[Change]) -> list[str]:
    return [f"{c.kind} {c.first}+{c.count}" for c in changes]


def test_one_batch_is_one_insert(store: RowStore[Row]) -> None:
    mirror = Mirror(store)
    store.append(Row(n, "s", size=n) for n in range(500))
    store.append([Row(500, "s")])
    assert kinds(mirror.changes) == ["insert 0+500", "insert 500+1"]


def test_scattered_rows_are_one_insert_and_one_reordering(store: RowStore[Row]) -> None:
    store.sort("size")
    store.append(Row(n, size=2 * n) for n in range(100))
    mirror = Mirror(store)
    store.append(Row(200 + n, size=4 * n + 1) for n in range(50))
    assert kinds(mirror.changes) == ["insert 100+50", "layout 0+150"]


def test_a_filter_that_leaves_scattered_rows_keeps_their_identity(store: RowStore[Row]) -> None:
    store.append(Row(n, "a" if n % 2 else "b") for n in range(100))
    mirror = Mirror(store)
    store.set_filter(parse_filter("from:a"), NOW)
    assert kinds(mirror.changes) == ["layout 0+100", "remove 50+50"]


def test_an_update_in_place_is_told_as_update(store: RowStore[Row]) -> None:
    store.append(Row(n, "a", size=n) for n in range(5))
    mirror = Mirror(store)
    store.upsert([Row(2, "z", size=2), Row(3, "a", size=3)])
    assert kinds(mirror.changes) == ["update 2+1"]
    assert store.get(2) == Row(2, "z", size=2)
    assert store.position_of(2) == 2


def test_a_row_that_no_longer_passes_disappears(store: RowStore[Row]) -> None:
    store.append([Row(1, "a"), Row(2, "a")])
    store.set_filter(parse_filter("from:a"), NOW)
    store.upsert([Row(1, "z")])
    assert [r.id for r in store.visible_rows()] == [2]
    assert store.position_of(1) is None
    assert store.get(1) == Row(1, "z")
    assert store.get(9) is None


def test_beyond_the_limit_the_first_rows_stay_and_the_rest_is_counted() -> None:
    store: RowStore[Row] = RowStore(COLUMNS, key=lambda r: r.id, limit=10)
    store.append(Row(n) for n in range(8))
    store.append(Row(n) for n in range(8, 20))
    assert [r.id for r in store.visible_rows()] == list(range(10))
    assert (store.total, store.left_out) == (10, 10)


def test_a_ring_drops_the_oldest_and_says_how_many() -> None:
    store: RowStore[Row] = RowStore(COLUMNS, limit=10, keep=Keep.LAST)
    mirror = Mirror(store)
    for start in (0, 8, 16, 24):
        store.append(Row(n) for n in range(start, start + 8))
    assert [r.id for r in mirror.rows] == list(range(22, 32))
    assert (store.total, store.left_out) == (10, 22)
    store.append(Row(n) for n in range(100))
    assert [r.id for r in store.visible_rows()] == list(range(90, 100))
    assert store.left_out == 22 + 100


def test_a_long_running_ring_forgets_what_it_dropped() -> None:
    store: RowStore[Row] = RowStore(COLUMNS, limit=1_000, keep=Keep.LAST)
    store.sort("sender", descending=True)
    for start in range(0, 60_000, 1_000):
        store.append(Row(n, f"sender {n}") for n in range(start, start + 1_000))
    assert store._index is not None
    assert len(store._index.slots) < 25_000
    assert [r.id for r in store.visible_rows()] == list(range(59_999, 58_999, -1))
    assert len(store.facet("sender")) == 1_000


def test_facets_count_each_of_several_values(store: RowStore[Row]) -> None:
    store.append([Row(1, "A", "x\ny"), Row(2, "a", "x"), Row(3, None, None), Row(4, "", "y")])
    assert store.facet("to") == [("x", 2), ("y", 2)]
    assert store.facet("sender") == [("A", 2), ("", 1)]
    store.set_filter(parse_filter("from:a"), NOW)
    assert store.facet("to", visible_only=True) == [("x", 2), ("y", 1)]


def test_ages_count_from_the_moment_given(store: RowStore[Row]) -> None:
    store.set_filter(parse_filter("age>1h"), NOW)
    store.append([Row(1, arrived=NOW - timedelta(minutes=30))])
    assert len(store) == 0
    store.grow_older(NOW + timedelta(hours=1))
    assert len(store) == 1


def test_clearing_keeps_filter_and_order(store: RowStore[Row]) -> None:
    store.sort("size", descending=True)
    store.set_filter(parse_filter("size>0"), NOW)
    store.append([Row(1, size=1), Row(2, size=2), Row(3, size=0)])
    mirror = Mirror(store)
    store.clear()
    assert kinds(mirror.changes) == ["reset 0+0"]
    assert (len(store), store.total, store.facet("sender")) == (0, 0, [])
    store.append([Row(1, size=1), Row(2, size=2), Row(3, size=0)])
    assert [r.id for r in store.visible_rows()] == [2, 1]


def test_wrong_use_is_an_error(store: RowStore[Row]) -> None:
    with pytest.raises(KeyError):
        store.sort("colour")
    with pytest.raises(IndexError):
        store.row(0)
    store.append([Row(1)])
    with pytest.raises(IndexError):
        store.row(-1)
    with pytest.raises(TypeError, match="without a key"):
        RowStore(COLUMNS).upsert([Row(1)])


def test_an_empty_store_answers(store: RowStore[Row]) -> None:
    store.sort("size")
    store.set_filter(Filter(), NOW)
    store.remove([1])
    assert (len(store), store.total, list(store.visible_rows()), list(store.all_rows())) == (
        0,
        0,
        [],
        [],
    )
    assert store.position_of(1) is None


def test_replacing_a_row_by_an_equal_one_changes_nothing(store: RowStore[Row]) -> None:
    store.append([Row(1, "a")])
    mirror = Mirror(store)
    store.upsert([replace(Row(1), sender="a")])
    assert mirror.changes == []


def test_numpy_is_not_loaded_before_the_first_row() -> None:
    program = (
        "import sys\n"
        "from smtpadmin.services.row_store import RowStore\n"
        "from smtpadmin.services.columns import QUEUE_COLUMNS\n"
        "from smtpadmin.model.queue import QueueEntry\n"
        "store = RowStore(QUEUE_COLUMNS)\n"
        "store.sort('arrived'); store.append([]); len(store)\n"
        "assert 'numpy' not in sys.modules\n"
        "store.append([QueueEntry('1', 'active', None, None, '')])\n"
        "assert 'numpy' in sys.modules and len(store) == 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@given(st.lists(rows, max_size=20, unique_by=lambda r: r.id), st.sampled_from(ORDERS))
def test_loading_in_pieces_is_loading_at_once(
    batch: list[Row], order: tuple[str | None, bool]
) -> None:
    pieces: RowStore[Row] = RowStore(COLUMNS, key=lambda r: r.id)
    pieces.sort(order[0], descending=order[1])
    for row in batch:
        pieces.append([row])
    assert list(pieces.visible_rows()) == naive_order(batch, order)


def test_a_column_of_lines_is_ordered_by_arrival_and_searched() -> None:
    columns = (*COLUMNS, Column("line", Kind.LINE, lambda r: f"{r.sender} wrote", anywhere=True))
    lines: RowStore[Row] = RowStore(columns)
    lines.append([Row(1, "b@x", "", 1), Row(2, "a@x", "", 1)])
    lines.sort("line", descending=True)
    lines.append([Row(3, "c@x", "", 1)])
    assert [row.id for row in lines.visible_rows()] == [3, 2, 1]
    lines.set_filter(parse_filter('"A@X wrote"'), NOW)
    assert [row.id for row in lines.visible_rows()] == [2]


class Halves:
    """Keeps a row as a pair; counts how often rows are made again."""

    made = 0

    def pack(self, row: Row) -> tuple[int, Row]:
        return (row.id, row)

    def unpack(self, packed: tuple[int, Row]) -> Row:
        Halves.made += 1
        return replace(packed[1], id=packed[0])


@pytest.mark.parametrize("key", [None, lambda row: row.id])
def test_packed_rows_are_rows_like_others(key: Callable[[Row], Hashable] | None) -> None:
    plain: RowStore[Row] = RowStore(COLUMNS, limit=50, keep=Keep.LAST, key=key)
    packed: RowStore[Row] = RowStore(COLUMNS, limit=50, keep=Keep.LAST, key=key, packing=Halves)
    for store in (plain, packed):
        for first in range(0, 200, 20):
            store.append(Row(n, f"a{n}", f"b{n % 3}", n) for n in range(first, first + 20))
        store.set_filter(parse_filter("to:b1"), NOW)
        store.sort("size", descending=True)
        if key:
            store.upsert([Row(170, "z", "b1", 999), Row(171, "a171", "b0", 171)])
            store.remove([172])
    assert list(packed.visible_rows()) == list(plain.visible_rows())
    assert list(packed.all_rows()) == list(plain.all_rows())
    assert [packed.row(n) for n in range(len(packed))] == list(plain.visible_rows())
    assert packed.get(170) == plain.get(170)
    assert packed.left_out == plain.left_out == 150


def test_a_row_on_the_screen_is_made_once() -> None:
    store: RowStore[Row] = RowStore(COLUMNS, packing=Halves)
    store.append(Row(n) for n in range(5_000))
    Halves.made = 0
    for _ in range(20):
        assert [store.row(n).id for n in range(100, 140)] == list(range(100, 140))
    assert Halves.made == 40
    for n in range(5_000):
        store.row(n)
    assert len(store._loaded()._unpacked) <= 1_024


def test_packed_rows_of_a_full_log_through_many_renumberings() -> None:
    store: RowStore[Row] = RowStore(COLUMNS, limit=30_000, keep=Keep.LAST, packing=Halves)
    for first in range(0, 120_000, 1_000):
        store.append(Row(n, f"a{n}") for n in range(first, first + 1_000))
        assert store.row(0).id == max(0, first + 1_000 - 30_000)
        assert store.row(len(store) - 1).id == first + 999
    store.set_filter(parse_filter("from:a119999"), NOW)
    assert [row.id for row in store.visible_rows()] == [119_999]
    store.set_filter(parse_filter("from:a11"), NOW)
    assert len(store) == 10_000


def test_what_is_nearest() -> None:
    store: RowStore[Row] = RowStore(COLUMNS)
    assert store.nearest("size", 1) is None
    store.append(Row(n, size=n % 10) for n in range(100))
    assert store.nearest("size", 9) == 9
    assert store.nearest("size", 9, start=10) == 19
    assert store.nearest("size", 9, start=18, step=-1) == 9
    assert store.nearest("size", 9, start=8, step=-1) is None
    store.append([Row(100)])
    assert store.nearest("size", 0, start=100) is None
    with pytest.raises(TypeError):
        store.nearest("sender", 1)


@given(st.lists(st.tuples(st.none() | st.integers(0, 50), st.integers(0, 2)), max_size=30))
def test_rows_over_time(rows: list[tuple[int | None, int]]) -> None:
    store: RowStore[Row] = RowStore(COLUMNS)
    store.append(
        Row(n, size=flag, arrived=None if second is None else NOW + timedelta(seconds=second))
        for n, (second, flag) in enumerate(rows)
    )
    counting = store.spreading("arrived", "size", 7)
    store.clear()
    spread = counting()
    times = [NOW.timestamp() + second for second, _ in rows if second is not None]
    bad = [NOW.timestamp() + second for second, flag in rows if second is not None and flag]
    if not times:
        assert spread is None
        return
    assert spread is not None
    assert (spread.first, spread.last) == (min(times), max(times))
    span = max(spread.last - spread.first, 1e-9)
    for values, found in ((times, spread.counts), (bad, spread.flagged)):
        places = [min(6, int((value - spread.first) * (7 / span))) for value in values]
        assert found == [places.count(n) for n in range(7)]


def test_a_mark_finds_its_row_in_another_order() -> None:
    store: RowStore[Row] = RowStore(COLUMNS)
    store.append(Row(n, f"a{n % 2}") for n in range(10))
    mark = store.mark(3)
    store.sort("id", descending=True)
    assert store.position_of_mark(mark) == 6
    store.set_filter(parse_filter("from:a0"), NOW)
    assert store.position_of_mark(mark) is None
    with pytest.raises(IndexError):
        store.mark(5)
