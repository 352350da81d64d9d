"""The steps of a plan lead from one order to the next, and none of them lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.services.row_plan import FEW_BLOCKS, blocks_of, plan, positions_of
from smtpadmin.services.row_store import Change, ChangeKind

SLOTS = range(7, 47)
slots = st.integers(SLOTS.start, SLOTS.stop - 1)
orders = st.lists(slots, unique=True).map(lambda v: np.array(v, np.int32))


def applied(rows: list[int], change: Change, after: list[int]) -> list[int]:
    """``rows`` after the change, as someone would have them who was told nothing else."""
    first, end = change.first, change.first + change.count
    if change.kind is ChangeKind.INSERT:
        return rows[:first] + after[first:end] + rows[first:]
    if change.kind is ChangeKind.REMOVE:
        return rows[:first] + rows[end:]
    assert change.kind is ChangeKind.LAYOUT
    assert change.moved is not None
    moved = dict(zip(map(change.moved, range(len(rows))), rows, strict=True))
    return [moved[position] for position in range(len(rows))]


@given(orders, orders)
def test_every_step_is_true_and_the_last_one_arrives(old: np.ndarray, new: np.ndarray) -> None:
    rows = old.tolist()
    for change, visible in plan(old, new, SLOTS):
        rows = applied(rows, change, visible.tolist())
        assert rows == visible.tolist()
    assert rows == new.tolist()


@given(st.sets(slots), st.sets(slots))
def test_few_blocks_never_reorder(before: set[int], after: set[int]) -> None:
    old, new = (np.array(sorted(s), np.int32) for s in (before, after))
    steps = [change.kind for change, _ in plan(old, new, SLOTS)]
    assert len(steps) <= 2 * FEW_BLOCKS
    if len(blocks_of(np.array(sorted(before ^ after), np.intp))) <= FEW_BLOCKS:
        assert ChangeKind.LAYOUT not in steps


def test_nothing_changed_is_no_step() -> None:
    same = np.array([13, 11, 12], np.int32)
    assert list(plan(same, same.copy(), SLOTS)) == []


@pytest.mark.parametrize(
    ("positions", "blocks"),
    [([], []), ([4], [(4, 1)]), ([0, 1, 2, 5, 7, 8], [(0, 3), (5, 1), (7, 2)])],
)
def test_blocks(positions: list[int], blocks: list[tuple[int, int]]) -> None:
    assert blocks_of(np.array(positions, np.intp)) == blocks


def test_where_some_rows_stand() -> None:
    visible = np.array([9, 30, 8, 12], np.int32)
    assert positions_of(visible, np.array([12, 9, 46], np.int32), SLOTS).tolist() == [0, 3]
