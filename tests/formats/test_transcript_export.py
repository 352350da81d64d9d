"""A transcript in three forms, none of which runs or loads anything."""

from __future__ import annotations

import json
import re

import pytest

from smtpadmin.formats.transcript_export import export_transcript, kind_for, text_line
from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp import Reply, SendResult, Stage, TranscriptLine

LINES = (
    TranscriptLine(0.5, "*", "connected"),
    TranscriptLine(1.2, "<", "220 <script>alert(1)</script> \x1b[31m"),
    TranscriptLine(2.0, ">", "MAIL FROM:<a@b>", tls=True),
)
RESULT = SendResult(
    "accepted", Stage.DOT, "<1@b>", "mx:25", Reply(250, "ok"), "ABC", transcript=LINES,
    timings_ms={"connect": 1.0, "dot": 3.0},
)  # fmt: skip


def test_text() -> None:
    text = export_transcript(RESULT, {}, "text")
    assert text.splitlines()[2] == "   0.002 ~> MAIL FROM:<a@b>"
    assert "mx:25: accepted at dot" in text
    assert "connect 1 ms, dot 3 ms" in text
    assert "\x1b" not in text
    assert text_line(LINES[0]) == "   0.001  * connected" or text_line(LINES[0]).endswith(
        "* connected"
    )


def test_html_escapes_all_and_loads_nothing() -> None:
    page = export_transcript(RESULT, {}, "html")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=", page)
    assert "MAIL FROM:&lt;a@b&gt;" in page


def test_json() -> None:
    assert json.loads(export_transcript(RESULT, {"result": "accepted"}, "json")) == {
        "result": "accepted"
    }


@pytest.mark.parametrize(
    ("name", "kind"), [("a.txt", "text"), ("A.JSON", "json"), ("x.y.html", "html")]
)
def test_kinds(name: str, kind: str) -> None:
    assert kind_for(name) == kind


def test_a_name_that_says_nothing() -> None:
    with pytest.raises(UsageError):
        kind_for("transcript")
