"""One action over several servers: each for itself, and only what was shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.model.errors import NotPermittedError, UnreachableError
from smtpadmin.model.profile import SafetyLevel
from smtpadmin.model.queue import QueueAction
from smtpadmin.services.actions import CHANGED, QueueActions
from smtpadmin.services.bulk import BulkAction, BulkServer, Done, Found
from smtpadmin.settings.journal import Journal
from tests.support.memory_server import MemoryServer, entry, profile

DELETE = QueueAction.DELETE


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def server(
    name: str, journal: Journal, *numbers: int, safety: SafetyLevel = SafetyLevel.CONFIRM
) -> tuple[MemoryServer, BulkServer]:
    there = replace(profile(safety), name=name)
    memory = MemoryServer(there, {}).put(
        *(entry(n, domain="odd.example" if n % 2 else "even.example") for n in numbers)
    )
    return memory, BulkServer(name, memory, QueueActions(memory, there, journal))


async def looked(bulk: BulkAction) -> dict[str, Found]:
    return {found.server: found async for found in bulk.look()}


async def done(bulk: BulkAction, found: dict[str, Found]) -> dict[str, Done]:
    return {each.server: each async for each in bulk.run(list(found.values()))}


async def test_what_fits_on_each_server_is_shown_then_deleted(journal: Journal) -> None:
    (one, first), (two, second) = server("a", journal, 1, 2, 3), server("b", journal, 4, 5)
    bulk = BulkAction([first, second], DELETE, parse_filter("domain:odd.example"))
    found = await looked(bulk)
    assert {name: each.count for name, each in found.items()} == {"a": 2, "b": 1}
    assert not one.acted
    assert not two.acted
    ended = await done(bulk, found)
    assert {n: each.outcome.ok for n, each in ended.items() if each.outcome} == {"a": 2, "b": 1}
    assert (set(one.queue), set(two.queue)) == ({"Q2"}, {"Q4"})
    assert sorted(activity.server for activity in journal.read()) == ["a", "b"]


async def test_a_server_that_fails_stops_no_other(journal: Journal) -> None:
    (broken, first), (good, second) = server("a", journal, 1), server("b", journal, 1)
    broken.listing_breaks = (0, UnreachableError("gone"))
    _, third = server("c", journal, 1, safety=SafetyLevel.READ_ONLY)
    bulk = BulkAction([first, second, third], DELETE, parse_filter(""))
    found = await looked(bulk)
    assert isinstance(found["a"].error, UnreachableError)
    assert isinstance(found["c"].error, NotPermittedError)
    assert [name for name, each in found.items() if each.count] == ["b"]
    ended = await done(bulk, found)
    assert list(ended) == ["b"]
    assert good.queue == {}


async def test_what_changed_since_it_was_shown_is_not_touched(journal: Journal) -> None:
    memory, first = server("a", journal, 1, 3)
    bulk = BulkAction([first], DELETE, parse_filter("domain:odd.example"))
    found = await looked(bulk)
    memory.put(replace(entry(1), size=1))
    ended = await done(bulk, found)
    assert ended["a"].outcome is not None
    assert [r.message for r in ended["a"].outcome.failed] == [CHANGED]
    assert set(memory.queue) == {"Q1"}


async def test_an_action_that_breaks_off_is_told(journal: Journal) -> None:
    memory, first = server("a", journal, 1)
    bulk = BulkAction([first], DELETE, parse_filter(""))
    found = await looked(bulk)
    memory.listing_breaks = (0, UnreachableError("cut"))
    ended = await done(bulk, found)
    assert isinstance(ended["a"].error, UnreachableError)
    assert ended["a"].outcome is None
