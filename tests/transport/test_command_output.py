"""Output between a transport that pushes and a reader that pulls."""

from __future__ import annotations

import asyncio

import pytest

from smtpadmin.model.errors import TotalDeadlineError, UnreachableError
from smtpadmin.transport.command_output import HIGH_WATER, MOST_STDERR, CommandOutput


async def test_a_slow_reader_pauses_and_goes_on() -> None:
    flow: list[str] = []
    output = CommandOutput(
        "x", pause=lambda: flow.append("pause"), resume=lambda: flow.append("resume")
    )
    half = b"x" * (HIGH_WATER // 2)
    for _ in range(3):
        output.out(half)
    assert flow == ["pause"]
    chunks = output.chunks()
    await anext(chunks)
    assert flow == ["pause"]
    await anext(chunks)
    assert flow == ["pause", "resume"]


async def test_dropping_lets_the_rest_flow_by() -> None:
    flow: list[str] = []
    output = CommandOutput("x", pause=lambda: flow.append("p"), resume=lambda: flow.append("r"))
    output.out(b"x" * HIGH_WATER)
    output.drop()
    output.out(b"y" * HIGH_WATER)
    assert flow == ["p", "r"]
    output.exited(0)
    output.end()
    assert [chunk async for chunk in output.chunks()] == []


async def test_output_before_the_break_is_given_first() -> None:
    output = CommandOutput("x")
    output.out(b"half")
    output.end(UnreachableError("gone"))
    chunks = output.chunks()
    assert await anext(chunks) == b"half"
    with pytest.raises(UnreachableError):
        await anext(chunks)


async def test_stderr_is_capped() -> None:
    output = CommandOutput("x")
    for _ in range(10):
        output.err(b"e" * (MOST_STDERR // 4 + 1))
    assert len(output.stderr) == MOST_STDERR


async def test_the_deadline_is_for_all_of_it() -> None:
    loop = asyncio.get_running_loop()
    output = CommandOutput("x", until=loop.time() + 0.15)
    drip = loop.call_later(0.1, output.out, b"x")
    chunks = output.chunks()
    assert await anext(chunks) == b"x"
    with pytest.raises(TotalDeadlineError):
        await anext(chunks)
    drip.cancel()


async def test_the_first_end_counts() -> None:
    output = CommandOutput("x")
    output.exited(3)
    output.end()
    output.end(UnreachableError("late"))
    assert (await output.finish()).status == 3
