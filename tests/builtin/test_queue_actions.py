"""What an administrator does, on a running server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.builtin import queue_actions, queue_runner
from smtpadmin.builtin.config import Limits, NextHop
from smtpadmin.builtin.server import MailServer
from smtpadmin.builtin.spool_actions import ActionItem
from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.queue import QueueAction, StoredMessage
from tests.support.builtin_server import (
    MESSAGE,
    entries,
    events,
    eventually,
    mailbox,
    running,
    send,
)
from tests.support.scripted_host import SILENCE, ScriptedHost

DEAD = {"far.example": NextHop("127.0.0.1", 1)}


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that say nothing would hold up the end of their tests."""
    monkeypatch.setattr(queue_runner, "GRACE_S", 0.05)


async def deferred(server: MailServer, count: int = 1) -> list[ActionItem]:
    for n in range(count):
        await send(server, f"{n}@far.example")
    await eventually(server, lambda queue: all(e.queue == "deferred" for e in queue))
    return [ActionItem(*entry.identity) for entry in await entries(server)]


async def test_hold_release_and_retry(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        (item,) = await deferred(server)
        for action, state in ((QueueAction.HOLD, "hold"), (QueueAction.RELEASE, "deferred")):
            (result,) = await server.act(action, [item])
            assert (result.queue_id, result.ok) == (item.queue_id, True)
            await eventually(server, lambda queue, state=state: queue[0].queue == state)
            (event,) = events(server, action)
            assert (event["queue_id"], event["ok"]) == (item.queue_id, True)
        before = len(events(server, "delivery"))
        assert (await server.act(QueueAction.RETRY, [item]))[0].ok
        async with asyncio.timeout(5):
            while len(events(server, "delivery")) == before:
                await asyncio.sleep(0.01)


async def test_many_are_deleted_with_one_result_each_in_order(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        items = await deferred(server, 5)
        asked = [items[1], ActionItem("GONE"), items[3], items[3]]
        results = await server.act(QueueAction.DELETE, asked)
        assert [r.queue_id for r in results] == [item.queue_id for item in asked]
        assert [r.ok for r in results] == [True, False, True, False]
        assert results[1].message == results[3].message == "no longer in the queue"
        assert [e.queue_id for e in await entries(server)] == [items[n].queue_id for n in (0, 2, 4)]
        assert len(events(server, "delete")) == 2
        assert len(events(server, "action")) == 2


async def test_another_message_than_the_one_seen_is_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        (item,) = await deferred(server)
        assert item.arrived is not None
        other = replace(item, arrived=item.arrived + timedelta(seconds=1))
        for action in QueueAction:
            (result,) = await server.act(action, [other])
            assert not result.ok
            assert "arrived at another time" in result.message
        assert [e.queue_id for e in await entries(server)] == [item.queue_id]


async def test_a_rehearsal_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        (item,) = await deferred(server)
        results = await server.act(QueueAction.DELETE, [item, ActionItem("GONE")], dry_run=True)
        assert [(r.ok, r.message) for r in results] == [
            (True, "delete"),
            (False, "no longer in the queue"),
        ]
        assert len(await entries(server)) == 1


async def test_a_bounce_tells_the_sender_and_ends_the_message(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        (item,) = await deferred(server)
        (result,) = await server.act(QueueAction.BOUNCE, [item])
        assert (result.ok, result.message) == (True, "bounced")
        await eventually(server, lambda queue: not queue)
        (raw,) = mailbox(server, "a")
        assert b"returned by the administrator" in raw
        assert events(server, "notification")[0]["queue_id"] == item.queue_id
        assert events(server, "delivery")[-2]["status"] == "bounced"


async def test_a_bounced_notification_tells_nobody(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        await send(server, "b@far.example", sender="")
        await eventually(server, lambda queue: queue[0].queue == "deferred")
        (result,) = await server.act(
            QueueAction.BOUNCE, [ActionItem((await entries(server))[0].queue_id)]
        )
        assert result.ok
        assert await entries(server) == []
        assert events(server, "notification") == []


async def test_a_requeued_message_has_a_new_id_and_its_old_arrival(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        (item,) = await deferred(server)
        (result,) = await server.act(QueueAction.REQUEUE, [item])
        assert result.ok
        (event,) = events(server, "requeue")
        await eventually(server, lambda queue: queue[0].queue == "deferred")
        (entry,) = await entries(server)
        assert entry.queue_id == event["new_id"] != item.queue_id
        assert result.message == f"requeued as {entry.queue_id}"
        assert (entry.arrived, entry.sender, entry.size) == (item.arrived, item.sender, item.size)


async def test_what_is_being_delivered_is_waited_for_and_what_waits_is_taken_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_actions, "WAIT_FOR_DELIVERY_S", 0.05)
    limits = Limits(deliveries_per_destination=1, free_space=0)
    async with ScriptedHost({"RCPT": SILENCE}).running() as host:
        hops = {"far.example": NextHop("127.0.0.1", host.port, TlsMode.NONE)}
        async with running(tmp_path, routes=hops, limits=limits) as server:
            for n in range(3):
                await send(server, f"{n}@far.example")
            await eventually(server, lambda queue: all(e.queue == "active" for e in queue))
            items = [ActionItem(*e.identity) for e in await entries(server)]
            (busy,) = await server.act(QueueAction.DELETE, items[:1])
            assert not busy.ok
            assert "is being delivered at this moment" in busy.message
            (gone,) = await server.act(QueueAction.DELETE, items[1:2])
            (held,) = await server.act(QueueAction.HOLD, items[2:])
            assert (gone.ok, held.ok) == (True, True)
            left = [(e.queue_id, e.queue) for e in await entries(server)]
            assert left == [(items[0].queue_id, "active"), (items[2].queue_id, "hold")]
            assert host.sessions == 1


async def test_a_delivery_that_ends_in_time_makes_way_for_the_action(tmp_path: Path) -> None:
    replies = {"RCPT": SILENCE}
    async with ScriptedHost(replies).running() as host:
        hops = {"far.example": NextHop("127.0.0.1", host.port, TlsMode.NONE)}
        async with running(tmp_path, routes=hops) as server:
            queue_id = await send(server, "b@far.example")
            async with asyncio.timeout(5):
                while not host.sessions:
                    await asyncio.sleep(0.01)

            async def end() -> None:
                await asyncio.sleep(0.05)
                await host.hang_up()

            (result,), _ = await asyncio.gather(
                server.act(QueueAction.DELETE, [ActionItem(queue_id)]), end()
            )
            assert (result.ok, result.message) == (True, "deleted")


async def test_a_full_disk_is_a_result_and_the_message_stays_in_line(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        (item,) = await deferred(server)
        change = server._spool.change

        async def full(job: Any) -> Any:
            raise StorageError("the disk is full", where="spool")

        server._spool.change = full  # type: ignore[method-assign]
        (result,) = await server.act(QueueAction.DELETE, [item])
        assert (result.ok, result.message) == (False, "spool: the disk is full")
        server._spool.change = change  # type: ignore[method-assign]
        assert (await server.act(QueueAction.DELETE, [item]))[0].ok


# Putting copies back.


async def test_a_copy_put_back_is_delivered(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        kept = StoredMessage(
            "OLD", "a@x.example", ("b@local.example",), MESSAGE.replace(b"\r", b"")
        )
        queue_id = await server.reinject(kept)
        await eventually(server, lambda queue: not queue)
        (raw,) = mailbox(server, "b")
        assert raw.endswith(MESSAGE.replace(b"\r", b""))
        (event,) = events(server, "queued")
        assert (event["queue_id"], event["was"], event["message-id"]) == (
            queue_id,
            "OLD",
            "<1@test>",
        )


@pytest.mark.parametrize(
    ("sender", "recipients"),
    [
        ("a@x.example", ()),
        ("a@x.example\r\nRCPT TO:<evil@x.example>", ("b@local.example",)),
        ("a@x.example", ("b@local.example>\nDATA",)),
        ("a@x.example", ("no-domain",)),
    ],
)
async def test_an_envelope_that_no_client_could_give_is_refused(
    tmp_path: Path, sender: str, recipients: tuple[str, ...]
) -> None:
    async with running(tmp_path) as server:
        with pytest.raises(UsageError):
            await server.reinject(StoredMessage("OLD", sender, recipients, MESSAGE))
        assert await entries(server) == []
