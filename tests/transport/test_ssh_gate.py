"""At most so many inside, in the order they came, none lost when one gives up."""

from __future__ import annotations

import asyncio

import pytest

from smtpadmin.transport.ssh_gate import Gate


async def test_never_more_than_the_limit_and_in_order() -> None:
    gate = Gate(3)
    most, order = 0, []

    async def one(number: int) -> None:
        nonlocal most
        await gate.enter()
        order.append(number)
        most = max(most, gate.inside)
        await asyncio.sleep(0.001)
        gate.leave()

    await asyncio.gather(*map(one, range(20)))
    assert (most, order, gate.inside) == (3, list(range(20)), 0)


async def test_who_gives_up_takes_no_place() -> None:
    gate = Gate(1)
    await gate.enter()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await gate.enter()
    gate.leave()
    await asyncio.wait_for(gate.enter(), 1)
    assert gate.inside == 1


async def test_a_place_given_to_who_just_gave_up_is_passed_on() -> None:
    gate = Gate(1)
    await gate.enter()
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(gate.enter())
        second = tasks.create_task(gate.enter())
        await asyncio.sleep(0)
        gate.leave()
        first.cancel()
        await asyncio.wait_for(second, 1)
    assert gate.inside == 1


async def test_a_refusal_lowers_the_limit() -> None:
    gate = Gate(8)
    assert not gate.refused()
    assert gate.refused(others=1)
    assert gate.limit == 1
    gate = Gate(8)
    await gate.enter()
    await gate.enter()
    assert gate.refused()
    assert gate.limit == 2
