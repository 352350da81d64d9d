"""Files of several formats, and files that are no logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.tracking.files import LogTimes
from smtpadmin.tracking.track_logs import by_format, dialect_of, track_files

POSTFIX = "Mar  1 10:00:00 mx1 postfix/smtp[1]: A1B2C3: to=<a@b>, relay=none, dsn=4.0.0, status=deferred (x)\n"
EXIM = '2026-03-01 10:00:00 1rABcd-000DEF-99 => a@b R=r T=t H=mx [192.0.2.9] C="250 OK"\n'


def folder(tmp_path: Path) -> list[Path]:
    contents: dict[str, str | bytes] = {
        "mail.log": POSTFIX,
        "mainlog": EXIM,
        "syslog": "Mar  1 10:00:00 mx1 sshd[1]: hello\n" * 60 + POSTFIX.replace("A1B2C3", "D4E5F6"),
        "picture": b"\x89PNG\0\x01\x02\x03" * 500,
    }
    for name, content in contents.items():
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(raw)
    return [tmp_path / name for name in contents]


def test_each_format_is_searched_in_its_own_way_and_what_is_no_log_is_said(tmp_path: Path) -> None:
    failed: list[UsageError] = []
    criteria = TrackCriteria(recipient="a@b")
    found = track_files(folder(tmp_path), "auto", criteria, LogTimes(year=2026), failed.append)
    assert sorted(m.queue_ids[0] for m in found) == ["1rABcd-000DEF-99", "A1B2C3", "D4E5F6"]
    assert ["picture" in str(error) for error in failed] == [True]


def test_a_limit_holds_over_all_formats(tmp_path: Path) -> None:
    criteria = TrackCriteria(recipient="a@b", limit=2)
    found = track_files(folder(tmp_path), "auto", criteria, LogTimes(year=2026), [].append)
    assert len(found) == 2


def test_a_format_that_is_named_is_used_for_every_file(tmp_path: Path) -> None:
    files = folder(tmp_path)
    assert by_format(files, "postfix", [].append) == {"postfix": files}
    with pytest.raises(UsageError, match="cannot be read yet"):
        by_format(files, "nothing", [].append)


def test_files_of_no_known_format_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "poem"
    path.write_text("roses are red\n" * 20)
    with pytest.raises(UsageError, match="not recognised"):
        track_files([path], "auto", TrackCriteria(), LogTimes(), [].append)


def test_a_log_that_is_still_empty_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "mail.log").touch()
    failed: list[UsageError] = []
    files = [tmp_path / "mail.log"]
    assert track_files(files, "auto", TrackCriteria(), LogTimes(), failed.append) == []
    assert failed == []


@pytest.mark.parametrize("others", [(), ("mainlog",)])
def test_what_cannot_be_read_says_why(tmp_path: Path, others: tuple[str, ...]) -> None:
    folder(tmp_path)
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8b\x08" + bytes(range(200)))
    failed: list[UsageError] = []
    files = [tmp_path / name for name in ("broken.gz", *others)]
    found = track_files(files, "auto", TrackCriteria(), LogTimes(), failed.append)
    assert len(found) == len(others)
    assert [error.where for error in failed] == [str(tmp_path / "broken.gz")]


def test_formats_without_a_dialect() -> None:
    assert dialect_of("haraka") is None
    assert dialect_of("exim") is not None
