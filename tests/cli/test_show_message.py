"""The views of ``queue show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.cli.show_message import show
from smtpadmin.model.errors import UsageError
from smtpadmin.model.queue import StoredMessage
from tests.formats.test_mime_parts import MIXED

MESSAGE = StoredMessage(
    "A1", "a@b.example", ("c@d.example",), b"Subject: =?utf-8?q?=1B?=x\r\n" + MIXED
)
NONE: dict[str, Any] = dict.fromkeys(("headers", "body", "structure", "raw", "save", "part"))


async def test_json_has_the_views_asked_for(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    await show(MESSAGE, NONE | {"headers": True, "body": True, "structure": True}, True)
    found = json.loads(capfdbinary.readouterr().out)
    assert found.keys() == {
        "queue_id",
        "sender",
        "recipients",
        "headers",
        "body",
        "structure",
        "attachments",
    }
    assert found["headers"][0] == {
        "name": "Subject",
        "value": "\x1bx",
        "raw": "Subject: =?utf-8?q?=1B?=x",
    }
    assert found["body"] == "plain"
    assert [part["part"] for part in found["structure"]["parts"]] == ["1", "2", "3"]
    assert found["attachments"][-1]["name"] == "x.pdf"


async def test_json_without_a_view_is_the_raw_message(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    await show(MESSAGE, NONE, True)
    found = json.loads(capfdbinary.readouterr().out)
    assert found.keys() == {"queue_id", "sender", "recipients", "raw"}
    assert found["raw"].startswith("Subject: =?utf-8?q?=1B?=x\nContent-Type")


async def test_words_for_people_hold_no_control(capsys: pytest.CaptureFixture[str]) -> None:
    await show(
        MESSAGE, NONE | {"headers": True, "structure": True, "raw": True, "body": True}, False
    )
    out = capsys.readouterr().out
    assert "Subject: ␛x" in out
    assert "attachment 3: x.pdf (2 octets)" in out
    assert "\x1b" not in out


async def test_saving(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await show(MESSAGE, NONE | {"save": tmp_path / "a.eml"}, False)
    assert (tmp_path / "a.eml").read_bytes() == MESSAGE.raw
    await show(MESSAGE, NONE | {"save": tmp_path / "a.pdf", "part": "3"}, False)
    assert (tmp_path / "a.pdf").read_bytes() == b"hi"
    assert capsys.readouterr().out == ""
    with pytest.raises(UsageError, match="--save"):
        await show(MESSAGE, NONE | {"part": "3"}, False)
