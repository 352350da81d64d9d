"""Log files as a server: read, followed across rotation, tracked; a bad file stops no other."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.services import log_files
from smtpadmin.services.log_files import LogFiles, profile_of
from smtpadmin.services.log_follow import LogFollow
from smtpadmin.util.tasks import TaskOwner
from tests.support.waiting import until


def lines(queue_id: str, to: str, second: int) -> bytes:
    head = f"2026-11-25T12:00:{second:02d}+00:00 mx1 postfix/"
    return "".join(
        f"{head}{text}\n"
        for text in (
            f"smtpd[7]: {queue_id}: client=ws7[192.0.2.7]",
            f"cleanup[8]: {queue_id}: message-id=<{queue_id}@example.org>",
            f"qmgr[9]: {queue_id}: from=<a@example.org>, size=812, nrcpt=1 (queue active)",
            f"smtp[10]: {queue_id}: to=<{to}>, relay=mx[192.0.2.9]:25, delay=1, delays=0/0/0/1, "
            "dsn=2.0.0, status=sent (250 ok)",
            f"qmgr[9]: {queue_id}: removed",
        )
    ).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mail.log.2.gz").write_bytes(gzip.compress(lines("A1B2C3D4E5", "old@b.example", 1)))
    (tmp_path / "mail.log").write_bytes(lines("A1B2C3D4E6", "new@b.example", 5))
    return tmp_path


def source(*paths: Path) -> LogFiles:
    return LogFiles(profile_of(paths, zone="UTC"), {})


async def everything(batches: AsyncIterator[Sequence[LogRecord]]) -> list[LogRecord]:
    return [record async for batch in batches for record in batch]


async def test_a_folder_is_one_log_in_order_of_time(folder: Path) -> None:
    logs = source(folder)
    assert (await logs.probe()).facts["Formats"] == "postfix"
    records = await everything(logs.read_log())
    assert len(records) == 10
    assert [r.queue_id for r in records[::5]] == ["A1B2C3D4E5", "A1B2C3D4E6"]
    late = await everything(logs.read_log(until=datetime(2026, 11, 25, 12, 0, 3, tzinfo=UTC)))
    assert len(late) == 5


async def test_a_line_without_a_time_goes_with_the_one_before_it(folder: Path) -> None:
    (folder / "mail.log").write_bytes(
        lines("A1", "a@b.example", 1) + b"\n" + lines("A2", "b@b.example", 5) + b" on\n"
    )
    since = datetime(2026, 11, 25, 12, 0, 3, tzinfo=UTC)
    found = await everything(source(folder).read_log(since))
    assert [r.raw for r in found if r.time is None] == [" on"]
    assert len(found) == 6


async def test_messages_are_tracked_without_a_server(folder: Path) -> None:
    found = [m async for m in source(folder).track(TrackCriteria(recipient="old@b.example"))]
    assert [m.queue_ids for m in found] == [("A1B2C3D4E5",)]


async def test_a_file_that_cannot_be_read_is_told_and_the_others_are_answered(folder: Path) -> None:
    (folder / "cut.log.gz").write_bytes((folder / "mail.log.2.gz").read_bytes()[:-12])
    logs = source(folder)
    records = await everything(logs.read_log())
    assert len(records) >= 10
    assert [Path(error.where).name for error in logs.unread()] == ["cut.log.gz"]


async def test_what_is_no_log_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("nothing of this\nis a mail log\n")
    with pytest.raises(UsageError, match="Known formats: postfix"):
        await source(tmp_path).probe()
    with pytest.raises(UsageError, match="no such file"):
        await source(tmp_path / "gone").probe()


async def test_a_log_that_is_still_empty_is_one(tmp_path: Path) -> None:
    (tmp_path / "mail.log").touch()
    assert (await source(tmp_path).probe()).facts["Formats"] == "not known yet"


async def test_lines_are_followed_through_a_rotation(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "LOOK_EVERY", 0.01)
    path = folder / "mail.log"
    seen: list[LogRecord] = []
    started = asyncio.Event()

    async def follow() -> None:
        following = source(path).follow_log()
        started.set()
        async for batch in following:
            seen.extend(batch)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow())
        await started.wait()
        await asyncio.sleep(0.2)
        added = lines("A1B2C3D4E7", "c@b.example", 9)
        with path.open("ab") as file:
            file.write(added[:-20])
            file.flush()
            await until(lambda: len(seen) == 4)
            file.write(added[-20:])
        await until(lambda: len(seen) == 5)
        path.rename(folder / "mail.log.1")
        path.write_bytes(lines("A1B2C3D4E8", "d@b.example", 10))
        await until(lambda: len(seen) == 10)
        task.cancel()
    assert [r.queue_id for r in seen] == ["A1B2C3D4E7"] * 5 + ["A1B2C3D4E8"] * 5


async def test_following_goes_on_where_reading_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "LOOK_EVERY", 0.01)
    path = folder / "mail.log"
    seen: list[LogRecord] = []
    owner = TaskOwner("test")
    follow = LogFollow(source(folder), seen.extend, wait=0.0, backlog=timedelta(days=36_500))
    owner.spawn("follow", follow.run())
    await until(lambda: len(seen) == 10)
    added = lines("A1B2C3D4E7", "c@b.example", 9)
    with path.open("ab") as file:
        for at in range(0, len(added), 61):  # as it is written: not line by line
            file.write(added[at : at + 61])
            file.flush()
            await asyncio.sleep(0.01)
    await until(lambda: len(seen) >= 15)
    await asyncio.sleep(0.05)
    assert [(Path(r.file or "").name, r.line) for r in seen[5:]] == [
        ("mail.log", number) for number in range(1, 11)
    ]
    assert await owner.close() == ()


def test_a_name_is_not_taken_twice(tmp_path: Path) -> None:
    assert profile_of([tmp_path / "mail.log"]).name == "mail.log"
    assert profile_of([tmp_path / "mail.log"], taken={"mail.log"}).name == "mail.log (2)"


async def test_old_files_are_not_read_for_new_lines(folder: Path) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await everything(source(folder).read_log(since=later)) == []
