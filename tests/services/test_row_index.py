"""Rows in slots: they keep their slot, and empty slots are closed up in time."""

from __future__ import annotations

from datetime import UTC, datetime

from smtpadmin.formats.filter_language import parse_filter
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
    assert len(index.rows) == 100


def test_many_empty_slots_are_closed_up_and_the_order_renumbered() -> None:
    index = index_of([str(n) for n in range(40_000)])
    index.sort("text", descending=True)
    index.set_filter(parse_filter("99 -id=1999"), NOW)
    before = [index.rows[slot] for slot in index.visible()]
    take_away(index, [1, *range(0, 40_000, 2)])
    assert [index.rows[slot] for slot in index.visible()] == [r for r in before if int(r or 0) % 2]
    assert index.slot_of("3") == 0
    assert len(index.rows) == index.alive == 19_999
    index.append(["new"])
    assert index.slot_of("new") == 19_999


def test_counts_of_a_number_column_are_none() -> None:
    index = RowIndex((Column("n", Kind.NUMBER, len),), None)
    index.append(["a", "bb"])
    assert index.counts("n", index.everything()) == []
