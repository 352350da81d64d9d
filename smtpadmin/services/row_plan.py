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

from smtpadmin.services.row_columns import Bools, Ints
from smtpadmin.services.row_store import Change, ChangeKind

FEW_BLOCKS = 8
Positions = NDArray[np.intp]
Step = tuple[Change, Ints]
"""A change, and the visible slots after it."""


def plan(old: Ints, new: Ints, slots: int) -> Iterator[Step]:
    """The steps from ``old`` to ``new``, two orders of distinct slots below ``slots``."""
    common = min(len(old), len(new))
    if _same(old[:common], new[:common]):
        yield from _only_the_end_differs(old, new)
        return
    gone = len(old) - common
    if common == len(new) and _same(old[gone:], new):
        yield _block(ChangeKind.REMOVE, 0, gone), new
        return
    stays = _members(new, slots)[old]
    kept = old[stays]
    if len(kept) < len(old):
        yield from _removal(old, kept, ~stays, slots)
    if len(kept) == len(new):
        if not np.array_equal(kept, new):
            yield _reordering(kept, new, slots), new
        return
    is_new = ~_members(old, slots)[new]
    if np.array_equal(kept, new[~is_new]):
        yield from _insertion(kept, new, is_new, slots)
        return
    enlarged = np.concatenate((kept, new[is_new]))
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


def _removal(old: Ints, kept: Ints, is_gone: Bools, slots: int) -> Iterator[Step]:
    blocks = _blocks(is_gone)
    if blocks is None:
        gone_last = np.concatenate((kept, old[is_gone]))
        yield _reordering(old, gone_last, slots), gone_last
        yield _block(ChangeKind.REMOVE, len(kept), len(old) - len(kept)), kept
        return
    for first, count in reversed(blocks):
        old = np.delete(old, np.s_[first : first + count])
        yield _block(ChangeKind.REMOVE, first, count), old


def _insertion(kept: Ints, new: Ints, is_new: Bools, slots: int) -> Iterator[Step]:
    blocks = _blocks(is_new)
    if blocks is None:
        at_the_end = np.concatenate((kept, new[is_new]))
        yield _block(ChangeKind.INSERT, len(kept), len(new) - len(kept)), at_the_end
        yield _reordering(at_the_end, new, slots), new
        return
    for first, count in blocks:
        kept = np.concatenate((kept[:first], new[first : first + count], kept[first:]))
        yield _block(ChangeKind.INSERT, first, count), kept


def _members(of: Ints, slots: int) -> Bools:
    members = np.zeros(slots, np.bool_)
    members[of] = True
    return members


def _blocks(flags: Bools) -> list[tuple[int, int]] | None:
    """(first, count) of each run of true flags; None when there are many."""
    if np.count_nonzero(flags[1:] != flags[:-1]) > 2 * FEW_BLOCKS:
        return None
    blocks = blocks_of(np.flatnonzero(flags))
    return blocks if len(blocks) <= FEW_BLOCKS else None


def positions_of(visible: Ints, slots: Ints) -> Positions:
    """Where some of the visible slots stand, ascending."""
    return np.flatnonzero(
        _members(slots, int(max(visible.max(initial=0), slots.max())) + 1)[visible]
    )


def blocks_of(positions: Positions) -> list[tuple[int, int]]:
    """(first, count) of each run of neighbours in ascending positions."""
    if not len(positions):
        return []
    runs = np.split(positions, np.flatnonzero(np.diff(positions) != 1) + 1)
    return [(int(run[0]), len(run)) for run in runs]


def _block(kind: ChangeKind, first: int, count: int) -> Change:
    return Change(kind, first, count)


def _reordering(old: Ints, new: Ints, slots: int) -> Change:
    """Tells where each old position went; worked out when first asked, often by nobody."""

    @functools.cache
    def went() -> Ints:
        position_of = np.zeros(slots, np.int32)
        position_of[new] = np.arange(len(new), dtype=np.int32)
        positions: Ints = position_of[old]
        return positions

    return Change(ChangeKind.LAYOUT, 0, len(new), lambda position: int(went()[position]))
