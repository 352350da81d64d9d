"""The use case of sending a test: lines live, history without secrets, a verdict in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.smtp import SendResult, SubmissionEndpoint, TranscriptLine
from smtpadmin.services.send_test import TestSender, verdict
from smtpadmin.transport.smtp_endpoint import plan_of
from smtpadmin.transport.smtp_run import Secrets
from tests.support.smtp_server import PASSWORD, real_server


async def send(
    sender: TestSender, port: int, to: str = "c@d.example", user: str = ""
) -> tuple[SendResult, SmtpadminError | None]:
    plan = plan_of(SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE, user))
    return await sender.send_recipe(Recipe(Letter("a@b.example", (to,)), plan), Secrets(PASSWORD))


async def test_lines_come_live_and_the_history_has_no_secret(tmp_path: Path) -> None:
    sender = TestSender(tmp_path / "state" / "sent.jsonl")
    lines: list[TranscriptLine] = []
    sender.line.connect(lines.append)
    async with real_server() as (port, _):
        result, error = await send(sender, port, user="user")
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
    async with real_server() as (port, _):
        refused = await send(sender, port, "gone@d.example")
    tone, words, _ = verdict(*refused)
    assert (tone, words) == ("err", "Refused at rcpt: The recipient's address does not exist")
    failed = await send(sender, 9)
    tone, words, remedy = verdict(*failed)
    assert words == "Failed at connect: cannot connect (Connection refused)"
    assert "firewalls" in remedy
