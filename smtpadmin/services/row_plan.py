"""From one visible order to the next in steps that a table can follow without losing its place.

Imports numpy (see ``row_columns``). A table understands blocks: rows inserted, rows removed, rows in
another order. Few blocks are told one by one; many become one re-ordering and one block at the end,
so that selection and current row survive every filter, sort and update.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from smtpadmin.services.row_columns import Bools, Ints
from smtpadmin.services.row_store import Change, ChangeKind

FEW_BLOCKS = 8
Step = tuple[Change, Ints]
"""A change, and the visible slots after it."""


def plan(old: Ints, new: Ints, slots: int) -> Iterator[Step]:
    """The steps from ``old`` to ``new``, two orders of distinct slots below ``slots``."""
    common = min(len(old), len(new))
    if np.array_equal(old[:common], new[:common]):
        yield from _only_the_end_differs(old, new)
        return
    stays = _members(new, slots)[old]
    was_here = _members(old, slots)[new]
    kept, kept_in_new_order = old[stays], new[was_here]
    yield from _removal(old, stays, slots)
    if np.array_equal(kept, kept_in_new_order):
        yield from _insertion(kept, new, ~was_here, slots)
        return
    enlarged = np.concatenate((kept, new[~was_here]))
    if len(enlarged) > len(kept):
        yield _block(ChangeKind.INSERT, len(kept), len(enlarged) - len(kept)), enlarged
    yield _reordering(enlarged, new, slots), new


def _only_the_end_differs(old: Ints, new: Ints) -> Iterator[Step]:
    if len(new) > len(old):
        yield _block(ChangeKind.INSERT, len(old), len(new) - len(old)), new
    elif len(new) < len(old):
        yield _block(ChangeKind.REMOVE, len(new), len(old) - len(new)), new


def _removal(old: Ints, stays: Bools, slots: int) -> Iterator[Step]:
    blocks = _blocks(~stays)
    if len(blocks) > FEW_BLOCKS:
        gone_last = np.concatenate((old[stays], old[~stays]))
        yield _reordering(old, gone_last, slots), gone_last
        old, blocks = gone_last, [(int(stays.sum()), int((~stays).sum()))]
    for first, count in reversed(blocks):
        old = np.delete(old, np.s_[first : first + count])
        yield _block(ChangeKind.REMOVE, first, count), old


def _insertion(kept: Ints, new: Ints, is_new: Bools, slots: int) -> Iterator[Step]:
    blocks = _blocks(is_new)
    if len(blocks) > FEW_BLOCKS:
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


def _blocks(flags: Bools) -> list[tuple[int, int]]:
    """(first, count) of each run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return [(int(first), int(end - first)) for first, end in edges.reshape(-1, 2)]


def blocks_of(positions: Ints) -> list[tuple[int, int]]:
    """(first, count) of each run of neighbours in ascending positions."""
    if not len(positions):
        return []
    runs = np.split(positions, np.flatnonzero(np.diff(positions) != 1) + 1)
    return [(int(run[0]), len(run)) for run in runs]


def _block(kind: ChangeKind, first: int, count: int) -> Change:
    return Change(kind, first, count)


def _reordering(old: Ints, new: Ints, slots: int) -> Change:
    """Tells where each old position went."""
    position_of = np.zeros(slots, np.int32)
    position_of[new] = np.arange(len(new), dtype=np.int32)
    went = position_of[old]
    return Change(ChangeKind.LAYOUT, 0, len(new), lambda position: int(went[position]))
