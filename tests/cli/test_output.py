"""What commands print: JSON of the contract, tables that hostile text cannot break."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from smtpadmin.cli import output
from smtpadmin.cli.output import (
    asynchronous,
    gather_named,
    note,
    plain,
    print_json,
    print_json_lines,
    print_table,
)
from smtpadmin.model.queue import QueueAction, QueueEntry, QueueRecipient


def test_a_model_object_becomes_one_json_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    print_json(QueueEntry("A1", "hold", when, 5, "", (QueueRecipient("ü@b.example"),)))
    out = capfdbinary.readouterr().out
    assert out.count(b"\n") == 1
    read = json.loads(out)
    assert read["arrived"] == "2026-03-01T12:00:00+00:00"
    assert read["recipients"] == [{"address": "ü@b.example", "reason": None, "delivered": False}]
    assert read["sender"] == ""


def test_many_objects_are_written_as_few_are(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    cet = when.astimezone(timezone(timedelta(hours=1)))
    entries = [
        QueueEntry("A1", "hold", moment, 5, "", (QueueRecipient("ü\ud800@b.example"),))
        for moment in (when, cet, when.replace(tzinfo=None), None)
    ]
    written = []
    for few in (200, 0):
        monkeypatch.setattr(output, "FEW", few)
        print_json_lines(entries)
        written.append(capfdbinary.readouterr().out)
    assert written[0] == written[1]
    assert json.loads(written[0].splitlines()[1])["arrived"] == "2026-03-01T13:00:00+01:00"


def test_enums_sets_and_mappings_are_plain() -> None:
    value = plain({"a": QueueAction.HOLD, "b": (1, None)})
    assert value == {"a": "hold", "b": [1, None]}


def test_a_table_shows_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["Queue ID"], [["\x1b[31mred"], [None]])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "␛[31mred" in out


def test_a_pipe_gets_each_row_whole_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "connect to mx.example.org[192.0.2.1]:25: Connection refused " * 5
    print_table(["Queue ID", "Reason"], [["4jZVcz0xF3zJB2n", reason], ["B", "x"]])
    lines = [line for line in capsys.readouterr().out.splitlines() if reason.strip() in line]
    assert len(lines) == 1
    assert "4jZVcz0xF3zJB2n" in lines[0]


def test_notes_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    note("two\nlines")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "smtpadmin: two␊lines\n"


def test_a_coroutine_function_becomes_a_command() -> None:
    async def double(x: int) -> int:
        return 2 * x

    assert asynchronous(double)(4) == 8


async def test_one_that_fails_does_not_stop_the_others() -> None:
    async def good() -> int:
        return 1

    async def bad() -> int:
        raise OSError("down")

    results = await gather_named({"a": good(), "b": bad()})
    assert results["a"] == 1
    assert isinstance(results["b"], OSError)
