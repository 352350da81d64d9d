"""``smtpadmin logs parse`` and ``logs --log``: the contract's fields, options and exit codes."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.cli.app import run
from smtpadmin.cli.logs import _follow, _Printer
from smtpadmin.model.errors import LoginError
from smtpadmin.model.filter import Filter
from smtpadmin.model.log import LogRecord

FIELDS = {
    "file", "line", "time", "host", "program", "pid", "level", "queue_id", "event", "fields", "message", "raw",
}  # fmt: skip
LOG = (
    b"Dec 31 23:59:59 mx1 postfix/qmgr[9]: A1B2C3: from=<>, size=1, nrcpt=1 (queue active)\n"
    b"\n"
    b"Jan  1 00:00:02 mx1 postfix/smtpd[7]: warning: caf\xe9\r\n"
    b"Jan  1 00:00:03 mx1 sshd[1]: A1B2C3: removed"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_bytes(LOG)
    os.utime(path, (1767312000, 1767312000))
    return path


class Command:
    def __init__(self, capture: pytest.CaptureFixture[bytes]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        code = run(["logs", *arguments])
        out, problems = self._capture.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], problems.decode()


@pytest.fixture
def logs(capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    return Command(capfdbinary)


def test_one_object_for_every_line(logs: Command, log: Path) -> None:
    code, found, problems = logs("parse", str(log), "--json", "--tz", "+01:00")
    assert (code, problems) == (0, "")
    assert all(set(record) == FIELDS for record in found)
    assert [record["line"] for record in found] == [1, 2, 3, 4]
    assert found[0] == {
        "file": str(log),
        "line": 1,
        "time": "2025-12-31T23:59:59+01:00",
        "host": "mx1",
        "program": "postfix/qmgr",
        "pid": 9,
        "level": None,
        "queue_id": "A1B2C3",
        "event": "queued",
        "fields": {"from": "", "size": 1, "nrcpt": 1},
        "message": "A1B2C3: from=<>, size=1, nrcpt=1 (queue active)",
        "raw": LOG.split(b"\n")[0].decode(),
    }
    assert (found[1]["event"], found[1]["raw"]) == ("other", "")
    assert found[2]["raw"].endswith(r"warning: caf\xe9")
    assert (found[3]["event"], found[3]["queue_id"]) == ("other", None)


def test_year_and_zone(logs: Command, log: Path) -> None:
    _, found, _ = logs("parse", str(log), "--json", "--year", "2019", "--tz", "America/New_York")
    assert [record["time"] for record in found if record["time"]] == [
        "2019-12-31T23:59:59-05:00",
        "2020-01-01T00:00:02-05:00",
        "2020-01-01T00:00:03-05:00",
    ]
    code, _, problems = logs("parse", str(log), "--tz", "Mars/Phobos")
    assert (code, problems.count("\n")) == (2, 1)
    assert "no time zone" in problems


def test_filters_of_field_and_time(logs: Command, log: Path) -> None:
    _, found, _ = logs("--log", str(log), "--json", "--filter", "event:queued")
    assert [record["line"] for record in found] == [1]
    zone = ("--tz", "UTC", "--json", "--log", str(log))
    _, found, _ = logs(*zone, "--since", "2026-01-01T00:00:00Z")
    assert [record["line"] for record in found] == [3, 4]
    _, found, _ = logs(*zone, "--until", "2026-01-01T00:00:00Z")
    assert [record["line"] for record in found] == [1, 2]
    assert logs(*zone, "--filter", "event:none")[0] == 1


def test_files_that_cannot_be_read_leave_the_others_answered(logs: Command, log: Path) -> None:
    (log.parent / "cut.gz").write_bytes(gzip.compress(LOG * 999)[:-9])
    (log.parent / "x.bin").write_bytes(b"\x7fELF\x02\x01\x01\0\0\x03\0\x3e\0\x01\n")
    code, found, problems = logs("parse", str(log.parent), "--json")
    assert code == 5
    assert len(found) > 1_000
    assert sum(record["file"] == str(log) for record in found) == 4
    said = problems.splitlines()
    assert len(said) == 2
    assert any("cut.gz" in line and "cannot be read to its end" in line for line in said)
    assert any("x.bin" in line and "binary" in line for line in said)


def test_a_file_that_is_not_there_leaves_the_others_answered(
    logs: Command, log: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.log"
    for order in ((missing, log), (log, missing)):
        code, found, problems = logs("parse", *map(str, order), "--json")
        assert code == 5
        assert len(found) == 4
        assert f"{missing}: there is no such file" in problems


def test_what_is_not_there(logs: Command, tmp_path: Path) -> None:
    assert logs("parse", str(tmp_path / "none"))[0] == 2
    assert logs("parse", str(tmp_path))[0] == 2
    (tmp_path / "x").write_bytes(b"")
    assert logs("parse", str(tmp_path / "x"), "--json")[:2] == (1, [])
    code, _, problems = logs("parse", str(tmp_path / "x"), "--format", "lotus")
    assert code == 2
    assert "Known formats" in problems


def test_lines_for_people_are_safe(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(b"Jan  1 00:00:03 mx1 sshd[1]: \x1b[31mred\n")
    assert run(["logs", "parse", str(log)]) == 0
    out = capsys.readouterr().out
    assert "red" in out
    assert "\x1b" not in out


class Running:
    """A command in a process of its own, and what it printed so far."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "smtpadmin", "logs", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def next_object(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def stop(self) -> str:
        self.process.terminate()
        return self.process.communicate(timeout=20)[1]


@pytest.mark.timeout(60)
def test_log_files_are_followed(log: Path) -> None:
    running = Running(
        "--log", str(log), "--follow", "--since", "2026-01-01", "--tz", "UTC", "--json"
    )
    assert running.next_object()["time"] == "2026-01-01T00:00:02+00:00"
    assert running.next_object()["raw"].endswith("A1B2C3: removed")
    with log.open("ab") as file:
        file.write(b"\n2026-11-25T12:00:00+00:00 mx1 postfix/qmgr[9]: A1B2C4: removed\n")
    assert running.next_object()["queue_id"] == "A1B2C4"
    assert running.stop() == ""


def test_what_cannot_be_followed(logs: Command, log: Path) -> None:
    for wrong in (
        ("--log", f"{log}.none"),
        ("--log", str(log), "--year", "2020"),
        ("--log", str(log), "--format", "lotus"),
        ("--log", str(log), "--tz", "Mars"),
        ("--log", str(log), "--all"),
    ):
        code, found, problems = logs(*wrong, "--follow", "--json")
        assert (code, found) == (2, [])
        assert problems.count("\n") == 1


def test_a_server_that_refuses_the_login_ends_following() -> None:
    class Refusing:
        async def read_log(
            self, since: object = None, until: object = None
        ) -> AsyncIterator[list[LogRecord]]:
            raise LoginError("the login was refused", where="mx1")
            yield []

        async def follow_log(self) -> AsyncIterator[list[LogRecord]]:
            yield []

    printer = _Printer(Filter(), as_json=True, named=False)
    with pytest.raises(LoginError):
        asyncio.run(_follow("mx1", Refusing(), None, printer))
