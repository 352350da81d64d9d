"""What a schedule remembers, after crashes, too."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import StorageError
from smtpadmin.model.repeat import Outcome, Run
from smtpadmin.settings.run_history import RunHistory, _run, as_record

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run(number: int, reply: str = "250 ok") -> Run:
    at = NOW + timedelta(minutes=number)
    return Run(number, at, at, at, Outcome("accepted", "dot", reply, "mx:25", "<1@x>", "Q1", 12.5))


def test_runs_come_back_in_order(tmp_path: Path) -> None:
    history = RunHistory(tmp_path / "folder" / "runs.jsonl")
    assert history.read() == []
    for number in range(5):
        history.append(run(number, 'ü "\n\udcff'))
    assert [r.number for r in RunHistory(tmp_path / "folder" / "runs.jsonl").read()] == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert [r.number for r in history.read(2)] == [3, 4]
    assert history.read(0) == []
    assert (tmp_path / "folder" / "runs.jsonl").stat().st_mode & 0o777 == 0o600
    history.clear()
    assert history.read() == []


def test_it_stays_short(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    history = RunHistory(path, most=10)
    for number in range(100):
        history.append(run(number))
        assert path.read_bytes().count(b"\n") <= 21
    assert [r.number for r in history.read()] == list(range(90, 100))


def test_a_line_that_a_crash_cut_takes_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    history = RunHistory(path)
    history.append(run(1))
    path.write_bytes(path.read_bytes() + b'{"number": 2, "plan')
    history.append(run(3))
    assert [r.number for r in history.read()] == [1, 3]


@given(st.binary(max_size=200) | st.sampled_from([b"[]", b"{}", b'{"number":1}', b"[" * 100_000]))
def test_foreign_lines_are_left_out(line: bytes) -> None:
    assert _run(line) is None


def test_a_record_is_plain(tmp_path: Path) -> None:
    assert as_record(run(1))["planned"] == "2026-03-01T12:01:00+00:00"
    assert as_record(run(1))["outcome"]["queue_id"] == "Q1"


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = RunHistory(tmp_path / "file" / "runs.jsonl")
    with pytest.raises(StorageError):
        history.append(run(1))
    with pytest.raises(StorageError):
        history.clear()


def _append_many(path: Path, first: int) -> None:
    history = RunHistory(path, most=1_000)
    for number in range(first, first + 50):
        history.append(run(number))


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_many, args=(path, n * 50)) for n in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert sorted(r.number for r in RunHistory(path).read()) == list(range(100))
