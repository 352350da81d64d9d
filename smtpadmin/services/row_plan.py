"""From one visible order to the next in steps that a table can follow without losing its place.

Imports numpy (see ``row_columns``). A table understands blocks: rows inserted, rows removed, rows in
another order. Few blocks are told one by one; many become one re-ordering and one block at the end,
so that selection and current row survive every filter, sort and update.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from smtpadmin.services.row_store import Change, ChangeKind
from smtpadmin.services.slot_array import Bools, Ints, chosen

FEW_BLOCKS = 8
Positions = NDArray[np.intp]
Step = tuple[Change, Ints]
"""A change, and the visible slots after it."""


def plan(old: Ints, new: Ints, slots: range) -> Iterator[Step]:
    """The steps from ``old`` to ``new``, two orders of distinct ``slots``."""
    common = min(len(old), len(new))
    if _same(old[:common], new[:common]):
        yield from _only_the_end_differs(old, new)
        return
    gone = len(old) - common
    if common == len(new) and _same(old[gone:], new):
        yield _block(ChangeKind.REMOVE, 0, gone), new
        return
    stays = _are_among(old, new, slots)
    kept = chosen(old, stays)
    if len(kept) < len(old):
        yield from _removal(old, kept, ~stays, slots)
    if len(kept) == len(new):
        if not np.array_equal(kept, new):
            yield _reordering(kept, new, slots), new
        return
    is_new = ~_are_among(new, old, slots)
    if np.array_equal(kept, chosen(new, ~is_new)):
        yield from _insertion(kept, new, is_new, slots)
        return
    enlarged = np.concatenate((kept, chosen(new, is_new)))
    yield _block(ChangeKind.INSERT, len(kept), len(new) - len(kept)), enlarged
    yield _reordering(enlarged, new, slots), new


def _same(one: Ints, other: Ints) -> bool:
    """Whether two orders of the same length are equal; most that differ do at an end."""
    if not len(one) or (one[0] == other[0] and one[-1] == other[-1]):
        here, there = one.__array_interface__["data"], other.__array_interface__["data"]
        return here == there or np.array_equal(one, other)
    return False


def _only_the_end_differs(old: Ints, new: Ints) -> Iterator[Step]:
    if len(new) > len(old):
        yield _block(ChangeKind.INSERT, len(old), len(new) - len(old)), new
    elif len(new) < len(old):
        yield _block(ChangeKind.REMOVE, len(new), len(old) - len(new)), new


def _removal(old: Ints, kept: Ints, is_gone: Bools, slots: range) -> Iterator[Step]:
    blocks = _blocks(is_gone)
    if blocks is None:
        gone_last = np.concatenate((kept, chosen(old, is_gone)))
        yield _reordering(old, gone_last, slots), gone_last
        yield _block(ChangeKind.REMOVE, len(kept), len(old) - len(kept)), kept
        return
    for first, count in reversed(blocks):
        old = np.delete(old, np.s_[first : first + count])
        yield _block(ChangeKind.REMOVE, first, count), old


def _insertion(kept: Ints, new: Ints, is_new: Bools, slots: range) -> Iterator[Step]:
    blocks = _blocks(is_new)
    if blocks is None:
        at_the_end = np.concatenate((kept, chosen(new, is_new)))
        yield _block(ChangeKind.INSERT, len(kept), len(new) - len(kept)), at_the_end
        yield _reordering(at_the_end, new, slots), new
        return
    for first, count in blocks:
        kept = np.concatenate((kept[:first], new[first : first + count], kept[first:]))
        yield _block(ChangeKind.INSERT, first, count), kept


def _are_among(these: Ints, others: Ints, slots: range) -> Bools:
    members = np.zeros(len(slots), np.bool_)
    members[others - np.int32(slots.start) if slots.start else others] = True
    if _is_run(these):
        first = int(these[0]) - slots.start
        return members[first : first + len(these)]
    return members.take(these - np.int32(slots.start) if slots.start else these)


def _is_run(order: Ints) -> bool:
    """Whether it counts up by one, as all rows of a table in the order of their arrival do."""
    if not len(order) or int(order[-1]) - int(order[0]) != len(order) - 1:
        return False
    return np.array_equal(order, np.arange(order[0], int(order[-1]) + 1, dtype=np.int32))


def _blocks(flags: Bools) -> list[tuple[int, int]] | None:
    """(first, count) of each run of true flags; None when there are many."""
    if np.count_nonzero(flags[1:] != flags[:-1]) > 2 * FEW_BLOCKS:
        return None
    blocks = blocks_of(np.flatnonzero(flags))
    return blocks if len(blocks) <= FEW_BLOCKS else None


def positions_of(visible: Ints, some: Ints, slots: range) -> Positions:
    """Where some of the ``slots`` stand among the visible ones, ascending."""
    return np.flatnonzero(_are_among(visible, some, slots))


def blocks_of(positions: Positions) -> list[tuple[int, int]]:
    """(first, count) of each run of neighbours in ascending positions."""
    if not len(positions):
        return []
    runs = np.split(positions, np.flatnonzero(np.diff(positions) != 1) + 1)
    return [(int(run[0]), len(run)) for run in runs]


def _block(kind: ChangeKind, first: int, count: int) -> Change:
    return Change(kind, first, count)


def _reordering(old: Ints, new: Ints, slots: range) -> Change:
    """Tells where each old position went; worked out when first asked, often by nobody."""

    @functools.cache
    def went() -> Ints:
        position_of = np.zeros(len(slots), np.int32)
        position_of[new - np.int32(slots.start)] = np.arange(len(new), dtype=np.int32)
        return position_of.take(old - np.int32(slots.start))

    return Change(ChangeKind.LAYOUT, 0, len(new), lambda position: int(went()[position]))
