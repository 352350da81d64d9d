"""``smtpadmin explain`` keeps its contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smtpadmin.cli.app import run
from tests.formats.test_bounce import DSN

FIELDS = {"kind", "message_id", "recipients", "reason", "who_acts", "summary", "remedy"}
RECIPIENT = {"address", "action", "status", "reply_code", "reason", "permanent", "diagnostic"}


def test_a_reply(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["explain", "452 4.2.2 mailbox full", "--json"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert found.keys() >= FIELDS
    assert (found["kind"], found["reason"], found["who_acts"]) == (
        "reply",
        "mailbox-full",
        "recipient",
    )


def test_a_bounce_file(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "x.eml").write_bytes(DSN)
    assert run(["explain", "--file", str(tmp_path / "x.eml"), "--json"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert found["recipients"][0].keys() == RECIPIENT
    assert found["recipients"][0]["reply_code"] == 550


def test_words_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "550 5.1.1 no\x1b[31m"]) == 0
    out = capsys.readouterr().out
    assert "address does not exist" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("arguments", [[], ["x", "--file", "y"], ["--file", "/nowhere.eml"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *arguments]) == 2
    assert capsys.readouterr().err
