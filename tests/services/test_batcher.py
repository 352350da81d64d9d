"""Batches: one after the wait, at once when there are many, none without rows."""

from __future__ import annotations

from smtpadmin.services.batcher import Batcher
from tests.support.waiting import until


async def test_rows_within_the_wait_are_one_batch() -> None:
    batches: list[list[int]] = []
    batcher = Batcher(batches.append, wait=0.02)
    batcher.add([1])
    batcher.add([2, 3])
    assert batches == []
    await until(lambda: batches)
    assert batches == [[1, 2, 3]]
    batcher.add([4])
    await until(lambda: len(batches) == 2)
    assert batches[1] == [4]


async def test_many_rows_do_not_wait() -> None:
    batches: list[list[int]] = []
    Batcher(batches.append, wait=60, most=3).add([1, 2, 3, 4])
    assert batches == [[1, 2, 3, 4]]


async def test_the_end_flushes_and_nothing_is_no_batch() -> None:
    batches: list[list[int]] = []
    batcher = Batcher(batches.append, wait=60)
    batcher.flush()
    batcher.add([])
    batcher.add([1])
    batcher.flush()
    batcher.flush()
    assert batches == [[1]]
