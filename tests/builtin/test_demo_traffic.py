"""People write: what they send arrives over SMTP, logged in when they are colleagues."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib
import pytest

from smtpadmin.builtin.demo_traffic import KINDS, SUSPICIOUS, Traffic
from smtpadmin.builtin.passwords import make_record
from smtpadmin.settings.server_tls import ca_path
from smtpadmin.util.tasks import TaskOwner
from tests.support.admin_server import RunningServer, running_server, until

LOGIN = ("demo", "secret")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningServer]:
    users = {LOGIN[0]: make_record(LOGIN[1])}
    domains = {"acme.example": None, "lists.acme.example": frozenset({"staff"})}
    async with running_server(
        tmp_path, users=users, local_domains=domains, relay_networks=(), dns_servers=(("::1", 1),)
    ) as found:
        yield found


def make_traffic(running: RunningServer, **options: object) -> Traffic:
    trusting = ssl.create_default_context(cafile=str(ca_path(running.server.config.data / "tls")))
    return Traffic(running.server.smtp, LOGIN, trusting, **options)


async def test_colleagues_log_in_over_tls_and_outsiders_do_not(running: RunningServer) -> None:
    traffic = make_traffic(running)
    anna = next(kind for kind in KINDS if kind.sender == "anna@acme.example")
    await traffic.write_one(anna)
    await traffic.write_one(SUSPICIOUS)
    assert (traffic.sent, traffic.refused) == (2, 0)
    tracked = await running.lines("/v1/track")
    by_sender = {message["sender"]: message for message in tracked}
    assert by_sender["anna@acme.example"]["sasl_username"] == "demo"
    assert by_sender[SUSPICIOUS.sender]["sasl_username"] is None
    events = [line["event"] for line in await running.lines("/v1/log")]
    assert events.count("tls") == events.count("auth") == 1


async def test_what_the_server_refuses_is_counted(running: RunningServer) -> None:
    traffic = make_traffic(running)
    spam = next(kind for kind in KINDS if kind.sender == "offers@watches.example")
    await traffic.write_one(spam)
    assert (traffic.sent, traffic.refused) == (0, 1)
    (tracked,) = await running.lines("/v1/track", status="rejected")
    assert "User unknown" in tracked["recipients"][0]["reply"]


async def test_a_server_that_is_gone_stops_nobody(running: RunningServer) -> None:
    traffic = Traffic(("127.0.0.1", 1), LOGIN, ssl.create_default_context())
    await traffic.write_one(SUSPICIOUS)
    assert traffic.refused == 1


async def test_a_burst_and_then_a_pace(running: RunningServer) -> None:
    traffic = make_traffic(running, burst=9, pace_s=0.01)
    owner = TaskOwner("test")
    task = owner.spawn("traffic", traffic.run())

    async def written() -> bool:
        assert task is not None
        assert not task.done()
        return traffic.sent + traffic.refused >= 20

    await until(written)
    assert await owner.close() == ()
    tracked = await running.lines("/v1/track")
    assert sum(message["sender"] == SUSPICIOUS.sender for message in tracked) >= 3
    assert len({message["message_id"] for message in tracked}) >= traffic.sent


async def test_a_cancellation_that_the_client_took_for_a_lost_line_is_obeyed(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def swallow(*_: object, **__: object) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise aiosmtplib.SMTPServerDisconnected("lost") from None

    monkeypatch.setattr(aiosmtplib.SMTP, "connect", swallow)
    owner = TaskOwner("test")
    owner.spawn("traffic", make_traffic(running, burst=1).run())
    async with asyncio.timeout(5):
        await begun.wait()
    assert await owner.close(timeout=1) == ()


async def test_the_same_seed_writes_the_same(running: RunningServer) -> None:
    first, second = (make_traffic(running, seed=3) for _ in range(2))
    assert first._choose(50) == second._choose(50)
    messages = [traffic._message(SUSPICIOUS, ["a@b"]) for traffic in (first, second)]
    assert messages[0]["Message-ID"] == messages[1]["Message-ID"]
    assert messages[0]["Subject"] == messages[1]["Subject"]
