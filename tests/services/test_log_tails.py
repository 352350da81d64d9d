"""Files that grow, come, go and turn into others: each line once, in its format and of its year."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.services import log_tails
from smtpadmin.services.log_tail import KEEPS_OPEN
from smtpadmin.services.log_tails import Tails
from smtpadmin.tracking.files import log_files

EXIM = b"2026-03-02 09:44:33 1rABcd-000DEF-99 Completed\n"
renamed_while_open = pytest.mark.skipif(not KEEPS_OPEN, reason="not possible on this system")


def add(path: Path, *words: str) -> None:
    with path.open("ab") as file:
        file.writelines(f"Nov 25 12:00:00 mx1 postfix/qmgr[9]: {w}\n".encode() for w in words)


def records(tails: Tails) -> list[LogRecord]:
    found: list[LogRecord] = []
    while True:
        more, fault = tails.next_records(3)
        if fault:
            raise fault
        if not more:
            return found
        found += more


def new(tails: Tails) -> list[str]:
    return [record.message for record in records(tails)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add(tmp_path / "mail.log.1", "yesterday")
    add(tmp_path / "mail.log", "old")
    add(tmp_path / "mail.err", "old error")
    return tmp_path


@pytest.fixture
def tails(folder: Path) -> Iterator[Tails]:
    made = Tails([folder], "auto", UTC)
    made.add(log_files([folder]))
    assert sorted(new(made)) == ["old", "old error"]
    yield made
    made.close()


def test_every_log_of_a_folder_is_followed(folder: Path, tails: Tails) -> None:
    add(folder / "mail.log", "one")
    add(folder / "mail.err", "two")
    add(folder / "mail.log.1", "not the newest of its log")
    assert sorted(new(tails)) == ["one", "two"]


def test_files_that_come_are_followed_from_their_beginning(folder: Path, tails: Tails) -> None:
    add(folder / "mail.warn", "first", "second")
    (folder / "photo.png").write_bytes(bytes(range(256)) * 8)
    (folder / "mail.log.2.gz").touch()
    (folder / "mail.log.2.gz").write_bytes(gzip.compress(b"packed\n"))
    assert new(tails) == []
    tails.look_for_files()
    assert new(tails) == ["first", "second"]
    tails.look_for_files()
    assert new(tails) == []


def test_the_next_days_file_takes_the_place_of_the_last(tmp_path: Path) -> None:
    add(tmp_path / "mail-20261125", "old")
    tails = Tails([tmp_path], "auto", UTC)
    tails.add(log_files([tmp_path]))
    add(tmp_path / "mail-20261125", "last")
    assert new(tails) == ["old", "last"]
    add(tmp_path / "mail-20261125", "last of it")
    add(tmp_path / "mail-20261126", "next", "and next")
    (tmp_path / "mail-20261125.gz").write_bytes(gzip.compress(b"packed\n"))
    add(tmp_path / "mail-20261127", "after that")
    tails.look_for_files()
    add(tmp_path / "mail-20261127", "and on")
    assert new(tails) == ["last of it", "next", "and next", "after that", "and on"]
    tails.look_for_files()
    assert new(tails) == []
    assert tails.tail(tmp_path / "mail-20261125") is None
    assert tails.tail(tmp_path / "mail-20261126") is None
    tails.close()


@renamed_while_open
def test_a_look_between_the_steps_of_a_rotation_reads_nothing_twice(
    folder: Path, tails: Tails
) -> None:
    (folder / "mail.log.1").rename(folder / "mail.log.2")
    (folder / "mail.log").rename(folder / "mail.log.1")
    tails.look_for_files()
    add(folder / "mail.log.1", "late")
    assert new(tails) == ["late"]
    add(folder / "mail.log", "fresh")
    tails.look_for_files()
    assert new(tails) == ["fresh"]


def test_copytruncate(folder: Path, tails: Tails) -> None:
    shutil.copy(folder / "mail.log", folder / "mail.log.1")
    os.truncate(folder / "mail.log", 0)
    tails.look_for_files()
    assert new(tails) == []
    add(folder / "mail.log", "now longer than it was before it was cut")
    assert new(tails) == ["now longer than it was before it was cut"]


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links")
def test_a_link_that_is_switched(tmp_path: Path) -> None:
    add(tmp_path / "a", "of a")
    add(tmp_path / "b", "of b")
    link = tmp_path / "current"
    link.symlink_to("a")
    tails = Tails([link], "auto", UTC)
    tails.add([link])
    assert new(tails) == ["of a"]
    (tmp_path / "other").symlink_to("b")
    (tmp_path / "other").replace(link)
    tails.look_for_files()
    assert new(tails) == ["of b"]
    tails.close()


def test_an_empty_file_is_read_in_the_format_of_its_first_lines(tmp_path: Path) -> None:
    path = tmp_path / "mainlog"
    path.touch()
    tails = Tails([path], "auto", UTC)
    tails.add([path])
    assert records(tails) == []
    path.write_bytes(b"\n" + EXIM)
    assert [(r.event, r.queue_id) for r in records(tails)][1] == ("removed", "1rABcd-000DEF-99")
    tails.close()


def test_a_log_that_is_followed_for_days_has_the_year_of_today(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = datetime(2026, 11, 24, 12, tzinfo=UTC)
    for path in folder.iterdir():
        os.utime(path, (written.timestamp(), written.timestamp()))
    tails = Tails([folder], "auto", UTC)
    tails.add(log_files([folder]), from_end=True)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return written + timedelta(days=90)

    monkeypatch.setattr(log_tails, "datetime", Clock)
    with (folder / "mail.log").open("ab") as file:
        file.write(b"Feb 22 12:00:00 mx1 postfix/qmgr[9]: A1B2C3D4E5: removed\n")
    assert [r.time for r in records(tails)] == [datetime(2027, 2, 22, 12, tzinfo=UTC)]
    tails.close()


def test_a_file_that_cannot_be_read_any_more_stops_no_other(folder: Path, tails: Tails) -> None:
    (folder / "mail.err").unlink()
    (folder / "mail.err").mkdir()
    tails.close()
    add(folder / "mail.log", "one")
    found, fault = tails.next_records(9)
    assert [record.message for record in found] == ["one"]
    assert isinstance(fault, UsageError)


def test_a_line_without_its_end_is_shown_when_nothing_more_comes(
    folder: Path, tails: Tails
) -> None:
    path = folder / "mail.log"
    with path.open("ab") as file:
        file.write(b"no end")
    assert new(tails) == []
    quiet = time.time() - 2 * log_tails.QUIET
    os.utime(path, (quiet, quiet))
    assert [r.raw for r in records(tails)] == ["no end"]
    assert records(tails) == []
    with path.open("ab") as file:
        file.write(b"\nnext\n")
    assert [(r.raw, r.line) for r in records(tails)] == [("next", 3)]


def test_only_so_many_files_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tails, "MOST_FOLLOWED", 2)
    for number in range(4):
        path = tmp_path / f"log{number}"
        add(path, str(number))
        os.utime(path, (number, number))
    tails = Tails([tmp_path], "auto", UTC)
    tails.add(log_files([tmp_path]))
    assert new(tails) == ["2", "3"]
    add(tmp_path / "log0", "woken")
    tails.look_for_files()
    add(tmp_path / "log0", "again")
    assert new(tails) == ["again"]
    tails.close()


def test_files_that_stay_away_are_missed(folder: Path, tails: Tails) -> None:
    shutil.rmtree(folder)
    assert tails.look_for_files() is None
    fault = tails.look_for_files()
    assert fault is not None
    assert "no such file" in str(fault)
    folder.mkdir()
    add(folder / "mail.log", "back")
    assert tails.look_for_files() is None
    assert new(tails) == ["back"]
