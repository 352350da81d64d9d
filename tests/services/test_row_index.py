"""Rows in slots: they keep their slot, and empty slots are closed up in time."""

from __future__ import annotations

import numpy as np

from smtpadmin.services.columns import Column, Kind
from smtpadmin.services.row_index import RowIndex

COLUMNS: tuple[Column[str], ...] = (
    Column("text", Kind.TEXT, lambda row: row, "id", anywhere=True),
)


def index_of(rows: list[str]) -> RowIndex[str]:
    index = RowIndex(COLUMNS, key=lambda row: row)
    index.append(rows)
    return index


def test_a_row_keeps_its_slot_while_others_go() -> None:
    index = index_of(["a", "b", "c"])
    index.remove([1])
    assert [index.slot_of(key) for key in "abc"] == [0, None, 2]
    assert index.everything().tolist() == [0, 2]
    assert index.oldest(1) == [0]
    assert index.append(["d"]).tolist() == [3]


def test_a_few_empty_slots_stay() -> None:
    index = index_of([str(n) for n in range(100)])
    index.remove(range(50))
    visible = index.everything()
    assert index.close_up(visible) is visible
    assert len(index.rows) == 100


def test_many_empty_slots_are_closed_up_and_the_visible_ones_renumbered() -> None:
    index = index_of([str(n) for n in range(40_000)])
    index.remove(range(0, 40_000, 2))
    index.remove([1])
    visible = np.array([39_999, 3], np.int32)
    closed = index.close_up(visible)
    assert closed.tolist() == [19_998, 0]
    assert [index.rows[slot] for slot in closed] == ["39999", "3"]
    assert index.slot_of("3") == 0
    assert len(index.rows) == index.alive == 19_999
    assert index.append(["new"]).tolist() == [19_999]


def test_counts_of_a_number_column_are_none() -> None:
    index = RowIndex((Column("n", Kind.NUMBER, len),), None)
    index.append(["a", "bb"])
    assert index.counts("n", index.everything()) == []
