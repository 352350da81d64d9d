"""The search on the server, by real grep and awk, gives what the search of the same files here gives."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path

import pytest

from benchmarks.make_exim_log import EximWorld
from benchmarks.make_log import ALL, World, write
from smtpadmin.model.errors import NotPermittedError, UsageError
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking import search
from smtpadmin.tracking.log_text import open_text
from smtpadmin.tracking.push_down import track_remote
from smtpadmin.tracking.track_logs import dialect_of
from smtpadmin.transport.local import LocalRunner
from smtpadmin.util.tasks import TaskOwner


async def there(files: list[Path], kind: str, criteria: TrackCriteria) -> list[TrackedMessage]:
    runner = LocalRunner()
    try:
        names = [str(path) for path in files]
        return [m async for m in track_remote(runner, names, kind, criteria)]
    finally:
        await runner.close()


def here(files: list[Path], kind: str, criteria: TrackCriteria) -> list[TrackedMessage]:
    dialect = dialect_of(kind)
    assert dialect is not None
    text = open_text(files)
    try:
        return search.find(text, dialect, criteria)
    finally:
        text.close()


def told(messages: list[TrackedMessage]) -> list[tuple[object, ...]]:
    return sorted((m.lines, m.queue_ids, m.status.value, len(m.recipients)) for m in messages)


@pytest.fixture(scope="module")
def postfix(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], World]:
    """A log rotated twice in the middle of messages, its oldest part compressed."""
    folder = tmp_path_factory.mktemp("postfix")
    world = World(5, gap=1.0)
    whole = folder / "whole"
    write(whole, world, 12_000)
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.unlink()
    files = [folder / "mail.log.2.gz", folder / "mail.log.1", folder / "it's a $(log)"]
    files[0].write_bytes(gzip.compress(b"".join(lines[:4000])))
    files[1].write_bytes(b"".join(lines[4000:8000]))
    files[2].write_bytes(b"".join(lines[8000:]))
    return files, world


async def test_the_server_finds_what_we_find(postfix: tuple[list[Path], World]) -> None:
    files, world = postfix
    chosen = {truth.scenario: truth for truth in world.truths if truth.recipients}
    assert {name.partition(",")[0] for name in chosen} == set(ALL) - {"noise"}
    for truth in chosen.values():
        criteria = TrackCriteria(recipient=next(iter(truth.recipients)).upper(), lines=True)
        found = told(await there(files, "postfix", criteria))
        assert found == told(here(files, "postfix", criteria)), truth
        assert tuple(truth.lines) in [lines for lines, *_ in found], truth


async def test_a_message_of_which_a_whole_file_says_nothing_is_found(tmp_path: Path) -> None:
    def lines(*texts: str) -> str:
        return "".join(f"Mar  1 00:00:00 mx1 postfix/{text}\n" for text in texts)

    files = [tmp_path / f"mail.log.{number}" for number in range(4)]
    files[0].write_text(lines("smtpd[1]: A1B2C3: client=c[192.0.2.1]"))
    for silent in files[1:3]:
        silent.write_text(lines("smtpd[1]: connect from c[192.0.2.1]"))
    files[3].write_text(
        lines("smtp[1]: A1B2C3: to=<a@b.example>, relay=none, dsn=4.0.0, status=deferred (x)")
    )
    files.append(tmp_path / "mail.log.4")
    files[4].write_text(lines("smtpd[1]: connect from c[192.0.2.1]"))
    files.append(tmp_path / "mail.log.5")
    files[5].write_text(lines("qmgr[1]: A1B2C3: removed"))
    (found,) = await there(files, "postfix", TrackCriteria(recipient="a@b.example", lines=True))
    assert len(found.lines) == 3


async def test_exim_logs_too(tmp_path: Path) -> None:
    path = tmp_path / "mainlog"
    world = EximWorld(5, gap=1.0, long_ids=None)
    write(path, world, 3000)
    chosen = {truth.scenario: truth for truth in world.truths}
    for truth in chosen.values():
        criteria = TrackCriteria(sender=truth.sender, lines=True)
        found = await there([path], "exim", criteria)
        assert told(found) == told(here([path], "exim", criteria)) != [], truth


async def test_many_hits_are_found_in_passes_over_the_whole_log(
    postfix: tuple[list[Path], World],
) -> None:
    files, _ = postfix
    criteria = TrackCriteria(recipient="*@dom1*", lines=True)
    found = await there(files, "postfix", criteria)
    assert len(found) > 400
    assert told(found) == told(here(files, "postfix", criteria))


@pytest.mark.parametrize(
    "text", ["$(touch HERE)@x", "`touch HERE`@x", "'; touch HERE; '@x", "-e@x", "[a].@x", "a\\@x"]
)
async def test_what_is_looked_for_is_never_a_command(
    tmp_path: Path, text: str, postfix: tuple[list[Path], World]
) -> None:
    path = tmp_path / "mail.log"
    where = text.replace("HERE", str(tmp_path / "made"))
    path.write_text(
        f"Mar  1 00:00:00 mx1 postfix/smtp[1]: A1B2C3: to=<{where}>, relay=none, dsn=4.0.0, status=deferred (x)\n"
    )
    found = await there([path, *postfix[0]], "postfix", TrackCriteria(recipient=where))
    assert [m.queue_ids for m in found] == [("A1B2C3",)]
    assert not (tmp_path / "made").exists()


async def test_a_line_feed_is_refused() -> None:
    with pytest.raises(UsageError):
        await there([Path("/x")], "postfix", TrackCriteria(recipient="a@b\n/etc/passwd"))


async def test_files_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    with pytest.raises(NotPermittedError):
        await there([tmp_path / "gone"], "postfix", TrackCriteria(recipient="a@b.example"))


async def test_leaving_ends_the_work_there(tmp_path: Path) -> None:
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    owner = TaskOwner("test")
    criteria = TrackCriteria(recipient="a@b.example")
    owner.spawn("track", there([fifo], "postfix", criteria))
    await asyncio.sleep(0.5)
    assert readers(fifo)
    await owner.close()
    for _ in range(50):
        if not readers(fifo):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"still there: {readers(fifo)}")


def readers(path: Path) -> list[str]:
    """Processes that name the file, or wait for it as the script's grep does."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(path).encode() in process.read_bytes():
                found.append(process.parent.name)
        except OSError:
            continue
    return found
