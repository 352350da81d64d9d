"""``track`` on files: reports, and logs of formats that have no server here."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smtpadmin.cli.track import command, in_words
from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria
from tests.support.log_writers import WRITERS, Written, mails, write


def track(*arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)), standalone_mode=False)


def saved(folder: Path, name: str, count: int = 5) -> tuple[Path, Written]:
    written = write(name, mails(WRITERS[name], count, 1))
    path = folder / f"{name}.log"
    path.write_text("\n".join(written.lines) + "\n", "utf-8")
    return path, written


@pytest.mark.parametrize("name", sorted(WRITERS))
@pytest.mark.parametrize("log_format", ["auto", None])
def test_a_log_of_every_format(tmp_path: Path, name: str, log_format: str | None) -> None:
    path, written = saved(tmp_path, name)
    done = track("--log", path, "--format", log_format or name, "--year", 2026, "--json", "--lines")
    assert done.return_value == 0
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {tuple(message["lines"]) for message in found} == {
        written.lines_of(mail.number) for mail in written.mails
    }


def test_the_zone_and_year_of_stamps_that_lack_them(tmp_path: Path) -> None:
    path, _ = saved(tmp_path, "sendmail", 1)
    done = track("--log", path, "--tz", "+02:00", "--year", 2024, "--json")
    assert json.loads(done.stdout)["arrived"] == "2024-03-01T12:00:00+02:00"


def test_a_folder_of_several_formats(tmp_path: Path) -> None:
    for name in ("kumomta", "haraka", "ftgate"):
        saved(tmp_path, name)
    done = track("--log", tmp_path, "--json")
    assert len(done.stdout.splitlines()) == 15


@pytest.mark.parametrize("suffix", [".html", ".csv", ".jsonl", ".txt", ".HTML"])
def test_a_report_of_each_kind(tmp_path: Path, suffix: str) -> None:
    log, written = saved(tmp_path, "kumomta")
    report = tmp_path / f"out{suffix}"
    done = track("--log", log, "--report", report, "--lines")
    assert (done.return_value, done.stdout) == (0, "")
    assert f"5 messages written to {report}" in done.stderr
    content = report.read_text("utf-8")
    for mail in written.mails:
        assert all(address in content for address in mail.ends)


def test_a_report_beside_the_objects(tmp_path: Path) -> None:
    log, _ = saved(tmp_path, "kumomta")
    done = track("--log", log, "--report", tmp_path / "out.jsonl", "--json")
    printed, written = done.stdout, (tmp_path / "out.jsonl").read_text("utf-8")
    ids = [
        [json.loads(line)["queue_ids"] for line in text.splitlines()] for text in (printed, written)
    ]
    assert len(ids[0]) == 5
    assert ids[0] == ids[1]


def test_nothing_found_is_a_report_too(tmp_path: Path) -> None:
    log, _ = saved(tmp_path, "kumomta")
    report = tmp_path / "out.html"
    assert track("--log", log, "--to", "nobody@x", "--report", report).return_value == 1
    assert "0 messages" in report.read_text("utf-8")


def test_a_suffix_is_refused_before_the_search(tmp_path: Path) -> None:
    done = track("--log", tmp_path / "absent", "--report", tmp_path / "out.docx")
    assert isinstance(done.exception, UsageError)
    assert "'.docx'" in str(done.exception)


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    log, _ = saved(tmp_path, "kumomta")
    (tmp_path / "file").write_text("")
    done = track("--log", log, "--report", tmp_path / "file" / "out.html")
    assert isinstance(done.exception, StorageError)


def test_criteria_in_words() -> None:
    criteria = TrackCriteria(
        sender="<>", status=DeliveryStatus.SENT, since=datetime(2026, 3, 1, tzinfo=UTC)
    )
    assert in_words(criteria) == "from: <>, status: sent, since: 2026-03-01T00:00:00+00:00"
    assert in_words(TrackCriteria(lines=True)) == "all messages"


def test_a_search_in_an_exim_log_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Starting takes longer than searching a million lines."""
    path = tmp_path / "mainlog"
    path.write_text(
        "2026-03-02 09:44:31 1rABcd-000DEF-99 <= a@example.org H=mx [192.0.2.1] P=esmtp S=812\n"
        '2026-03-02 09:44:33 1rABcd-000DEF-99 => b@example.net R=dns T=smtp H=mx2 [192.0.2.2] C="250 OK"\n'
        "2026-03-02 09:44:33 1rABcd-000DEF-99 Completed\n"
    )
    program = (
        "import sys; from smtpadmin.cli.app import run; code = run(sys.argv[1:]);"
        "needless = {'asyncio', 'ssl', 'msgspec', 'rich', 'numpy', 'tempfile', 'zoneinfo', 'PySide6',"
        " 'smtpadmin.formats.postfix_log', 'smtpadmin.formats.postfix_session',"
        " 'smtpadmin.connectors.api'} & set(sys.modules);"
        "sys.exit(f'loaded {sorted(needless)}' if needless else code)"
    )
    options = ("--tz", "UTC", "--json", "--to", "b@example.net", "--log", str(path))
    done = subprocess.run(
        [sys.executable, "-c", program, "track", *options],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["queue_ids"] == ["1rABcd-000DEF-99"]
