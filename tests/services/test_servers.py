"""From names to connectors, with the secrets that the connector declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpadmin.connectors import registry
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import QueueAction
from smtpadmin.services.servers import Servers, declared_settings, secret_names
from smtpadmin.settings.journal import Journal
from smtpadmin.settings.profiles import ProfileStore
from smtpadmin.settings.secret_store import SessionStore
from tests.support.memory_server import MemoryServer, entry


@pytest.fixture(autouse=True)
def _memory_is_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_third_party", lambda: iter((MemoryServer,)))
    registry.connectors.cache_clear()
    yield
    registry.connectors.cache_clear()


@pytest.fixture
async def servers(tmp_path: Path) -> Servers:
    store = ProfileStore(SessionStore(), tmp_path / "lock")
    await store.add(Profile("u-1", "mx1", "memory"), {"token": "s3cret"})
    await store.add(Profile("u-2", "Relay", "memory"), {})
    return Servers(store, Journal(tmp_path / "state"))


async def test_a_name_opens_a_connector_with_its_secrets_and_closes_it(servers: Servers) -> None:
    async with servers.open_connector("MX1") as (profile, connector):
        assert isinstance(connector, MemoryServer)
        assert profile.name == "mx1"
        assert connector.secrets == {"token": "s3cret"}
        assert connector.closed == 0
    assert connector.closed == 1


async def test_it_is_closed_when_the_work_fails(servers: Servers) -> None:
    opened: list[MemoryServer] = []

    async def work() -> None:
        async with servers.open_connector("mx1") as (_, connector):
            assert isinstance(connector, MemoryServer)
            opened.append(connector)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert opened[0].closed == 1


async def test_names_are_resolved_each_once(servers: Servers) -> None:
    assert [p.name for p in await servers.resolve(["relay", "u-2", "mx1"])] == ["Relay", "mx1"]
    assert [p.name for p in await servers.resolve([], everything=True)] == ["mx1", "Relay"]


async def test_wrong_names_and_none_are_usage_errors(servers: Servers, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no server named 'mx9'.*mx1, Relay"):
        await servers.resolve(["mx9"])
    with pytest.raises(UsageError, match="Use --server NAME or --all"):
        await servers.resolve([])
    empty = Servers(ProfileStore(SessionStore(), tmp_path / "lock2"), servers.journal)
    with pytest.raises(UsageError, match="no server yet"):
        await empty.resolve([], everything=True)


async def test_a_missing_secret_is_left_out(servers: Servers) -> None:
    [relay] = await servers.resolve(["relay"])
    assert await servers.secrets(relay) == {}


async def test_session_and_actions_of_a_profile(servers: Servers) -> None:
    [profile] = await servers.resolve(["mx1"])
    session = await servers.session(profile)
    actions = servers.actions(session.connector, profile)
    with pytest.raises(Exception, match="read-only"):  # the default of a new profile
        await actions.run(QueueAction.RETRY, [entry(1)])
    await session.close()


def test_what_a_kind_declares() -> None:
    assert [field.name for field in declared_settings("memory")] == ["token"]
    assert secret_names("memory") == ("token",)
    assert secret_names("nowhere") == ()
    with pytest.raises(UsageError, match="no connector of kind 'nowhere'"):
        declared_settings("nowhere")
