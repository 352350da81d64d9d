"""Three logs as one, on recorded answers; real files are read in test_exim."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smtpadmin.connectors._exim_commands import EximCommands, EximPlace
from smtpadmin.connectors._exim_log import EximLog
from smtpadmin.model.errors import ServerRefusedError
from smtpadmin.transport.scripted import Answer, ScriptedRunner

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


async def test_an_empty_panic_log_and_one_that_is_not_there() -> None:
    assert await scripted().panic_lines() == []
