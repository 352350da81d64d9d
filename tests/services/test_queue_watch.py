"""A watched queue: what is new, changed and gone; breaks that remove nothing; rest for the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smtpadmin.model.errors import LoginError, SmtpadminError, TotalDeadlineError, UnreachableError
from smtpadmin.model.queue import QueueCounts, QueueEntry
from smtpadmin.services import queue_watch as module
from smtpadmin.services.columns import QUEUE_COLUMNS
from smtpadmin.services.queue_watch import QueueWatch, WatchStatus, queue_key
from smtpadmin.services.row_store import RowStore
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.tasks import TaskOwner
from tests.support.memory_server import MemoryServer, entry, profile
from tests.support.waiting import until

BREAK = UnreachableError("connection reset")


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer(profile(), {})


@pytest.fixture
def store() -> RowStore[QueueEntry]:
    return RowStore(QUEUE_COLUMNS, key=queue_key)


@pytest.fixture
def watch(server: MemoryServer, store: RowStore[QueueEntry]) -> QueueWatch:
    return QueueWatch(server, store, interval=0.01, backoff=Backoff(0.005, 0.01))


@pytest.fixture
async def owner() -> AsyncIterator[TaskOwner]:
    owner = TaskOwner("test")
    yield owner
    assert await owner.close() == ()


def ids(store: RowStore[QueueEntry]) -> list[str]:
    return [row.queue_id for row in store.visible_rows()]


async def test_each_listing_is_compared_with_the_last(
    server: MemoryServer, store: RowStore[QueueEntry], watch: QueueWatch
) -> None:
    server.put(entry(1), entry(2), entry(3))
    await watch.refresh()
    assert ids(store) == ["Q1", "Q2", "Q3"]
    del server.queue["Q2"]
    server.put(replace(entry(3), queue="active"), entry(4))
    await watch.refresh()
    assert ids(store) == ["Q1", "Q3", "Q4"]
    assert store.row(1).queue == "active"
    assert watch.counts == QueueCounts({"deferred": 2, "active": 1})


async def test_an_id_used_again_is_another_row(
    server: MemoryServer, store: RowStore[QueueEntry], watch: QueueWatch
) -> None:
    old, new = entry(1), replace(entry(1), size=77)
    await _listed(server, watch, old)
    await _listed(server, watch, new)
    assert list(store.visible_rows()) == [new]
    assert store.get(queue_key(old)) is None


async def _listed(server: MemoryServer, watch: QueueWatch, *entries: QueueEntry) -> None:
    server.queue.clear()
    server.put(*entries)
    await watch.refresh()


async def test_a_listing_that_breaks_in_the_middle_removes_nothing(
    server: MemoryServer, store: RowStore[QueueEntry], watch: QueueWatch
) -> None:
    await _listed(server, watch, *map(entry, range(30)))
    before = watch.status.updated_at
    server.listing_breaks = (10, BREAK)
    server.queue = {e.queue_id: e for e in map(entry, range(100, 130))}
    with pytest.raises(UnreachableError):
        await watch.refresh()
    assert ids(store)[:30] == [f"Q{n}" for n in range(30)]
    assert ids(store)[30:] == [f"Q{n}" for n in range(100, 110)], "what did arrive is shown"
    assert watch.status.error is BREAK
    assert watch.status.updated_at == before
    assert not watch.status.listing
    assert watch.counts.total == 30, "half a listing is no count"
    server.listing_breaks = None
    await watch.refresh()
    assert ids(store) == [f"Q{n}" for n in range(100, 130)]
    assert watch.status.error is None


async def test_a_listing_that_falls_silent_fails(
    server: MemoryServer, store: RowStore[QueueEntry]
) -> None:
    server.put(*map(entry, range(30)))
    server.listing_hangs_after = 10
    watch = QueueWatch(server, store, silence=0.02)
    with pytest.raises(TotalDeadlineError, match=r"stopped for 0\.02 s"):
        await watch.refresh()
    assert len(store) == 10


async def test_it_runs_tells_failures_and_goes_on(
    server: MemoryServer, store: RowStore[QueueEntry], watch: QueueWatch, owner: TaskOwner
) -> None:
    failures: list[SmtpadminError] = []
    watch.failed.connect(failures.append)
    server.put(entry(1))
    server.listing_breaks = (0, BREAK)
    owner.spawn("watch", watch.run())
    await until(lambda: len(failures) >= 2)
    server.listing_breaks = None
    await until(lambda: len(store) == 1)
    server.put(entry(2))
    await until(lambda: len(store) == 2)


async def test_a_slow_listing_rests_longer_than_it_takes(store: RowStore[QueueEntry]) -> None:
    class Slow(MemoryServer):
        async def list_queue(self) -> AsyncIterator[Sequence[QueueEntry]]:
            await asyncio.sleep(0.03)
            yield [entry(1)]

    watch = QueueWatch(Slow(profile(), {}), store, interval=0.01)
    await watch.refresh()
    assert watch.status.took >= 0.03
    assert watch.status.interval == watch.status.took * module.REST_FACTOR


async def test_pause_resume_and_refresh_now(
    server: MemoryServer, watch: QueueWatch, owner: TaskOwner
) -> None:
    owner.spawn("watch", watch.run())
    await until(lambda: server.listings >= 2)
    watch.pause()
    await asyncio.sleep(0.05)
    paused_at = server.listings
    await asyncio.sleep(0.05)
    assert server.listings == paused_at
    assert watch.status.paused
    watch.refresh_now()
    await until(lambda: server.listings == paused_at + 1)
    await asyncio.sleep(0.03)
    assert server.listings == paused_at + 1, "one refresh does not end the pause"
    watch.resume()
    await until(lambda: server.listings >= paused_at + 3)


async def test_refresh_now_does_not_wait_for_the_interval(
    server: MemoryServer, store: RowStore[QueueEntry], owner: TaskOwner
) -> None:
    watch = QueueWatch(server, store, interval=3_600)
    owner.spawn("watch", watch.run())
    await until(lambda: watch.status.updated_at)
    watch.refresh_now()
    await until(lambda: server.listings == 2)


async def test_nobody_looks_so_only_counts_are_asked_for(
    server: MemoryServer, store: RowStore[QueueEntry], watch: QueueWatch
) -> None:
    server.put(entry(1), entry(2))
    watch.rows_wanted = False
    await watch.refresh()
    assert (server.listings, len(store), watch.counts.total) == (0, 0, 2)


async def test_the_history_thins_out(watch: QueueWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [datetime(2025, 11, 24, tzinfo=UTC) + timedelta(seconds=10 * n) for n in range(10)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return moments[0]

    monkeypatch.setattr(module, "datetime", Clock)
    for number in range(10):
        watch._count(QueueCounts({"deferred": number}))
        moments.pop(0)
    seconds = [(time - watch.history[0][0]).total_seconds() for time, _ in watch.history]
    assert seconds == [0, 30, 60, 90]
    assert watch.history[-1][1].total == 9


async def test_each_status_is_told(server: MemoryServer, watch: QueueWatch) -> None:
    told: list[WatchStatus] = []
    watch.changed.connect(told.append)
    await watch.refresh()
    assert [status.listing for status in told] == [True, False]
    assert told[-1].updated_at is not None


async def test_a_refused_login_is_not_repeated_until_asked(
    server: MemoryServer, watch: QueueWatch, owner: TaskOwner
) -> None:
    server.put(entry(1))
    server.listing_breaks = (0, LoginError("wrong token"))
    owner.spawn("watch", watch.run())
    await until(lambda: watch.status.error)
    await asyncio.sleep(0.04)  # four times the interval
    assert server.listings == 1
    server.listing_breaks = None
    watch.refresh_now()
    await until(lambda: watch.status.error is None and watch.status.updated_at)
