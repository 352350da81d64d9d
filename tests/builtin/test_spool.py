"""The spool as a whole: what is promised stays, across ends of every kind."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smtpadmin.builtin.spool import ATTEMPTS_KEPT, Spool
from smtpadmin.builtin.spool_records import Attempt, NewMessage, Outcome, Settlement
from smtpadmin.model.errors import StorageError
from tests.support.small_disk import small_disk

NEW = NewMessage("a@x.example", ("b@y.example",), b"raw\r\n", arrived=1.0, expires=100.0)


@asynccontextmanager
async def opened(folder: Path, free_space: int = 0) -> AsyncIterator[Spool]:
    spool = Spool(folder / "spool.db", free_space=free_space)
    spool.open()
    try:
        yield spool
    finally:
        spool.close()


async def test_what_was_accepted_is_there_after_a_new_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        queue_id = await spool.accept(NEW)
    async with opened(tmp_path) as spool:
        found = await spool.get(queue_id)
        assert found is not None
        assert (found.sender, found.state, found.interrupted) == ("a@x.example", "incoming", False)
        assert await spool.content(queue_id) == b"raw\r\n"
        assert await spool.counts() == {"incoming": 1}


async def test_an_interrupted_delivery_is_due_again_and_marked(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        queue_id = await spool.accept(NEW)
        assert [m.queue_id for m in await spool.claim_due(2.0, 10)] == [queue_id]
        assert await spool.claim_due(2.0, 10) == []
    async with opened(tmp_path) as spool:
        (again,) = await spool.claim_due(2.0, 10)
        assert again.interrupted
        await spool.settle(Settlement(queue_id, 1, 50.0))
        settled = await spool.get(queue_id)
        assert settled is not None
        assert not settled.interrupted


async def test_queue_ids_are_never_used_again(tmp_path: Path) -> None:
    clock = 1_000.0
    spool = Spool(tmp_path / "spool.db", clock=lambda: clock)
    used: list[str] = []
    for _ in range(3):
        spool.open()
        used.append(await spool.accept(NEW))
        await spool.settle(Settlement(used[-1], 1, None))
        spool.close()
        clock -= 100
    assert used == sorted(set(used))


async def test_reading_pages_through_what_changes_meanwhile(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await asyncio.gather(*(spool.accept(NEW) for _ in range(25)))
        seen: list[str] = []
        async for page in spool.listing(page_size=10):
            seen += [message.queue_id for message in page]
            await spool.settle(Settlement(page[0].queue_id, 1, None))
            if len(seen) == 10:
                await spool.accept(NEW)
        assert seen == sorted(set(seen))
        assert len(seen) == 26


async def test_the_last_attempts_are_kept_with_their_outcomes(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        queue_id = await spool.accept(NEW)
        for n in range(ATTEMPTS_KEPT + 2):
            later = Outcome(0, "b@y.example", "deferred", "4.0.0", f"reply {n}", "h:25")
            await spool.record(queue_id, [later], [Attempt(float(n), "h:25", f"reply {n}", "[]")])
        attempts = await spool.attempts(queue_id)
        assert [a.started for a in attempts] == [float(n) for n in range(2, ATTEMPTS_KEPT + 2)]
        message = await spool.get(queue_id)
        assert message is not None
        assert message.recipients[0].reply == f"reply {ATTEMPTS_KEPT + 1}"


async def test_next_due(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        assert await spool.next_due() is None
        await spool.accept(NEW)
        assert await spool.next_due() == 1.0


async def test_no_mail_is_taken_on_a_nearly_full_disk(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    async with opened(tmp_path, free_space=2 * free) as spool:
        with pytest.raises(StorageError, match="nearly full, no mail is taken"):
            await spool.accept(NEW)
        assert await spool.counts() == {}


async def test_a_second_server_on_the_same_spool_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        with pytest.raises(StorageError, match="another smtpadmin server uses this spool"):
            Spool(tmp_path / "spool.db").open()
        await spool.accept(NEW)


async def test_a_broken_spool_gives_its_lock_back(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"no database" * 500)
    for _ in range(2):
        with pytest.raises(StorageError, match="not a database"):
            Spool(tmp_path / "spool.db").open()


async def test_a_spool_that_is_gone_is_a_storage_error(tmp_path: Path) -> None:
    async with opened(tmp_path / "sub") as spool:
        shutil.rmtree(tmp_path / "sub")
        with pytest.raises(StorageError):
            await spool.counts()


# A disk that really is full.


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", megabytes=2) as folder:
        yield folder


async def fill(spool: Spool, size: int) -> list[str]:
    """Hand in messages until one is refused; gives the queue IDs of those that were taken."""
    new = NewMessage("a@x.example", ("b@y.example",), b"x" * size, 1.0, 100.0)
    taken: list[str] = []
    while len(taken) < 200:
        try:
            taken.append(await spool.accept(new))
        except StorageError as error:
            if error.remedy != "Free some space; the server goes on by itself.":
                raise
            return taken
    raise AssertionError("the disk is not full")


async def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(disk: Path) -> None:
    filler = disk / "filler"
    filler.write_bytes(b"x" * 1_000_000)
    async with opened(disk) as spool:
        taken = await fill(spool, 100_000)
        assert len(taken) >= 2
        assert await spool.content(taken[-1]) == b"x" * 100_000
        filler.unlink()
        await spool.settle(Settlement(taken[0], 1, None))
        taken.append(await spool.accept(NEW))
    async with opened(disk) as spool:
        listed = [m.queue_id async for page in spool.listing() for m in page]
        assert listed == taken[1:]


async def test_records_fit_when_mail_no_longer_does(disk: Path) -> None:
    async with opened(disk, free_space=500_000) as spool:
        taken = await fill(spool, 50_000)
        for message in await spool.claim_due(2.0, 100):
            later = Outcome(0, "b@y.example", "deferred", "4.0.0", "reply " * 100, "h:25")
            await spool.record(message.queue_id, [later], [Attempt(1.0, "h", "x", "[]")])
            await spool.settle(Settlement(message.queue_id, 1, 50.0))
        assert await spool.counts() == {"deferred": len(taken)}
