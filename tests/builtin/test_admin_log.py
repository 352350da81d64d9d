"""The log by range and as it grows, and messages tracked through it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from smtpadmin.builtin import admin_log
from smtpadmin.builtin.admin_log import Follower
from tests.support.admin_server import RunningServer, running_server


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with running_server(tmp_path) as found:
        yield found


def events(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


async def test_the_log_tells_a_messages_life(running: RunningServer) -> None:
    queue_id = await running.send("ben@acme.example")
    await running.until_queue(queue_id, None)
    lines = await running.lines("/v1/log", queue_id=queue_id)
    assert events(lines) == ["client", "message-id", "queued", "delivery", "removed"]
    everything = await running.lines("/v1/log")
    assert events(everything)[0] == "start"
    assert [line for line in everything if line.get("queue_id") == queue_id] == lines


async def test_a_range_of_the_log(running: RunningServer) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    assert await running.lines("/v1/log", since=soon) == []
    assert await running.lines("/v1/log", until=soon)
    async with running.http.get("/v1/log", params={"since": "noon"}) as answer:
        assert answer.status == 422


@pytest.mark.expects_log
async def test_a_full_disk_still_shows_what_is_there(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert events(await running.lines("/v1/log"))[0] == "start"

    def refuse() -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(running.server.log, "flush", refuse)
        assert events(await running.lines("/v1/log"))[0] == "start"
        assert await running.lines("/v1/track") == []


async def test_a_follower_hears_what_happens(running: RunningServer) -> None:
    async with running.http.get("/v1/log/follow") as answer:
        assert await answer.content.readline() == b"\n"
        queue_id = await running.send("ben@acme.example")
        heard = []
        async with asyncio.timeout(10):
            while "removed" not in events(heard):
                heard.append(json.loads(await answer.content.readline()))
    assert [line["event"] for line in heard if line.get("queue_id") == queue_id][-1] == "removed"
    assert heard[0]["event"] == "connect"


async def test_a_quiet_log_has_a_heartbeat(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_log, "HEARTBEAT_S", 0.05)
    async with running.http.get("/v1/log/follow") as answer:
        async with asyncio.timeout(5):
            assert [await answer.content.readline() for _ in range(3)] == [b"\n"] * 3


async def test_a_follower_that_falls_behind_gets_no_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_log, "MOST_BEHIND", 3)
    follower = Follower()
    for line in "abcde":
        follower.take(line)
    assert await follower.next_block() == b"a\nb\nc\n"
    follower.take("f")
    assert await follower.next_block() == b""


async def test_a_block_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_log, "LINES_A_BLOCK", 2)
    follower = Follower()
    for line in "abc":
        follower.take(line)
    follower.end()
    follower.end()
    assert [await follower.next_block() for _ in range(3)] == [b"a\nb\n", b"c\n", b""]


async def test_tracking_by_every_criterion(running: RunningServer) -> None:
    one = await running.send("ben@acme.example", subject="First")
    await running.until_queue(one, None)
    two = await running.send_deferred(sender="bob@acme.example", subject="Second")

    async def found(**query: str) -> list[str]:
        return [m["queue_ids"][0] for m in await running.lines("/v1/track", **query)]

    assert await found() == [one, two]
    assert await found(**{"from": "BOB"}) == [two]
    assert await found(to="@branch-7.example") == [two]
    assert await found(message_id="First@x") == [one]
    assert await found(queue_id=two) == [two]
    assert await found(client="127.0.0.1") == [one, two]
    assert await found(status="delivered") == [one]
    assert await found(subject="sec") == [two]
    assert await found(limit="1") == [two]
    assert await found(since=(datetime.now(UTC) + timedelta(minutes=1)).isoformat()) == []
    assert await found(to="nobody@acme.example") == []


async def test_a_refused_recipient_is_a_message_too(tmp_path: Path) -> None:
    async with running_server(tmp_path, relay_networks=()) as running:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await running.send("victim@foreign.example", sender="spam@else.example")
        (tracked,) = await running.lines("/v1/track", to="victim", lines="1")
    assert (tracked["queue_ids"], tracked["status"]) == ([], "rejected")
    assert "Relay access denied" in tracked["recipients"][0]["reply"]
    assert len(tracked["lines"]) == 1


@pytest.mark.parametrize("query", [{"status": "lost"}, {"limit": "0"}, {"until": "x"}])
async def test_a_criterion_that_does_not_fit(running: RunningServer, query: dict[str, str]) -> None:
    async with running.http.get("/v1/track", params=query) as answer:
        assert answer.status == 422
        assert (await answer.json())["error"]["where"] == next(iter(query))
