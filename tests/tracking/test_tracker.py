"""Every server with a log is tracked: on real servers, by their grep or by reading, the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smtpadmin.connectors.api import SearchableFiles
from smtpadmin.connectors.exim import EximServer
from smtpadmin.connectors.postfix import Postfix
from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Profile
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking import tracker
from smtpadmin.tracking.tracker import LogTracker, tracker_of
from tests.servers.exim import Exim, running_exim
from tests.servers.postfix import PostfixLab, running_postfix
from tests.support.memory_server import MemoryServer, profile

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def lab() -> Iterator[PostfixLab]:
    with running_postfix() as running:
        yield running


@pytest.fixture(scope="module")
def exim() -> Iterator[Exim]:
    with running_exim() as running:
        yield running


async def tracked(connector: object, **criteria: object) -> list[TrackedMessage]:
    found = tracker_of(connector)
    assert found is not None
    return [m async for m in found.track(TrackCriteria(lines=True, **criteria))]  # type: ignore[arg-type]


def postfix(lab: PostfixLab) -> Postfix:
    return Postfix(
        Profile("u", "mx1", "postfix", settings={"access": "local", "instance": str(lab.long.etc)}),
        {},
    )


async def test_postfix_is_searched_on_the_server_and_by_reading_with_one_answer(
    lab: PostfixLab,
) -> None:
    wanted = await asyncio.to_thread(lab.long.send, ["u@down.test", "v@good.test"])
    await asyncio.to_thread(lab.long.send, "w@down.test")
    await asyncio.to_thread(lab.long.wait_for, "deferred", wanted)
    connector = postfix(lab)
    try:
        async with asyncio.timeout(20):
            while True:
                (found,) = await tracked(connector, queue_id=wanted)
                ends = {r.address: r.status for r in found.recipients}
                if DeliveryStatus.QUEUED not in ends.values():
                    break
        assert ends == {"u@down.test": DeliveryStatus.DEFERRED, "v@good.test": DeliveryStatus.SENT}
        read = LogTracker(object(), connector)
        recent = datetime.now(UTC) - timedelta(hours=1)
        everything = [m async for m in read.track(TrackCriteria(since=recent))]
        assert wanted in {m.queue_ids[0] for m in everything if m.queue_ids}
        (same,) = [m async for m in read.track(TrackCriteria(queue_id=wanted))]
        assert same.recipients == found.recipients
    finally:
        await connector.close()


async def test_exim_is_tracked(exim: Exim) -> None:
    wanted = await asyncio.to_thread(exim.send, "u@down.test")
    connector = EximServer(exim.profile(), {})
    try:
        found = await tracked(connector, recipient="u@down.test")
    finally:
        await connector.close()
    assert [m.queue_ids for m in found] == [(wanted,)]
    assert found[0].recipients[0].status is DeliveryStatus.DEFERRED
    assert all(wanted in line for line in found[0].lines)


class Journal:
    """A server whose log is no file: entries with exact times."""

    def __init__(self, records: Sequence[LogRecord]) -> None:
        self.records = records

    async def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        yield [r for r in self.records if since is None or r.time is None or r.time >= since]

    async def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        yield []

    async def log_place(self, since: datetime | None = None) -> SearchableFiles | None:
        return None


def entry(message: str, second: int) -> LogRecord:
    when = datetime(2026, 11, 25, 12, 0, second, tzinfo=UTC)
    return LogRecord(
        '{"MESSAGE":"…"}', time=when, host="mx1", program="postfix/smtp", pid=7, message=message
    )


async def test_a_journal_is_read_and_its_entries_keep_their_times() -> None:
    source = Journal(
        [
            entry("A1B2C3D4E5: client=x[192.0.2.1]", 1),
            entry("A1B2C3D4E5: message-id=<1@b>", 2),
            entry("A1B2C3D4E5: from=<a@b>, size=9, nrcpt=1 (queue active)", 3),
            entry("A1B2C3D4E5: to=<c@d>, relay=m[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (ok)", 4),
            entry("A1B2C3D4E5: removed", 5),
        ]
    )  # fmt: skip
    (found,) = await tracked(source, recipient="c@d")
    assert found.status is DeliveryStatus.SENT
    assert found.recipients[0].time == datetime(2026, 11, 25, 12, 0, 4, tzinfo=UTC)
    assert len(found.lines) == 5
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert await tracked(source, recipient="c@d", since=later) == []


async def test_too_much_to_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "MOST_READ", 100)
    source = Journal([entry("A1B2C3D4E5: x" * 50, 1)])
    with pytest.raises(UsageError, match="shorter period"):
        await tracked(source, sender="a@b")


def test_who_answers() -> None:
    assert tracker_of(object()) is None
    memory = MemoryServer(replace(profile()), {})
    assert isinstance(tracker_of(memory), LogTracker)
