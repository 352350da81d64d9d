"""One message: its entry, its octets, its delivery sessions; and putting a copy back."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from smtpadmin.builtin.config import Limits
from tests.support.admin_server import RunningServer, running_server

RAW = b"From: anna@acme.example\r\nSubject: Copy\r\n\r\nKept.\r\n"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningServer]:
    limits = Limits(message_size=2_000, recipients=3)
    async with running_server(tmp_path, limits=limits) as found:
        yield found


async def test_the_entry_is_the_one_of_the_listing(running: RunningServer) -> None:
    queue_id = await running.send_deferred()
    assert await running.get(f"/v1/messages/{queue_id}") == await running.entry(queue_id)


async def test_octets_come_with_their_envelope(running: RunningServer) -> None:
    queue_id = await running.send_deferred()
    async with running.http.get(f"/v1/messages/{queue_id}/raw") as answer:
        assert answer.content_type == "message/rfc822"
        body = await answer.read()
        envelope = json.loads(base64.b64decode(answer.headers["X-Envelope"]))
    assert body.endswith(b"\r\n\r\nHi.\r\n")
    assert f"id {queue_id}".encode() in body
    assert envelope == {"sender": "anna@acme.example", "recipients": ["ops@branch-7.example"]}


async def test_sessions_have_transcripts(running: RunningServer) -> None:
    queue_id = await running.send_deferred()
    (attempt,) = await running.get(f"/v1/messages/{queue_id}/attempts")
    assert attempt["relay"] == "127.0.0.1:1"
    assert "Connection refused" in attempt["outcome"]
    assert [(line[1], line[3]) for line in attempt["transcript"]] == [("*", False)]


@pytest.mark.parametrize("part", ["", "/raw", "/attempts"])
async def test_a_message_that_is_gone_is_not_found(running: RunningServer, part: str) -> None:
    async with running.http.get(f"/v1/messages/0000000000000{part}") as answer:
        assert answer.status == 404
        assert (await answer.json())["error"]["what"] == "no longer in the queue"


async def test_a_copy_put_back_is_delivered_and_stays_one_message(running: RunningServer) -> None:
    queue_id = await running.send_deferred()
    items = [{"queue_id": queue_id}]
    await running.post("/v1/queue/actions", {"action": "delete", "items": items})
    status, answer = await running.post(
        "/v1/messages",
        {
            "sender": "anna@acme.example",
            "recipients": ["ops@acme.example"],
            "raw": base64.b64encode(RAW).decode(),
            "queue_id": queue_id,
        },
    )
    assert status == 201
    await running.until_queue(answer["queue_id"], None)
    (tracked,) = await running.lines("/v1/track")
    assert tracked["queue_ids"] == [queue_id, answer["queue_id"]]
    assert tracked["legs"][1]["kind"] == "reinjected"
    assert [(r["address"], r["status"]) for r in tracked["recipients"]] == [
        ("ops@branch-7.example", "discarded"),
        ("ops@acme.example", "delivered"),
    ]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"raw": "%%%"}, "raw"),
        ({"raw": "é"}, "raw"),
        ({"raw": ""}, "body"),
        ({"raw": base64.b64encode(b"x" * 2_001).decode()}, "raw"),
        ({"recipients": []}, "body"),
        ({"recipients": ["a@acme.example"] * 4}, "recipients"),
        ({"recipients": ["a@acme.example>\r\nRCPT TO:<b@evil.example"]}, "recipients"),
        ({"recipients": ["a@acme.example\n"]}, "recipients"),
        ({"recipients": ["nobody"]}, "recipients"),
        ({"recipients": [""]}, "recipients"),
        ({"sender": "a>b@acme.example"}, "sender"),
        ({"sender": "a" * 320 + "@acme.example"}, "sender"),
        ({"sender": None}, "body"),
    ],
)
async def test_what_would_not_be_a_message_is_refused(
    running: RunningServer, changes: dict[str, object], where: str
) -> None:
    body = {"sender": "", "recipients": ["a@acme.example"], "raw": base64.b64encode(RAW).decode()}
    status, answer = await running.post("/v1/messages", body | changes)
    assert (status, answer["error"]["where"]) == (422, where)
    assert await running.get("/v1/queue/counts") == {}
