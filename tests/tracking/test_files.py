"""Logs on disk: formats recognised, every line an object, what cannot be read told and passed by."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.tracking.files import (
    FORMATS,
    LogTimes,
    log_files,
    log_format,
    named_format,
    read_records,
    recognised,
)
from smtpadmin.tracking.log_lines import MOST_LINE

POSTFIX = b"Dec 31 23:59:59 mx1 postfix/qmgr[9]: A1B2C3: removed\n"
LATER = b"Jan  1 00:00:02 mx1 postfix/qmgr[9]: A1B2C4: removed\n"
EXIM = b"2026-03-02 09:44:33 1rABcd-000DEF-99 Completed\n"


def write(path: Path, text: bytes, when: datetime = datetime(2026, 1, 2, tzinfo=UTC)) -> Path:
    path.write_bytes(text)
    os.utime(path, (when.timestamp(), when.timestamp()))
    return path


def test_each_file_is_read_in_its_own_format(tmp_path: Path) -> None:
    write(tmp_path / "a.log", POSTFIX + b"\nforeign\n")
    write(tmp_path / "b.log", EXIM)
    write(tmp_path / "c.log", b"Dec 31 23:59:59 mx1 sshd[1]: x\n")
    found = list(read_records(log_files([tmp_path]), None))
    assert [(r.event, r.queue_id, r.line) for r in found] == [
        ("removed", "A1B2C3", 1),
        ("other", None, 2),
        ("other", None, 3),
        ("removed", "1rABcd-000DEF-99", 1),
        ("other", None, 1),
    ]
    assert found[-1].program == "sshd"


def test_the_year_from_the_last_change_or_as_given(tmp_path: Path) -> None:
    files = [write(tmp_path / "mail.log.1", POSTFIX), write(tmp_path / "mail.log", LATER)]
    counted = [r.time for r in read_records(files, None, LogTimes(UTC))]
    assert counted == [
        datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC),
    ]
    given = [r.time for r in read_records(files, None, LogTimes(ZoneInfo("Europe/Berlin"), 2019))]
    assert [t.isoformat() for t in given if t] == [
        "2019-12-31T23:59:59+01:00",
        "2020-01-01T00:00:02+01:00",
    ]


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "a.log", POSTFIX)
    write(tmp_path / "b.gz", gzip.compress(POSTFIX * 2000)[:-9])
    write(tmp_path / "c.bin", b"\x7fELF\x02\x01\x01\0\0\x03\0\x3e\0\x01\n")
    write(tmp_path / "d.log", LATER)
    failed: list[UsageError] = []
    found = list(read_records(log_files([tmp_path]), None, None, failed.append))
    assert {error.where for error in failed} == {str(tmp_path / "b.gz"), str(tmp_path / "c.bin")}
    assert found[0].queue_id == "A1B2C3"
    assert found[-1].queue_id == "A1B2C4"
    assert len(found) > 1000
    with pytest.raises(UsageError, match="binary"):
        list(read_records([tmp_path / "c.bin"], None))


def test_a_line_that_is_too_long_is_one_object_and_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "x", POSTFIX + b"y" * (MOST_LINE + 5) + b"\n" + LATER)
    found = list(read_records([path], None))
    assert [r.line for r in found] == [1, 2, 3]
    assert found[1].raw.endswith("y [5 more octets]")


def test_names_of_formats() -> None:
    assert named_format("exim") is FORMATS["exim"]
    with pytest.raises(UsageError, match=r"Known formats: .*postfix"):
        named_format("lotus")


def test_recognition(tmp_path: Path) -> None:
    assert recognised(b"") is None
    assert recognised(b"foreign\n" * 9 + EXIM) == "exim"
    assert recognised(POSTFIX + EXIM * 2) == "exim"
    assert log_format("auto", [write(tmp_path / "a", EXIM)]) is FORMATS["exim"]
    with pytest.raises(UsageError, match="not recognised"):
        log_format("auto", [write(tmp_path / "b", b"hello\n")])


def test_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        log_files([tmp_path / "none"])
    with pytest.raises(UsageError, match="holds no file"):
        log_files([tmp_path])
    path = write(tmp_path / "a", b"")
    assert log_files([path, tmp_path]) == [path]
    assert list(read_records([path], None)) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="a pipe or a device"):
        log_files([tmp_path / "pipe"])


def test_a_folder_that_may_not_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        log_files([tmp_path])
