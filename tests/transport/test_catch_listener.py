"""Ports, and who may come."""

from __future__ import annotations

import asyncio

import pytest

from smtpadmin.model.errors import NotPermittedError, UsageError
from smtpadmin.services.catch_server import CatchConfig, CatchLimits, CatchServer
from smtpadmin.transport.catch_listener import is_loopback
from tests.support.catch import catching, wire
from tests.support.waiting import until


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "mx.example.org"])
async def test_an_outside_address_needs_permission(host: str) -> None:
    server = CatchServer(CatchConfig(listen=(host, 0)))
    with pytest.raises(NotPermittedError):
        await server.start()


async def test_an_outside_address_that_is_allowed() -> None:
    async with catching(listen=("0.0.0.0", 0), outside=True) as server:
        assert server.address is not None
        assert server.address[0] == "0.0.0.0"


async def test_a_port_in_use_is_named() -> None:
    async with catching() as server:
        assert server.address is not None
        other = CatchServer(CatchConfig(listen=server.address))
        with pytest.raises(UsageError, match=str(server.address[1])):
            await other.start()


@pytest.mark.parametrize(
    ("host", "answer"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("", False), ("localhost.example", False)],
)  # fmt: skip
def test_what_is_loopback(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


async def test_a_flood_of_connections_hears_421_and_the_first_ones_go_on() -> None:
    async with catching(limits=CatchLimits(connections=20)) as server:
        assert server.address is not None
        pairs = await asyncio.gather(
            *(asyncio.open_connection(*server.address) for _ in range(300))
        )
        greetings = [await asyncio.wait_for(r.readline(), 10) for r, _ in pairs]
        assert sum(g.startswith(b"220") for g in greetings) == 20
        assert sum(g.startswith(b"421") for g in greetings) == 280
        for _, writer in pairs:
            writer.close()
        await until(lambda: len(server.store.sessions()) == 20)
        async with wire(server) as client:
            assert (await client.say(b"NOOP"))[:3] == "250"


async def test_stopping_sends_everybody_away_at_once() -> None:
    rule = "mail delay=30s"
    async with catching(rule) as server, wire(server) as idle, wire(server) as waiting:
        await waiting.say(b"EHLO c")
        waiting.writer.write(b"MAIL FROM:<a@x>\r\n")
        started = asyncio.get_running_loop().time()
        await server.stop()
        assert asyncio.get_running_loop().time() - started < 3
        assert (await idle.reply())[:3] == "421"
    assert len(server.store.sessions()) == 2
