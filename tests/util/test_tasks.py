"""Owners of tasks and blocking calls: named, referenced, cancelled, reported, bounded."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from smtpadmin.model.errors import TotalDeadlineError
from smtpadmin.util.tasks import TaskOwner, run_blocking, run_blocking_for


async def test_an_error_reaches_the_reporter_with_the_task_name() -> None:
    seen: list[tuple[str, BaseException]] = []
    owner = TaskOwner("window", lambda name, error: seen.append((name, error)))

    async def fail() -> None:
        raise ValueError("x")

    task = owner.spawn("load", fail())
    assert task is not None
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert [(name, str(error)) for name, error in seen] == [("window/load", "x")]
    assert owner.running == ()


async def test_without_a_reporter_the_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    owner = TaskOwner("o")

    async def fail() -> None:
        raise ValueError("lost?")

    task = owner.spawn("t", fail())
    assert task is not None
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert "task o/t failed" in caplog.text
    caplog.clear()


async def test_close_cancels_and_waits_for_cleanup() -> None:
    cleaned: list[str] = []
    owner = TaskOwner("o")

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            cleaned.append("done")

    owner.spawn("w", work())
    await asyncio.sleep(0)
    assert owner.running == ("o/w",)
    assert await owner.close() == ()
    assert cleaned == ["done"]


async def test_close_names_what_will_not_end(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()
    owner = TaskOwner("o")

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    task = owner.spawn("s", stubborn())
    assert task is not None
    await asyncio.sleep(0)
    assert await owner.close(timeout=0.05) == ("o/s",)
    assert "did not end within" in caplog.text
    caplog.clear()
    release.set()
    await task


async def test_nothing_starts_after_close() -> None:
    owner = TaskOwner("o")
    await owner.close()

    async def work() -> None: ...

    assert owner.spawn("late", work()) is None


async def test_a_blocking_call_gives_its_result_and_its_error() -> None:
    assert await run_blocking(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await run_blocking(divmod, 1, 0)


async def test_context_variables_reach_the_thread() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("here")
    assert await run_blocking(variable.get) == "here"


async def test_a_hanging_call_ends_at_its_deadline_and_blocks_nothing() -> None:
    release = threading.Event()
    try:
        with pytest.raises(TotalDeadlineError, match="no answer within"):
            await run_blocking_for(0.05, release.wait)
        assert await run_blocking(int, "5") == 5
    finally:
        release.set()


async def test_a_call_that_raises_timeout_itself_is_not_taken_for_our_deadline() -> None:
    def own_timeout() -> None:
        raise TimeoutError("the server's")

    with pytest.raises(TimeoutError, match="the server's") as caught:
        await run_blocking(own_timeout)
    assert not isinstance(caught.value, TotalDeadlineError)
