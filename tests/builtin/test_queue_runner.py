"""Rounds of tries: through, again later, given up; each failure told of once, nothing twice."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email import policy
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.builtin import queue_runner
from smtpadmin.builtin.config import Limits, NextHop, Schedule
from smtpadmin.builtin.server import MailServer
from smtpadmin.builtin.spool import Spool
from smtpadmin.builtin.spool_records import NewMessage
from smtpadmin.model.errors import StorageError
from smtpadmin.model.profile import TlsMode
from tests.support.builtin_server import (
    LOCAL,
    entries,
    events,
    eventually,
    mailbox,
    make_config,
    running,
    send,
)
from tests.support.scripted_host import DEFAULTS, SILENCE, ScriptedHost

SOON = Schedule(retry_s=(0.05,), expire_s=86400, delay_notice_s=0, jitter=0)


def routes(host: ScriptedHost, domain: str = "far.example") -> dict[str, NextHop]:
    return {domain: NextHop("127.0.0.1", host.port, TlsMode.NONE)}


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that say nothing would hold up the end of their tests."""
    monkeypatch.setattr(queue_runner, "GRACE_S", 0.05)


@asynccontextmanager
async def relaying(
    folder: Path, replies: Mapping[str, str] = DEFAULTS, **changes: Any
) -> AsyncIterator[tuple[MailServer, ScriptedHost]]:
    """A server whose ``far.example`` is a host that answers as told."""
    async with (
        ScriptedHost(replies).running() as host,
        running(folder, routes=routes(host), **changes) as server,
    ):
        yield server, host


def report_in(raw: bytes) -> dict[str, str]:
    """The fields of the only recipient of a notification."""
    message = email.message_from_bytes(raw, policy=policy.default)
    parts: list[Any] = list(message.iter_parts())  # type: ignore[attr-defined]
    return dict(parts[1].get_payload()[1].items())


async def test_a_message_is_delivered_near_and_far(tmp_path: Path) -> None:
    async with ScriptedHost().running() as host, running(tmp_path, routes=routes(host)) as server:
        queue_id = await send(server, f"b@{LOCAL}", "c@far.example", "d@far.example")
        await eventually(server, lambda queue: not queue)
        assert len(mailbox(server, "b")) == len(host.messages) == 1
        deliveries = {e["to"]: e["status"] for e in events(server, "delivery")}
        assert deliveries == {
            f"b@{LOCAL}": "delivered",
            "c@far.example": "sent",
            "d@far.example": "sent",
        }
        assert [e["queue_id"] for e in events(server, "removed")] == [queue_id]


async def test_a_deferred_message_is_tried_until_it_is_through(tmp_path: Path) -> None:
    replies = {"RCPT": "450 4.2.0 later"}
    async with relaying(tmp_path, replies, schedule=SOON) as (server, _):
        queue_id = await send(server, "b@far.example")
        await eventually(server, lambda queue: (queue[0].tries or 0) >= 2)
        (entry,) = await entries(server)
        assert entry.recipients[0].reason is not None
        assert "450 4.2.0 later" in entry.recipients[0].reason
        attempts = await server.attempts(queue_id)
        assert "RCPT TO:<b@far.example>" in attempts[-1].transcript
        replies.clear()
        await eventually(server, lambda queue: not queue)
        tries = [(e["tries"], e["status"]) for e in events(server, "delivery")]
        assert tries == [*((n, "deferred") for n in range(1, len(tries))), (len(tries), "sent")]


async def test_a_refused_recipient_is_told_of_at_once_and_only_once(tmp_path: Path) -> None:
    replies = {"RCPT TO:<b@far.example>": "550 5.1.1 no", "RCPT TO:<c@far.example>": "450 later"}
    async with relaying(tmp_path, replies, schedule=SOON) as (server, _):
        await send(server, "b@far.example", "c@far.example")
        await eventually(server, lambda queue: queue and (queue[0].tries or 0) >= 3)
        (raw,) = mailbox(server, "a")
        assert report_in(raw)["Final-Recipient"] == "rfc822; b@far.example"
        assert report_in(raw)["Diagnostic-Code"] == "smtp; 550 5.1.1 no"
        (told,) = events(server, "notification")
        assert (told["kind"], told["to"]) == ("failure", ["a@local.example"])


async def test_expiry_ends_a_message_with_a_notification(tmp_path: Path) -> None:
    schedule = Schedule(retry_s=(0.05,), expire_s=0.2, delay_notice_s=0)
    async with relaying(tmp_path, {"RCPT": "450 4.2.0 later"}, schedule=schedule) as (server, _):
        await send(server, "b@far.example")
        await eventually(server, lambda queue: not queue)
        (raw,) = mailbox(server, "a")
        assert report_in(raw)["Status"] == "5.4.7"
        assert "expired" in {e["status"] for e in events(server, "delivery")}


async def test_the_sender_is_told_of_a_delay_once(tmp_path: Path) -> None:
    schedule = Schedule(retry_s=(0.05,), delay_notice_s=0.01)
    async with relaying(tmp_path, {"RCPT": "450 4.2.0 later"}, schedule=schedule) as (server, _):
        await send(server, "b@far.example")
        await eventually(server, lambda queue: any((e.tries or 0) >= 4 for e in queue))
        (raw,) = mailbox(server, "a")
        assert report_in(raw)["Action"] == "delayed"


