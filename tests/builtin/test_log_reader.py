"""The log is read back in order, over all its files."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smtpadmin.builtin import log_reader
from smtpadmin.builtin.log_reader import read_records
from smtpadmin.builtin.maillog import MailLog

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Twelve events, one a minute, over three files; even ones are of message E."""
    now = [START]
    log = MailLog(tmp_path / "mail.log", "h", rotate_at=600, clock=lambda: now[0])
    for number in range(12):
        log.write("x", queue_id="E" if number % 2 == 0 else "O", n=number)
        now[0] += timedelta(minutes=1)
        log.flush()
    log.close()
    assert len(list(tmp_path.glob("*.gz"))) == 2
    return log.path


def numbers(*arguments: object, **criteria: object) -> list[object]:
    return [record.fields["n"] for record in read_records(*arguments, **criteria)]


def test_everything_is_there_the_oldest_first(path: Path) -> None:
    assert numbers(path) == list(range(12))


def test_a_record_knows_its_file_and_line(path: Path) -> None:
    first = next(read_records(path))
    assert (first.file, first.line) == ("mail.log.2.gz", 1)


def test_a_time_range_includes_both_ends(path: Path) -> None:
    since, until = START + timedelta(minutes=3), START + timedelta(minutes=8)
    assert numbers(path, since=since, until=until) == [3, 4, 5, 6, 7, 8]


def test_one_queue_id_alone(path: Path) -> None:
    assert numbers(path, queue_id="E") == [0, 2, 4, 6, 8, 10]


def test_lines_that_tell_of_messages_alone(tmp_path: Path) -> None:
    log = MailLog(tmp_path / "mail.log", "h")
    for event, queue_id in (("connect", None), ("reject", None), ("queued", "A"), ("auth", None)):
        log.write(event, queue_id=queue_id)
    log.close()
    found = [record.event for record in read_records(log.path, of_messages=True)]
    assert found == ["reject", "queued"]


def test_a_file_that_ended_before_is_not_read(path: Path) -> None:
    for file in path.parent.glob("*.gz"):
        file.write_bytes(b"never read")
    assert numbers(path, since=datetime.now(UTC) + timedelta(days=1)) == []


@pytest.mark.expects_log
def test_a_damaged_file_gives_what_it_holds(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    newest = path.with_name("mail.log.1.gz")
    newest.write_bytes(newest.read_bytes()[:-20])
    found = numbers(path)
    assert found[:5] == [0, 1, 2, 3, 4]
    assert found[-1] == 11
    assert "mail.log.1.gz cannot be read after line" in caplog.text


def test_a_rotation_while_reading_neither_hides_nor_doubles(path: Path) -> None:
    reading = read_records(path)
    first = next(reading)
    log = MailLog(path, "h", rotate_at=1)
    log.write("x", n=12)
    log.close()
    assert path.with_name("mail.log.3.gz").exists()
    assert [first.fields["n"], *(record.fields["n"] for record in reading)] == list(range(13))


def test_a_file_that_moves_before_it_is_opened_makes_us_list_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = log_reader.log_files
    answers = iter([[*real(path), path.with_name("mail.log.9.gz")]])
    monkeypatch.setattr(log_reader, "log_files", lambda path: next(answers, None) or real(path))
    assert numbers(path) == list(range(12))


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    assert list(read_records(tmp_path / "mail.log")) == []


def test_a_line_without_a_time_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_bytes(b"panic\n")
    (tmp_path / "mail.log.1.gz").write_bytes(gzip.compress(b"\xff\n"))
    found = [record.raw for record in read_records(tmp_path / "mail.log", since=START)]
    assert found == ["\\xff", "panic"]
