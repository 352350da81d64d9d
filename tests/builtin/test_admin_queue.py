"""The queue is listed to its end, and acted on with an identity check."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.builtin import admin_queue
from smtpadmin.builtin.demo_world import DemoWorld
from smtpadmin.settings.server_tls import server_context
from tests.support.admin_server import RunningServer, running_server


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with running_server(tmp_path) as found:
        yield found


def item(entry: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {name: entry[name] for name in ("queue_id", "arrived", "sender", "size")} | changes


async def test_an_empty_queue_says_that_it_ended(running: RunningServer) -> None:
    assert await running.lines("/v1/queue") == [{"end": True}]
    assert await running.get("/v1/queue/counts") == {}


async def test_the_queue_is_listed_in_order_of_arrival(running: RunningServer) -> None:
    ids = [await running.send_deferred(subject=f"Nr. {n}") for n in range(3)]
    *entries, end = await running.lines("/v1/queue")
    assert end == {"end": True}
    assert [entry["queue_id"] for entry in entries] == ids
    first = entries[0]
    assert (first["sender"], first["subject"]) == ("anna@acme.example", "Nr. 0")
    assert (first["queue"], first["tries"]) == ("deferred", 1)
    (recipient,) = first["recipients"]
    assert recipient["address"] == "ops@branch-7.example"
    assert "Connection refused" in recipient["reason"]
    assert await running.get("/v1/queue/counts") == {"deferred": 3}


async def test_a_recipient_that_failed_is_no_longer_in_the_queue(tmp_path: Path) -> None:
    world = DemoWorld()
    await world.start(server_context(tmp_path / "tls", "mx.partner.example"))
    async with running_server(tmp_path, routes=world.routes) as running:
        to = [f"{name}@partner.example" for name in ("gone", "finance", "orders")]
        queue_id = await running.send(*to)
        await running.until_queue(queue_id, "deferred")
        entry = await running.entry(queue_id)
    await world.stop()
    found = {r["address"]: (r["delivered"], r["reason"]) for r in entry["recipients"]}
    assert set(found) == {"finance@partner.example", "orders@partner.example"}
    assert found["orders@partner.example"][0]
    assert not found["finance@partner.example"][0]
    assert "452 4.2.2 mailbox full" in found["finance@partner.example"][1]


async def test_actions_answer_for_each_item_in_order(running: RunningServer) -> None:
    first, second = [await running.entry(await running.send_deferred()) for _ in range(2)]
    status, results = await running.post(
        "/v1/queue/actions",
        {
            "action": "hold",
            "items": [item(first), item(second, size=1), {"queue_id": "0000000000000"}],
        },
    )
    assert status == 200
    assert [(r["queue_id"], r["ok"]) for r in results] == [
        (first["queue_id"], True),
        (second["queue_id"], False),
        ("0000000000000", False),
    ]
    assert "another size" in results[1]["message"]
    assert await running.get("/v1/queue/counts") == {"deferred": 1, "hold": 1}


async def test_a_dry_run_changes_nothing(running: RunningServer) -> None:
    entry = await running.entry(await running.send_deferred())
    body = {"action": "delete", "items": [item(entry)], "dry_run": True}
    _, (result,) = await running.post("/v1/queue/actions", body)
    assert result["ok"]
    assert await running.entry(entry["queue_id"]) == entry


async def test_a_deleted_message_is_gone(running: RunningServer) -> None:
    entry = await running.entry(await running.send_deferred())
    _, (result,) = await running.post(
        "/v1/queue/actions", {"action": "delete", "items": [item(entry)]}
    )
    assert result["ok"]
    assert await running.lines("/v1/queue") == [{"end": True}]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"action": "explode", "items": []}, "body"),
        ({"action": "hold"}, "body"),
        ({"action": "hold", "items": [{}]}, "body"),
        ({"action": "hold", "items": [], "force": True}, "body"),
        (
            {"action": "hold", "items": [{"queue_id": "X", "arrived": "2026-03-01T12:00:00"}]},
            "items",
        ),
    ],
)
async def test_what_does_not_fit_is_refused_as_a_whole(
    running: RunningServer, body: object, where: str
) -> None:
    status, answer = await running.post("/v1/queue/actions", body)
    assert status == 422
    assert answer["error"]["where"] == where


async def test_too_many_items_are_refused(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_queue, "MOST_ITEMS", 1)
    items = [{"queue_id": "X"}] * 2
    status, answer = await running.post("/v1/queue/actions", {"action": "hold", "items": items})
    assert (status, answer["error"]["what"]) == (422, "more than 1 items")
