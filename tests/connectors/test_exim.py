"""The Exim connector against a real Exim 4.96."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.connectors.exim import CHANGED, EximServer
from smtpadmin.formats.exim_actions import GONE, LOCKED, MALFORMED
from smtpadmin.model.errors import ServerRefusedError
from smtpadmin.model.queue import QueueAction, QueueEntry, StoredMessage
from tests.servers.exim import Exim, running_exim

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def running() -> Iterator[Exim]:
    with running_exim() as exim:
        yield exim


@pytest.fixture
def exim(running: Exim) -> Exim:
    running.empty()
    return running


@pytest.fixture
async def server(exim: Exim) -> AsyncIterator[EximServer]:
    connector = EximServer(exim.profile(), {})
    yield connector
    await connector.close()


async def listed(server: EximServer) -> dict[str, QueueEntry]:
    return {e.queue_id: e async for batch in server.list_queue() for e in batch}


async def test_it_says_who_it_is_and_what_the_account_may_do(server: EximServer) -> None:
    found = await server.probe()
    assert (found.software, found.version) == ("Exim", "4.96")
    assert found.facts["Host name"] == "ex1.lab.test"
    assert found.facts["Administrator"] == "by itself"
    assert found.facts["Largest message"] == "50M"


async def test_the_queue_with_every_kind_of_message(exim: Exim, server: EximServer) -> None:
    plain = exim.put("u@down.test")
    bounce = exim.put(["u@down.test", "later@lab.test"], sender="")
    frozen = exim.send("frozen@good.test")
    half = exim.put(["anna@lab.test", "u@down.test"])
    exim.run("-M", half)
    rows = await listed(server)
    assert set(rows) == {plain, bounce, frozen, half}
    assert rows[plain].sender == "anna@lab.test"
    assert rows[plain].server == "ex1"
    assert rows[bounce].sender == ""
    assert [r.address for r in rows[bounce].recipients] == ["u@down.test", "later@lab.test"]
    assert (rows[frozen].frozen, rows[frozen].queue) == (True, "frozen")
    assert {r.address: r.delivered for r in rows[half].recipients} == {
        "anna@lab.test": True,
        "u@down.test": False,
    }
    assert (await server.queue_counts()).total == 4
