"""The connector of the built-in server, on the real one."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from smtpadmin.connectors.builtin import BuiltinServer, base_url
from smtpadmin.model.errors import LoginError, ProtocolError, ServerRefusedError, UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import QueueAction, QueueEntry
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria
from tests.support.odd_server import odd_server, script
from tests.support.window import Served, served


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path / "server") as running:
        yield running


@pytest.fixture
async def connector(server: Served) -> AsyncIterator[BuiltinServer]:
    opened = BuiltinServer(server.profile(), {"token": server.token})
    yield opened
    await opened.close()


async def listing(connector: BuiltinServer) -> list[QueueEntry]:
    return [entry async for batch in connector.list_queue() for entry in batch]


async def test_probe_queue_message_and_transcript(server: Served, connector: BuiltinServer) -> None:
    probed = await connector.probe()
    assert probed.facts["Local domains"] == "acme.example"
    server.submit(3)
    counts = {}
    while counts.get("deferred") != 3:
        counts = dict((await connector.queue_counts()).by_queue)
    entries = await listing(connector)
    assert [e.server for e in entries] == ["mx1.acme.example"] * 3
    message = await connector.fetch_message(entries[0].queue_id)
    assert message.recipients == ("user0@down.example",)
    assert b"Subject: message 0" in message.raw
    lines = await connector.fetch_transcript(entries[0].queue_id)
    assert any("Connection refused" in line.line for line in lines)


async def test_an_action_on_a_message_that_changed_does_nothing(
    server: Served, connector: BuiltinServer
) -> None:
    server.submit(1)
    entries: list[QueueEntry] = []
    while not entries or entries[0].queue != "deferred":
        entries = await listing(connector)
    other = dataclasses.replace(entries[0], size=1)
    (result,) = await connector.act(QueueAction.DELETE, [other])
    assert not result.ok
    assert len(await listing(connector)) == 1
    copy = await connector.fetch_message(entries[0].queue_id)
    (result,) = await connector.act(QueueAction.DELETE, entries)
    assert result.ok
    assert await listing(connector) == []
    with pytest.raises(ServerRefusedError, match="no longer in the queue"):
        await connector.fetch_message(entries[0].queue_id)
    new_id = await connector.reinject(copy)
    assert [e.queue_id for e in await listing(connector)] == [new_id]


async def test_log_and_tracking(server: Served, connector: BuiltinServer) -> None:
    server.submit(2, "acme.example")
    found: list[DeliveryStatus] = []
    while found != [DeliveryStatus.DELIVERED] * 2:
        found = [m.status async for m in connector.track(TrackCriteria(recipient="@acme.example"))]
    records = [r async for batch in connector.read_log() for r in batch]
    assert [r.event for r in records][:1] == ["start"]
    assert sum(r.event == "delivery" for r in records) == 2
    stats = await connector.stats()
    assert stats.totals["accepted"] == 2


async def test_a_wrong_token_is_a_login_error(server: Served) -> None:
    connector = BuiltinServer(server.profile(), {"token": "wrong"})
    with pytest.raises(LoginError, match="token"):
        await connector.probe()
    await connector.close()


async def test_a_listing_that_is_cut_is_no_short_queue() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with odd_server(script(answer, hang=True)) as port:
        profile = Profile("u", "n", "builtin", settings={"admin": f"127.0.0.1:{port}"})
        connector = BuiltinServer(profile, {"token": "t"})
        with pytest.raises(ProtocolError, match="broke off"):
            await listing(connector)
        await connector.close()


def test_addresses_of_the_admin_api() -> None:
    def url(text: str) -> str:
        return base_url(Profile("u", "n", "builtin", settings={"admin": text}))

    assert url("127.0.0.1:8025") == "http://127.0.0.1:8025"
    assert url("https://h:1/") == "https://h:1"
    with pytest.raises(UsageError):
        url("ftp://h")


async def test_ids_of_other_shapes_never_reach_a_path(connector: BuiltinServer) -> None:
    with pytest.raises(UsageError):
        await connector.fetch_message("../../etc")
