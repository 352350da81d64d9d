"""A followed log: backlog, new lines, a lost connection; no line lost, none doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smtpadmin.model.errors import LoginError, SmtpadminError, UnreachableError, UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.services.log_follow import LogFollow
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.tasks import TaskOwner
from tests.support.memory_server import MemoryServer, profile
from tests.support.waiting import until

BREAK = UnreachableError("connection reset")
START = datetime.now(UTC)


def line(number: int, text: str = "") -> LogRecord:
    return LogRecord(raw=text or f"line {number}", time=START + timedelta(seconds=number / 10))


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer(profile(), {})


@pytest.fixture
async def owner() -> AsyncIterator[TaskOwner]:
    owner = TaskOwner("test")
    yield owner
    assert await owner.close() == ()


class Page:
    def __init__(self, server: MemoryServer, owner: TaskOwner) -> None:
        self.batches: list[list[LogRecord]] = []
        self.failures: list[SmtpadminError] = []
        self.follow = LogFollow(
            server, self.batches.append, wait=0.005, backoff=Backoff(0.001, 0.005)
        )
        self.follow.failed.connect(self.failures.append)
        owner.spawn("follow", self.follow.run())

    @property
    def lines(self) -> list[str]:
        return [record.raw for batch in self.batches for record in batch]


async def test_backlog_then_new_lines(server: MemoryServer, owner: TaskOwner) -> None:
    await server.write_log(line(1), line(2))
    page = Page(server, owner)
    await until(lambda: page.follow.status.following)
    await server.write_log(line(3))
    await until(lambda: len(page.lines) == 3)
    assert page.lines == ["line 1", "line 2", "line 3"]
    assert page.follow.status.updated_at is not None


async def test_after_a_break_nothing_is_lost_or_doubled(
    server: MemoryServer, owner: TaskOwner
) -> None:
    page = Page(server, owner)
    expected: list[str] = []
    number = 0
    for broken in range(4):
        await until(
            lambda broken=broken: len(page.failures) == broken and page.follow.status.following
        )
        for _ in range(3):
            number += 1
            await server.write_log(line(number))
            expected.append(f"line {number}")
        await until(lambda: len(page.lines) == len(expected))
        number += 1
        server.log.append(line(number))  # while nobody listens
        expected.append(f"line {number}")
        await server.break_follow(BREAK)
    await until(lambda: len(page.lines) == len(expected))
    assert page.lines == expected
    assert page.failures == [BREAK] * 4


async def test_equal_lines_are_as_many_as_were_written(
    server: MemoryServer, owner: TaskOwner
) -> None:
    page = Page(server, owner)
    await until(lambda: page.follow.status.following)
    await server.write_log(line(1, "same"), line(1, "same"))
    await until(lambda: len(page.lines) == 2)
    server.log.append(line(1, "same"))
    await server.break_follow(BREAK)
    await until(lambda: len(page.lines) == 3)
    await server.write_log(line(2, "end"))
    await until(lambda: "end" in page.lines)
    assert page.lines == ["same"] * 3 + ["end"]


async def test_what_is_written_between_reading_and_following_is_not_lost(owner: TaskOwner) -> None:
    class Gap(MemoryServer):
        async def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
            self.log.append(line(2))  # after the backlog was read, before the server follows
            async for batch in super().follow_log():
                yield batch

    server = Gap(profile(), {})
    server.log.append(line(1))
    page = Page(server, owner)
    await until(lambda: page.follow.status.following)
    await server.write_log(line(3), line(4))
    await server.write_log(line(5))
    await until(lambda: len(page.lines) == 5)
    assert sorted(page.lines) == [f"line {n}" for n in range(1, 6)]


async def test_a_log_that_cannot_be_read_says_why_and_recovers(
    server: MemoryServer, owner: TaskOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(**_: object) -> AsyncIterator[Sequence[LogRecord]]:
        raise BREAK
        yield []

    read_log = server.read_log
    monkeypatch.setattr(server, "read_log", broken)
    page = Page(server, owner)
    await until(lambda: page.failures)
    assert page.follow.status.error is BREAK
    monkeypatch.setattr(server, "read_log", read_log)
    await until(lambda: page.follow.status.following)
    assert page.follow.status.error is None


async def test_only_the_backlog_asked_for(server: MemoryServer) -> None:
    asked: list[datetime | None] = []

    class Asked(MemoryServer):
        async def read_log(
            self, since: datetime | None = None, until: datetime | None = None
        ) -> AsyncIterator[Sequence[LogRecord]]:
            asked.append(since)
            yield []

    follow = LogFollow(Asked(profile(), {}), print, backlog=timedelta(minutes=10))
    await follow._catch_up()
    assert asked[0] is not None
    assert timedelta(minutes=9) < datetime.now(UTC) - asked[0] < timedelta(minutes=11)


async def test_a_refused_login_is_not_repeated_until_asked(
    server: MemoryServer, owner: TaskOwner
) -> None:
    page = Page(server, owner)
    await until(lambda: page.follow.status.following)
    await server.break_follow(LoginError("token revoked"))
    await until(lambda: page.failures)
    await asyncio.sleep(0.03)  # six times the longest back-off
    assert not page.follow.status.following
    page.follow.retry_now()
    await until(lambda: page.follow.status.following)


class _GoesOn:
    """A source whose following starts where reading ended, broken once."""

    def __init__(self) -> None:
        self.reads = 0
        self.left = [line(1), line(2), line(3), line(4)]

    def unread(self) -> Sequence[UsageError]:
        return ()

    async def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        self.reads += 1
        yield [self.left.pop(0)]

    async def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        yield [self.left.pop(0)]
        if len(self.left) == 2:
            raise BREAK
        yield [self.left.pop(0)]
        await asyncio.Event().wait()


async def test_a_source_that_goes_on_by_itself_is_read_once(owner: TaskOwner) -> None:
    source, batches = _GoesOn(), list[list[LogRecord]]()
    follow = LogFollow(source, batches.append, wait=0.005, backoff=Backoff(0.001, 0.005))
    owner.spawn("follow", follow.run())
    await until(lambda: not source.left)
    await until(lambda: sum(map(len, batches)) == 4)
    assert [r.raw for batch in batches for r in batch] == [f"line {n}" for n in (1, 2, 3, 4)]
    assert source.reads == 1


async def test_a_line_is_known_without_its_number_and_after_its_file_was_renamed(
    owner: TaskOwner,
) -> None:
    class Numbered(MemoryServer):
        file = "mail.log"

        async def read_log(
            self, since: datetime | None = None, until: datetime | None = None
        ) -> AsyncIterator[Sequence[LogRecord]]:
            async for batch in super().read_log(since, until):
                yield [replace(r, file=self.file, line=n) for n, r in enumerate(batch, 1)]

    server = Numbered(profile(), {})
    server.log.append(line(1))
    page = Page(server, owner)
    await until(lambda: page.follow.status.following)
    await server.write_log(line(2))
    server.file = "mail.log.1"
    await server.break_follow(BREAK)
    await until(lambda: len(page.failures) == 1 and page.follow.status.following)
    await server.write_log(line(3))
    await until(lambda: "line 3" in page.lines)
    assert page.lines == ["line 1", "line 2", "line 3"]
