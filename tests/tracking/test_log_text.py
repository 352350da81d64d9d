"""Several files as one text: places, line ends, compressed files, files that change or vanish."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from smtpadmin.tracking.log_text import SHIFT, LogFile, LogText, open_text


def lines_of(text: LogText) -> list[bytes]:
    found: list[bytes] = []
    for number, low, high in text.spans():
        at = low
        while at < high:
            start, line = text.line_at(number << SHIFT | at)
            assert start == number << SHIFT | at
            found.append(line)
            at += len(line) + 1
    return found


def test_lines_never_cross_from_one_file_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"one\ntwo")
    (tmp_path / "2").write_bytes(b"three\n" + b"x" * 20_000 + b"\nfour\n")
    text = open_text([tmp_path / "1", tmp_path / "2"])
    assert lines_of(text) == [b"one", b"two", b"three", b"x" * 20_000, b"four"]
    assert text.line_at(1 << SHIFT | 15_000) == (1 << SHIFT | 6, b"x" * 20_000)
    text.close()


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("gz", gzip.compress),
        ("xz", lzma.compress),
        ("bz2", bz2.compress),
        ("zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_compressed_files_are_read_whatever_they_are_called(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "mail.log.1"
    path.write_bytes(pack(b"one\ntwo\n" * 5000))
    text = open_text([path])
    assert lines_of(text)[-2:] == [b"one", b"two"]
    assert text.problems() == []
    text.close()


def test_of_a_cut_gzip_file_the_beginning_is_read_and_the_fault_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mail.log.gz"
    path.write_bytes(gzip.compress(os.urandom(50_000).hex().encode() + b"\nlast\n")[:-9000])
    text = open_text([path])
    assert len(lines_of(text)[0]) > 10_000
    assert "cannot be read to its end" in str(text.problems()[0])
    text.close()


def test_a_file_that_shrinks_while_it_is_read_gives_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(b"line\n" * 1000)
    text = open_text([path])
    assert text.files[0].size() == 5000
    os.truncate(path, 100)
    assert text.files[0].read(0, 5000) == b"line\n" * 20
    assert "shorter" in str(text.problems()[0])
    text.close()


def test_a_file_that_vanished_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"line\n")
    text = open_text([tmp_path / "gone", tmp_path / "there"])
    assert lines_of(text) == [b"line"]
    assert "gone" in str(text.problems()[0])
    text.close()


def test_a_file_last_changed_long_before_need_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"x")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    file = open_text([path]).files[0]
    assert file.changed_before(datetime(2026, 1, 1, tzinfo=UTC))
    assert not file.changed_before(datetime(2023, 11, 15, tzinfo=UTC))


@pytest.mark.parametrize("missing", [("pread", "preadv"), ("preadv",)])
def test_a_system_without_positioned_reads_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    path = tmp_path / "log"
    path.write_bytes(bytes(range(200)))
    for name in missing:
        monkeypatch.delattr(os, name)
    file, buffer = LogFile(path), bytearray(64)
    assert file.read(10, 20) == bytes(range(10, 20))
    assert file.read_into(buffer, 150) == 50
    assert bytes(buffer[:50]) == bytes(range(150, 200))
    file.close()
