"""Batches: together after the wait, in portions when there are many, none without rows."""

from __future__ import annotations

import asyncio
import time

import pytest

from smtpadmin.services import batcher as module
from smtpadmin.services.batcher import Batcher
from tests.support.waiting import until


async def test_the_first_rows_come_at_once_and_further_ones_together() -> None:
    batches: list[list[int]] = []
    batcher = Batcher(batches.append, wait=0.1)
    started = time.monotonic()
    batcher.add([1])
    batcher.add([2, 3])
    assert batches == []
    await until(lambda: batches)
    assert batches == [[1, 2, 3]]
    batcher.add([4])
    await asyncio.sleep(0.01)
    batcher.add([5])
    await until(lambda: len(batches) == 2)
    assert batches[1] == [4, 5]
    assert time.monotonic() - started >= 0.1


async def test_many_rows_come_in_portions() -> None:
    batches: list[list[int]] = []
    Batcher(batches.append, wait=0, most=3).add(range(8))
    await until(lambda: sum(map(len, batches)) == 8)
    assert batches == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_others_work_while_many_rows_are_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_A_TIME_S", 0.002)
    order: list[str] = []

    def slow(rows: list[int]) -> None:
        time.sleep(0.003)
        order.append("rows")

    Batcher(slow, wait=0, most=1).add(range(4))
    while order.count("rows") < 4:
        await asyncio.sleep(0)
        order.append("other")
    between = "".join(word[0] for word in order).strip("o")
    assert "rr" not in between


async def test_the_end_flushes_and_nothing_is_no_batch() -> None:
    batches: list[list[int]] = []
    batcher = Batcher(batches.append, most=2)
    batcher.flush()
    batcher.add([])
    batcher.add([1, 2, 3])
    batcher.flush()
    batcher.flush()
    assert batches == [[1, 2], [3]]


async def test_draining_hands_over_all_and_lets_others_work() -> None:
    batches: list[list[int]] = []
    batcher = Batcher(batches.append, most=2)
    batcher.add([1, 2, 3])
    seen: list[int] = []

    async def other() -> None:
        while len(batches) < 2:
            seen.append(len(batches))
            await asyncio.sleep(0)

    await asyncio.gather(batcher.drain(), other())
    assert batches == [[1, 2], [3]]
    assert seen == [1]
