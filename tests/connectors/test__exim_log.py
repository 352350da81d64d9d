"""Three logs as one, on recorded answers; real files are read in test_exim."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smtpadmin.connectors import _exim_log
from smtpadmin.connectors._exim_commands import EximCommands, EximPlace
from smtpadmin.connectors._exim_log import EximLog, _to_midnight
from smtpadmin.model.errors import ServerRefusedError
from smtpadmin.transport.local import LocalRunner
from smtpadmin.transport.scripted import Answer, ScriptedRunner
from smtpadmin.util.tasks import TaskOwner
from tests.support.waiting import until

MAIN = b"""\
2026-03-01 10:00:00 1rABcd-000DEF-99 <= a@b.test H=x [192.0.2.1] P=esmtp S=1
2026-03-01 10:00:05 H=x [192.0.2.1] F=<a@b.test> rejected RCPT <c@d.test>: no
2026-03-01 10:00:05 H=x [192.0.2.1] F=<a@b.test> rejected RCPT <c@d.test>: no
2026-03-01 10:00:09 1rABcd-000DEF-99 Completed
"""
REJECT = b"""\
2026-03-01 10:00:05 H=x [192.0.2.1] F=<a@b.test> rejected RCPT <c@d.test>: no
Envelope-from: <a@b.test>
2026-03-01 10:00:07 only the reject log has this
"""


def scripted(path: bytes = b"/l/%slog", **files: bytes) -> EximLog:
    answers = {
        ("exim9", "-bV"): Answer(b"Exim version 4.96 #2\n"),
        ("exim9", "-bP", "..."): Answer(b"log_file_path = " + path + b"\nspool_directory = /s\n"),
        ("date", "+%z"): Answer(b"+0100\n"),
    }
    for name in ("main", "reject", "panic"):
        listing = f"/l/{name}log\n".encode() if name in files else b""
        argv = ("find", "-L", "/l", "-maxdepth", "1", "-type", "f", "-name", f"{name}log*", "...")
        answers[argv] = Answer(listing)
        answers[("cat", "--", f"/l/{name}log")] = Answer(files.get(name, b""))
    return EximLog(EximCommands(ScriptedRunner(answers), EximPlace("exim9")))


async def raws(log: EximLog, **limits: datetime | None) -> list[str]:
    wanted = {"since": None, "until": None, **limits}
    return [r.raw async for batch in log.read(**wanted) for r in batch]


async def test_they_are_merged_by_time_and_nothing_is_said_twice() -> None:
    lines = await raws(scripted(main=MAIN, reject=REJECT))
    assert [line[:40] for line in lines] == [
        line[:40].decode()
        for line in [
            *MAIN.splitlines()[:3],
            b"Envelope-from: <a@b.test>",
            REJECT.splitlines()[2],
            MAIN.splitlines()[3],
        ]
    ]


async def test_times_are_the_servers_and_limit_what_is_read() -> None:
    log = scripted(main=MAIN)
    since = datetime(2026, 3, 1, 9, 0, 5, tzinfo=UTC)
    assert len(await raws(log, since=since)) == 3
    assert len(await raws(log, until=since)) == 3
    assert await raws(log, since=datetime(2027, 1, 1, tzinfo=UTC)) == []


async def test_syslog_only_is_told() -> None:
    with pytest.raises(ServerRefusedError, match="syslog only"):
        await raws(scripted(b"syslog"))


async def test_a_log_with_the_date_in_its_name_is_followed_into_the_next_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_exim_log, "_to_midnight", lambda now: 0.5)
    program = tmp_path / "exim9"
    program.write_text(
        "#!/bin/sh\ncase $1 in -bV) echo Exim version 4.96;; esac\n"
        f"printf 'log_file_path = {tmp_path}/%%s-%%D.log\\nspool_directory = /s\\n'\n"
    )
    program.chmod(0o755)
    first, second = (tmp_path / f"main-2026030{day}.log" for day in (1, 2))
    first.write_text("2026-03-01 10:00:00 before\n")
    log = EximLog(EximCommands(LocalRunner(), EximPlace(str(program))))
    got: list[str] = []

    async def follow() -> None:
        async for batch in log.follow():
            got.extend(record.message for record in batch)

    owner = TaskOwner("test")
    owner.spawn("follow", follow())
    try:
        await asyncio.sleep(0.3)
        with first.open("a") as file:
            file.write("2026-03-01 23:59:59 the last of a day\n")
        await until(lambda: "the last of a day" in got)
        second.write_text("2026-03-02 00:00:01 the first of a day\n")
        await until(lambda: "the first of a day" in got)
        with second.open("a") as file:
            file.write("2026-03-02 00:00:02 the second\n")
        await until(lambda: "the second" in got, 10)
    finally:
        await owner.close()
    assert got == ["the last of a day", "the first of a day", "the second"]


def test_when_to_look_for_the_next_day() -> None:
    assert _to_midnight(datetime(2026, 3, 1, 23, 0)) == 3_605
    assert _to_midnight(datetime(2026, 3, 1, 0, 0, 10)) == 60


async def test_an_empty_panic_log_and_one_that_is_not_there() -> None:
    assert await scripted().panic_lines() == []