async def test_a_notification_never_gives_another_one(tmp_path: Path) -> None:
    async with relaying(tmp_path, {"RCPT": "550 5.1.1 no"}) as (server, _):
        await send(server, "b@far.example", sender="")
        await send(server, "b@far.example", sender="x@far.example")
        await eventually(server, lambda queue: not queue)
        assert [e["to"] for e in events(server, "notification")] == [["x@far.example"]]
        assert len(events(server, "removed")) == 3


async def test_a_failure_before_a_crash_is_told_of_after_it(tmp_path: Path) -> None:
    """Killed between writing a refusal down and notifying: the sender is told all the same."""
    config = make_config(tmp_path)
    spool = Spool(config.spool_path)
    spool.open()
    new = NewMessage("a@local.example", ("b@far.example",), b"S: x\r\n\r\n", 1.0, 4e9)
    queue_id = await spool.accept(new)
    await spool.claim_due(2.0, 1)

    def refused(connection: Any) -> None:
        connection.execute("UPDATE recipient SET state = 'bounced', dsn = '5.1.1', reply = '550'")

    await spool.change(refused)
    spool.close()
    async with running(tmp_path) as server:
        await eventually(server, lambda queue: not queue)
        assert len(mailbox(server, "a")) == 1
        assert [e["queue_id"] for e in events(server, "notification")] == [queue_id]


async def test_a_full_disk_delivers_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_runner, "AFTER_STORAGE_ERROR_S", 0.02)
    async with ScriptedHost().running() as host, running(tmp_path, routes=routes(host)) as server:
        failures = {"record": 3, "settle": 2, "claim_due": 2, "content": 1}
        for name in failures:
            whole = getattr(server._spool, name)

            async def failing(*args: Any, name: str = name, whole: Any = whole, **more: Any) -> Any:
                if failures[name]:
                    failures[name] -= 1
                    raise StorageError("the disk is full", where="spool")
                return await whole(*args, **more)

            setattr(server._spool, name, failing)
        await send(server, f"b@{LOCAL}", "c@far.example")
        await eventually(server, lambda queue: not queue)
        assert not any(failures.values())
        assert len(host.messages) == len(mailbox(server, "b")) == 1
        assert len(events(server, "error")) == 8


async def test_a_slow_destination_does_not_hold_up_the_others(tmp_path: Path) -> None:
    limits = Limits(deliveries=4, deliveries_per_destination=2, free_space=0)
    async with ScriptedHost({"RCPT": SILENCE}).running() as slow, ScriptedHost().running() as quick:
        hops = routes(slow, "slow.example") | routes(quick, "quick.example")
        async with running(tmp_path, routes=hops, limits=limits) as server:
            for n in range(8):
                await send(server, f"{n}@slow.example")
            await send(server, "b@quick.example")
            async with asyncio.timeout(5):
                while not quick.messages:
                    await asyncio.sleep(0.01)
            assert slow.sessions == 2


async def test_what_waits_for_its_turn_can_be_withdrawn_what_has_begun_cannot(
    tmp_path: Path,
) -> None:
    limits = Limits(deliveries_per_destination=1, free_space=0)
    async with relaying(tmp_path, {"RCPT": SILENCE}, limits=limits) as (server, host):
        first, second = [await send(server, f"{n}@far.example") for n in range(2)]
        await eventually(server, lambda queue: all(e.queue == "active" for e in queue))
        async with asyncio.timeout(5):
            while not host.sessions:
                await asyncio.sleep(0.01)
        runner = server._runner
        assert not await runner.let_go(first, 0.01)
        assert await runner.let_go(second, 0.01)
        assert not await runner.let_go("unknown", 0.01)
        await eventually(server, lambda queue: queue[1].queue == "active")
        assert second not in runner._claimed
        runner.take_back(second)
        async with asyncio.timeout(5):
            while second not in runner._claimed:
                runner.wake()
                await asyncio.sleep(0.01)
        assert host.sessions == 1


async def test_stopping_lets_a_delivery_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_runner, "GRACE_S", 5.0)
    async with ScriptedHost({"DATA": "354 go on"}).running() as host:
        server = MailServer(make_config(tmp_path, routes=routes(host)))
        await server.start()
        await send(server, "b@far.example")
        async with asyncio.timeout(5):
            while not host.sessions:
                await asyncio.sleep(0)
        await server.stop()
        assert len(host.messages) == 1
    async with running(tmp_path) as again:
        assert await entries(again) == []


async def test_a_stopped_server_gives_everything_back(tmp_path: Path) -> None:
    async with relaying(tmp_path, {"RCPT": SILENCE}) as (server, _):
        queue_id = await send(server, "b@far.example")
        await eventually(server, lambda queue: queue[0].queue == "active")
    async with relaying(tmp_path) as (server, host):
        await eventually(server, lambda queue: not queue)
        assert [e["queue_id"] for e in events(server, "removed")] == [queue_id]
        assert len(host.messages) == 1
