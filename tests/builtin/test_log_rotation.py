"""Rotated files move on, are compressed, and survive a crash in between."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from smtpadmin.builtin.log_rotation import LogRotation, log_files


def rotate(rotation: LogRotation, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    rotation.rotate()
    rotation.finish()


def test_the_newest_is_one_and_only_so_many_stay(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    rotation = LogRotation(path, keep=2)
    for content in (b"a\n", b"b\n", b"c\n"):
        rotate(rotation, path, content)
    path.write_bytes(b"d\n")
    files = log_files(path)
    assert [file.name for file in files] == ["mail.log.2.gz", "mail.log.1.gz", "mail.log"]
    assert [gzip.decompress(file.read_bytes()) for file in files[:2]] == [b"b\n", b"c\n"]


def test_what_a_crash_left_uncompressed_is_compressed_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    (tmp_path / "mail.log.1").write_bytes(b"old\n")
    (tmp_path / "mail.log.1.partial").write_bytes(b"half")
    assert [file.name for file in log_files(path)] == ["mail.log.1"]
    rotation = LogRotation(path, keep=3)
    rotation.finish()
    assert [file.name for file in tmp_path.iterdir()] == ["mail.log.1.gz"]


def test_plain_and_compressed_of_one_number_count_once(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    (tmp_path / "mail.log.3").write_bytes(b"x\n")
    (tmp_path / "mail.log.3.gz").write_bytes(gzip.compress(b"x\n"))
    (tmp_path / "mail.log.12.gz").write_bytes(gzip.compress(b"w\n"))
    (tmp_path / "mail.log.bak").write_bytes(b"not ours")
    assert [file.name for file in log_files(path)] == ["mail.log.12.gz", "mail.log.3.gz"]


@pytest.mark.expects_log
def test_a_file_that_cannot_be_compressed_stays_plain(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mail.log"
    (tmp_path / "mail.log.1.partial").mkdir()
    rotate(LogRotation(path, keep=2), path, b"a\n")
    assert [file.name for file in log_files(path)] == ["mail.log.1"]
    assert "stays uncompressed" in caplog.text
