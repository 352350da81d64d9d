"""Rows in slots: they keep their slot, and empty slots are closed up in time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.services import row_index
from smtpadmin.services.columns import Column, Kind
from smtpadmin.services.row_index import RowIndex

NOW = datetime(2025, 11, 24, tzinfo=UTC)
COLUMNS: tuple[Column[str], ...] = (
    Column("text", Kind.TEXT, lambda row: row, "id", anywhere=True),
)


def index_of(rows: list[str]) -> RowIndex[str]:
    index = RowIndex(COLUMNS, key=lambda row: row)
    index.append(rows)
    return index


def take_away(index: RowIndex[str], slots: list[int]) -> None:
    index.hide(slots)
    index.remove(slots)
    index.close_up()


def test_a_row_keeps_its_slot_while_others_go() -> None:
    index = index_of(["a", "b", "c"])
    take_away(index, [1])
    assert [index.slot_of(key) for key in "abc"] == [0, None, 2]
    assert index.everything().tolist() == index.visible().tolist() == [0, 2]
    assert index.oldest(1) == [0]
    index.append(["d"])
    assert index.slot_of("d") == 3


def test_a_few_empty_slots_stay() -> None:
    index = index_of([str(n) for n in range(100)])
    take_away(index, list(range(50)))
    assert index.slots == range(100)


def test_many_empty_slots_are_closed_up_and_the_order_renumbered() -> None:
    index = index_of([str(n) for n in range(50_000)])
    index.sort("text", descending=True)
    index.set_filter(parse_filter("99 -id=1999"), NOW)
    before = list(index.rows_at(index.visible()))
    take_away(index, [1, *range(0, 50_000, 2)])
    assert list(index.rows_at(index.visible())) == [r for r in before if int(r) % 2]
    assert index.slot_of("3") == 0
    assert index.slots == range(24_999)
    index.append(["new"])
    assert index.slot_of("new") == 24_999


def test_the_beginning_of_a_full_log_goes_one_column_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_index, "_MANY_EMPTY", 10)
    index = RowIndex(COLUMNS, None)
    index.set_filter(parse_filter("7"), NOW)
    firsts = set()
    for n in range(0, 200, 5):
        index.append([str(m) for m in range(n, n + 5)])
        if n >= 20:
            take_away(index, index.oldest(5))
        alive = [str(m) for m in range(max(0, n - 15), n + 5)]
        assert list(index.rows_at(index.everything())) == alive
        assert list(index.rows_at(index.visible())) == [text for text in alive if "7" in text]
        firsts.add(tuple(part.first for part in index._parts))
    assert max(len(set(first)) for first in firsts) > 1
    assert index.slots.start > 150
    assert index.row_at(199) == "199"


def test_slots_are_numbered_anew_before_they_leave_their_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_index, "_LAST_SLOT", 5)
    index = index_of(list("abcdef"))
    take_away(index, [0, 1])
    assert index.slots == range(4)
    assert list(index.rows_at(index.order)) == list("cdef")


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, -1.0, None]), max_size=30), st.booleans())
def test_equal_numbers_stay_in_the_order_of_arrival(
    values: list[float | None], descending: bool
) -> None:
    column: Column[float | None] = Column("n", Kind.NUMBER, lambda value: value)
    index = RowIndex((column,), None)
    index.append(values)
    index.sort("n", descending)
    present = [slot for slot, value in enumerate(values) if value is not None]
    present.sort(key=lambda slot: -(values[slot] or 0) if descending else values[slot] or 0)
    missing = [slot for slot, value in enumerate(values) if value is None]
    assert index.order.tolist() == present + missing


def test_counts_of_a_number_column_are_none() -> None:
    index = RowIndex((Column("n", Kind.NUMBER, len),), None)
    index.append(["a", "bb"])
    assert index.counts("n", index.everything()) == []
