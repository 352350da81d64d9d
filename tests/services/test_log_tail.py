"""A growing file: every line once, through rotation, truncation and halves of lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.services import log_tail
from smtpadmin.services.log_tail import Tail
from smtpadmin.tracking import log_lines


def parse(line: bytes, *, file: str | None = None, number: int | None = None) -> LogRecord:
    return LogRecord(line.decode("latin-1"), file=file, line=number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.log"


@pytest.fixture
def tail(path: Path) -> Iterator[Tail]:
    tail = Tail(path, parse)
    yield tail
    tail.close()


def new(tail: Tail, most: int = 1_000) -> list[str]:
    found: list[str] = []
    while records := tail.next_records(most):
        assert len(records) <= most
        found += [record.raw for record in records]
    return found


def add(path: Path, octets: bytes) -> None:
    with path.open("ab") as file:
        file.write(octets)


def test_lines_are_numbered_and_come_in_portions(path: Path, tail: Tail) -> None:
    add(path, b"one\r\ntwo\nthree\n")
    assert [(r.raw, r.file, r.line) for r in tail.next_records(2)] == [
        ("one", str(path), 1),
        ("two", str(path), 2),
    ]
    add(path, b"four\n")
    assert [(r.raw, r.line) for r in tail.next_records(9)] == [("three", 3)]
    assert [(r.raw, r.line) for r in tail.next_records(9)] == [("four", 4)]
    assert tail.next_records(9) == []


def test_half_a_line_waits_for_its_end(path: Path, tail: Tail) -> None:
    add(path, b"one\nhalf a")
    assert new(tail) == ["one"]
    assert [(r.raw, r.line) for r in tail.unfinished()] == [("half a", 2)]
    add(path, b" line\nnext\n")
    assert [(r.raw, r.line) for r in tail.next_records(9)] == [("half a line", 2), ("next", 3)]
    assert tail.unfinished() == []


def test_from_the_end_only_what_is_added(path: Path) -> None:
    add(path, b"old\n")
    tail = Tail(path, parse, from_end=True)
    assert new(tail) == []
    add(path, b"new\n")
    assert new(tail) == ["new"]
    tail.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the file is not kept open there")
def test_a_renamed_file_is_read_to_its_end_first(path: Path, tail: Tail) -> None:
    add(path, b"one\n")
    assert new(tail) == ["one"]
    add(path, b"two\nlast words")
    path.rename(path.with_suffix(".1"))
    add(path.with_suffix(".1"), b" of it\n")
    assert new(tail) == ["two", "last words of it"]
    add(path, b"three\n")
    assert new(tail) == ["three"]


@pytest.mark.skipif(sys.platform == "win32", reason="the file is not kept open there")
def test_a_server_writes_on_to_the_renamed_file_until_it_is_told(path: Path, tail: Tail) -> None:
    add(path, b"one\ncut")
    assert new(tail) == ["one"]
    path.rename(path.with_suffix(".1"))
    assert new(tail) == []
    path.touch()
    add(path.with_suffix(".1"), b" off\ntwo\nno end")
    assert new(tail) == ["cut off", "two"]
    add(path, b"three\n")
    records = tail.next_records(1) + tail.next_records(1)
    assert [(r.raw, r.line) for r in records] == [("no end", 4), ("three", 1)]


def test_a_shorter_file_is_read_from_its_beginning(path: Path, tail: Tail) -> None:
    add(path, b"one\ntwo\n")
    assert new(tail) == ["one", "two"]
    path.write_bytes(b"new\n")
    assert new(tail) == ["new"]


def test_a_file_that_is_cut_and_soon_longer_than_before(path: Path, tail: Tail) -> None:
    add(path, b"one\n")
    assert new(tail) == ["one"]
    os.truncate(path, 0)
    assert new(tail) == []
    add(path, b"longer than the first\n")
    assert new(tail) == ["longer than the first"]


def test_a_line_that_was_shown_without_its_end_is_not_shown_again(path: Path, tail: Tail) -> None:
    add(path, b"one\nlast")
    assert new(tail) == ["one"]
    assert [r.raw for r in tail.unfinished()] == ["last"]
    assert tail.unfinished() == []
    add(path, b"\r\nnext\n")
    assert [(r.raw, r.line) for r in tail.next_records(9)] == [("next", 3)]


def test_a_line_that_is_being_written_is_not_shown_in_halves(path: Path, tail: Tail) -> None:
    add(path, b"half")
    assert new(tail) == []
    assert tail.unfinished(quiet=60.0) == []
    if log_tail.KEEPS_OPEN:
        path.rename(path.with_suffix(".1"))
        assert tail.unfinished(quiet=60.0) == []


def test_a_file_that_is_not_there_yet_is_awaited(path: Path, tail: Tail) -> None:
    assert new(tail) == []
    add(path, b"one\n")
    assert new(tail) == ["one"]
    path.unlink()
    assert new(tail) == []
    path.write_bytes(b"two\n")
    assert new(tail) == ["two"]


def test_what_cannot_be_read_is_one_sentence(path: Path, tail: Tail) -> None:
    path.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        tail.next_records(1)


def test_the_middle_of_an_endless_line_is_left_out(
    path: Path, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "MOST_LINE", 10)
    monkeypatch.setattr(log_tail, "MOST_READ", 7)
    add(path, b"x" * 50 + b"\nshort\n")
    assert new(tail) == ["x" * 10 + " [40 more octets]", "short"]


PIECES = st.lists(st.binary(max_size=12) | st.just(b"\n"), max_size=12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES, rotations=st.sets(st.integers(0, 12)), most=st.integers(1, 5))
def test_no_line_is_lost_or_doubled(
    tmp_path: Path, pieces: list[bytes], rotations: set[int], most: int
) -> None:
    path = tmp_path / "log"
    for old in tmp_path.iterdir():
        old.unlink()
    path.touch()
    tail, found, wanted, rest = Tail(path, parse), list[str](), list[bytes](), b""
    for number, piece in enumerate(pieces):
        if number in rotations and log_tail.KEEPS_OPEN:
            add(path, b"\n")
            rest += b"\n"
            found += new(tail, most)
            os.replace(path, tmp_path / f"log.{number}")
            path.touch()
        add(path, piece)
        rest += piece
        found += new(tail, most)
    *wanted, unfinished = rest.split(b"\n")
    assert found == [line.removesuffix(b"\r").decode("latin-1") for line in wanted]
    last = [record.raw for record in tail.unfinished()]
    assert last == ([unfinished.removesuffix(b"\r").decode("latin-1")] if unfinished else [])
    tail.close()
