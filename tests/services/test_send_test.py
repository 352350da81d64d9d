"""The use case of sending a test: lines live, history without secrets, a verdict in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

from smtpadmin.formats.test_message import TestMessage
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SubmissionEndpoint, TranscriptLine
from smtpadmin.services.send_test import TestSender, verdict
from tests.transport.test_smtp import PASSWORD, real_server

MESSAGE = TestMessage("a@b.example", ("c@d.example",))


async def test_lines_come_live_and_the_history_has_no_secret(tmp_path: Path) -> None:
    sender = TestSender(tmp_path / "state" / "sent.jsonl")
    lines: list[TranscriptLine] = []
    sender.line.connect(lines.append)
    async with real_server() as (port, _):
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE, "user")
        result, error = await sender.send(endpoint, PASSWORD, MESSAGE)
    assert error is None
    assert tuple(lines) == result.transcript
    assert verdict(result, error)[0] == "ok"
    written = (tmp_path / "state" / "sent.jsonl").read_text()
    assert json.loads(written)["result"]["queue_id"] == "ABCDEF123456"
    assert PASSWORD not in written
    assert "AUBjb3JyZWN0" not in written
    assert [sent.subject for sent in sender.history] == ["smtpadmin test"]


async def test_verdicts_of_refusals_and_failures() -> None:
    sender = TestSender()
    gone = TestMessage("a@b.example", ("gone@d.example",))
    async with real_server() as (port, _):
        refused = await sender.send(SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE), "", gone)
    tone, words, _ = verdict(*refused)
    assert (tone, words) == ("err", "Refused at rcpt: The recipient's address does not exist")
    failed = await sender.send(SubmissionEndpoint("127.0.0.1", 9, TlsMode.NONE), "", gone)
    tone, words, remedy = verdict(*failed)
    assert words == "Failed at connect: cannot connect (Connection refused)"
    assert "firewalls" in remedy
