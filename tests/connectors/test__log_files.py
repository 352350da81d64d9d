"""Log files by commands, on this computer."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smtpadmin.connectors._log_files import LogFiles
from smtpadmin.model.errors import NotPermittedError, ProtocolError, ServerRefusedError
from smtpadmin.transport.local import LocalRunner
from smtpadmin.transport.scripted import Answer, ScriptedRunner

NOW = datetime.now(UTC)


def put(path: Path, days: float, data: bytes) -> None:
    path.write_bytes(data)
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))


async def lines(files: LogFiles, path: str) -> list[bytes]:
    return [line async for batch in files.lines(path) for line in batch]


async def test_rotated_files_by_age_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "l [1] $(x)"
    folder.mkdir()
    for name, days in {
        "mainlog": 0.0, "mainlog.1": 1, "mainlog.9.gz": 9, "mainlog.10.gz": 10,
        "mainlog-20260101.xz": 30, "mainlogs": 1, "rejectlog": 0, "mainlog~": 1,
    }.items():  # fmt: skip
        put(folder / name, days, b"")
    files = LogFiles(LocalRunner())
    found = await files.rotated(f"{folder}/mainlog", None, NOW)
    assert [Path(name).name for name in found] == [
        "mainlog-20260101.xz", "mainlog.10.gz", "mainlog.9.gz", "mainlog.1", "mainlog",
    ]  # fmt: skip
    recent = await files.rotated(f"{folder}/mainlog", NOW - timedelta(days=5), NOW)
    assert [Path(name).name for name in recent] == ["mainlog.1", "mainlog"]
    assert await files.rotated(f"{tmp_path}/nothing/mainlog", None, NOW) == []


async def test_names_with_a_date(tmp_path: Path) -> None:
    for day, days in (("20260301", 2.0), ("20260302", 1.0)):
        put(tmp_path / f"main-{day}.log", days, b"")
    found = await LogFiles(LocalRunner()).rotated(f"{tmp_path}/main-*.log", None, NOW)
    assert [Path(name).name for name in found] == ["main-20260301.log", "main-20260302.log"]


@pytest.mark.parametrize(
    ("ending", "pack"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)  # fmt: skip
async def test_compressed_files_are_read(tmp_path: Path, ending: str, pack: object) -> None:
    program = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}.get(ending, "cat")
    if shutil.which(program) is None:
        pytest.skip(f"not installed: {program}")
    assert callable(pack)
    path = tmp_path / f"-log{ending}"
    path.write_bytes(pack(b"one\ntwo\xff\n"))
    assert await lines(LogFiles(LocalRunner()), str(path)) == [b"one", b"two\xff"]


async def test_what_may_not_be_read_is_tried_by_sudo_and_then_told() -> None:
    denied = Answer(stderr=b"cat: /l: Permission denied\n", status=1)
    no_sudo = Answer(stderr=b"sudo: a password is required\n", status=1)
    by_sudo = ScriptedRunner({("cat", "--", "/l"): [denied, Answer(b"line\n")]})
    assert await lines(LogFiles(by_sudo), "/l") == [b"line"]
    assert [one.privileged for one in by_sudo.asked] == [False, True]
    with pytest.raises(NotPermittedError) as caught:
        await lines(LogFiles(ScriptedRunner({("cat", "--", "/l"): [denied, no_sudo]})), "/l")
    assert "adm" in caught.value.remedy


async def test_a_program_that_is_missing_or_killed_is_told_and_a_file_that_is_gone_is_not() -> None:
    answers = {
        ("gzip", "-cd", "--", "/l.gz"): Answer(stderr=b"gzip: not found", status=127),
        ("cat", "--", "/killed"): Answer(b"one\n", status=-9),
        ("cat", "--", "/gone"): Answer(stderr=b"cat: /gone: No such file or directory", status=1),
    }
    files = LogFiles(ScriptedRunner(answers))
    with pytest.raises(ServerRefusedError, match="no gzip"):
        await lines(files, "/l.gz")
    with pytest.raises(ProtocolError, match="broke off"):
        await lines(files, "/killed")
    assert await lines(files, "/gone") == []
