"""The use cases against the real built-in server, over its sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import aiosmtplib
import pytest

from smtpadmin.builtin.admin_api import AdminApi
from smtpadmin.builtin.config import NextHop, ServerConfig
from smtpadmin.builtin.server import MailServer
from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from smtpadmin.model.queue import QueueAction, QueueEntry
from smtpadmin.services.actions import CHANGED, GONE, QueueActions
from smtpadmin.services.columns import QUEUE_COLUMNS
from smtpadmin.services.log_follow import LogFollow
from smtpadmin.services.queue_watch import QueueWatch, queue_key
from smtpadmin.services.row_store import RowStore
from smtpadmin.services.session import ServerSession, SessionState
from smtpadmin.services.undo import undo
from smtpadmin.settings.journal import Journal
from smtpadmin.util.backoff import Backoff
from tests.support.waiting import until


@dataclass
class World:
    """A built-in server whose next hop refuses, so that what is sent stays in the queue."""

    config: ServerConfig
    server: MailServer
    api: AdminApi

    async def start(self) -> None:
        self.server = MailServer(self.config)
        await self.server.start()
        self.api = AdminApi(self.server)
        await self.api.start()
        self.config = replace(self.config, smtp=self.server.smtp, admin=self.api.address)

    async def stop(self) -> None:
        await self.api.stop()
        await self.server.stop()

    def session(self, token: str = "") -> ServerSession:
        host, port = self.api.address
        profile = Profile(
            "u", "demo", "builtin", environment=Environment.TEST, safety=SafetyLevel.FREE,
            settings={"admin": f"{host}:{port}"},
        )  # fmt: skip
        token = token or self.config.token_path.read_text().strip()
        return ServerSession(profile, {"token": token}, backoff=Backoff(0.01, 0.05))

    async def send(self, *recipients: str) -> None:
        host, port = self.server.smtp
        for recipient in recipients:
            await aiosmtplib.send(
                f"From: a@corp.example\r\nTo: {recipient}\r\nSubject: hello\r\n\r\nhi\r\n",
                sender="a@corp.example",
                recipients=[recipient],
                hostname=host,
                port=port,
                start_tls=False,
            )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        nowhere = NextHop(*holder.getsockname(), tls=TlsMode.NONE)
        config = ServerConfig(
            tmp_path / "data", smtp=("127.0.0.1", 0), admin=("127.0.0.1", 0), routes={"*": nowhere}
        )
        made = World(config, MailServer(config), None)  # type: ignore[arg-type]
        await made.start()
        yield made
        await made.stop()


@pytest.fixture
async def session(world: World) -> AsyncIterator[ServerSession]:
    made = world.session()
    yield made
    await made.close()


@pytest.fixture
def store() -> RowStore[QueueEntry]:
    return RowStore(QUEUE_COLUMNS, key=queue_key)


@pytest.fixture
def actions(session: ServerSession, tmp_path: Path) -> QueueActions:
    return QueueActions(session.connector, session.profile, Journal(tmp_path / "state"))


@pytest.fixture
def watch(session: ServerSession, store: RowStore[QueueEntry]) -> QueueWatch:
    return QueueWatch(session.connector, store, interval=0.02, backoff=Backoff(0.01, 0.02))  # type: ignore[arg-type]


async def listed(watch: QueueWatch, store: RowStore[QueueEntry]) -> list[QueueEntry]:
    await watch.refresh()
    return list(store.visible_rows())


async def test_a_session_connects_loses_the_server_and_finds_it_again(
    world: World, session: ServerSession, store: RowStore[QueueEntry], watch: QueueWatch
) -> None:
    watch.failed.connect(session.report)
    watch.listed.connect(session.report_success)
    session.start()
    async with asyncio.timeout(10):
        await session.wait_for(SessionState.CONNECTED)
        await world.send("b@one.example")
        session.tasks.spawn("queue", watch.run())
        await until(lambda: len(store) == 1)
        await world.stop()
        await session.wait_for(SessionState.OFFLINE)
        assert len(store) == 1, "the last data stays"
        await world.start()
        await session.wait_for(SessionState.CONNECTED)
        await until(lambda: watch.status.error is None)


async def test_a_wrong_token_is_a_failed_login(world: World) -> None:
    session = world.session(token="wrong")
    session.start()
    async with asyncio.timeout(10):
        await session.wait_for(SessionState.AUTHENTICATION_FAILED)
    await session.close()


async def test_delete_and_undo_put_the_very_message_back(
    world: World,
    session: ServerSession,
    store: RowStore[QueueEntry],
    watch: QueueWatch,
    actions: QueueActions,
) -> None:
    await world.send("b@one.example", "c@two.example", "d@two.example")
    store.set_filter(parse_filter("domain=two.example"), datetime.now(UTC))
    wanted = await listed(watch, store)
    assert [e.recipients[0].address for e in wanted] == ["c@two.example", "d@two.example"]
    preview = actions.preview(QueueAction.DELETE, wanted)
    assert preview.destinations == (("two.example", 2),)
    deleted = await actions.run(QueueAction.DELETE, wanted, preview.confirm())
    assert (deleted.ok, deleted.error) == (2, None)
    assert await listed(watch, store) == []
    assert store.total == 1
    back = await undo(actions, session.connector, deleted.activity)
    assert back.ok == 2
    again = await listed(watch, store)
    assert [e.recipients[0].address for e in again] == ["c@two.example", "d@two.example"]
    raw = (await session.connector.fetch_message(again[0].queue_id)).raw  # type: ignore[attr-defined]
    assert b"Subject: hello" in raw
    assert b"hi" in raw


async def test_hold_release_and_what_has_gone(
    world: World,
    session: ServerSession,
    store: RowStore[QueueEntry],
    watch: QueueWatch,
    actions: QueueActions,
) -> None:
    await world.send("b@one.example", "c@one.example")
    first, second = await listed(watch, store)
    held = await actions.run(QueueAction.HOLD, [first])
    assert [e.queue for e in await listed(watch, store) if e.queue_id == first.queue_id] == ["hold"]
    assert (await undo(actions, session.connector, held.activity)).ok == 1
    await actions.run(QueueAction.DELETE, [second])
    outcome = await actions.run(QueueAction.DELETE, [second, replace(first, size=1)])
    assert [result.message for result in outcome.results] == [GONE, CHANGED]
    assert [e.queue_id for e in await listed(watch, store)] == [first.queue_id]


async def test_the_log_is_followed_line_by_line(world: World, session: ServerSession) -> None:
    records: list[LogRecord] = []
    follow = LogFollow(session.connector, records.extend, wait=0.01)  # type: ignore[arg-type]
    session.tasks.spawn("log", follow.run())
    await until(lambda: follow.status.following)
    await world.send("b@one.example")
    await world.send("c@one.example")
    await until(lambda: sum(r.event == "queued" for r in records) == 2)
    assert len({(r.file, r.line, r.raw) for r in records}) == len(records), "none doubled"
