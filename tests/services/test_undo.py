"""Undo: the inverse for what is still there, the copies for what is gone, never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smtpadmin.model.activity import Activity
from smtpadmin.model.errors import NotPermittedError, UnreachableError, UsageError
from smtpadmin.model.profile import SafetyLevel
from smtpadmin.model.queue import QueueAction, StoredMessage
from smtpadmin.services.actions import GONE, QueueActions
from smtpadmin.services.undo import can_undo, undo
from smtpadmin.settings.journal import Journal
from tests.support.memory_server import MemoryServer, entry, profile


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer(profile(), {}).put(*map(entry, range(1, 5)))


@pytest.fixture
def actions(server: MemoryServer, journal: Journal) -> QueueActions:
    return QueueActions(server, profile(), journal)


async def done(actions: QueueActions, action: QueueAction, *numbers: int) -> Activity:
    return (await actions.run(action, [entry(n) for n in numbers])).activity


async def test_a_hold_is_released_where_the_message_is_still_there(
    server: MemoryServer, actions: QueueActions
) -> None:
    held = await done(actions, QueueAction.HOLD, 1, 2)
    del server.queue["Q2"]
    outcome = await undo(actions, server, held)
    assert [(r.queue_id, r.ok, r.message) for r in outcome.results] == [
        ("Q1", True, ""),
        ("Q2", False, GONE),
    ]
    assert server.queue["Q1"].queue == "deferred"
    assert outcome.activity.undo_of == held.id
    assert not can_undo(outcome.activity)


async def test_a_later_message_with_the_same_id_is_not_touched(
    server: MemoryServer, actions: QueueActions
) -> None:
    held = await done(actions, QueueAction.HOLD, 1)
    later = replace(entry(1, "hold"), arrived=datetime(2100, 1, 1, tzinfo=UTC))
    server.put(later)
    outcome = await undo(actions, server, held)
    assert [result.message for result in outcome.results] == [GONE]
    assert server.queue["Q1"] == later


async def test_deleted_messages_are_put_back_from_their_copies(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    deleted = await done(actions, QueueAction.DELETE, 1, 2)
    outcome = await undo(actions, server, deleted)
    assert [result.message for result in outcome.results] == [
        "queued again as NEW1",
        "queued again as NEW2",
    ]
    assert [(m.queue_id, m.sender, m.recipients) for m in server.reinjected] == [
        ("Q1", "news@corp.example", ("u1@one.example",)),
        ("Q2", "news@corp.example", ("u2@one.example",)),
    ]
    newest = journal.read()[0]
    assert (newest.undo_of, newest.action, newest.ok) == (deleted.id, "reinject", 2)


async def test_what_was_put_back_is_not_put_back_again(
    server: MemoryServer, actions: QueueActions
) -> None:
    deleted = await done(actions, QueueAction.DELETE, 1, 2)
    server.refuses = {"Q2"}
    partial = await undo(actions, server, deleted)
    assert [(r.ok, r.message) for r in partial.results] == [
        (True, "queued again as NEW1"),
        (False, "no room"),
    ]
    server.refuses = set()
    rest = await undo(actions, server, deleted)
    assert [(r.queue_id, r.ok) for r in rest.results] == [("Q2", True)]
    with pytest.raises(UsageError, match="taken back already"):
        await undo(actions, server, deleted)
    assert [message.queue_id for message in server.reinjected] == ["Q1", "Q2"]


async def test_a_bounce_says_what_cannot_be_taken_back(
    server: MemoryServer, actions: QueueActions
) -> None:
    bounced = await done(actions, QueueAction.BOUNCE, 1)
    outcome = await undo(actions, server, bounced)
    assert outcome.results[0].message == "queued again as NEW1; the bounce was sent already"


async def test_a_damaged_copy_fails_alone(server: MemoryServer, actions: QueueActions) -> None:
    deleted = await done(actions, QueueAction.DELETE, 1, 2)
    Path(deleted.copies[0]).unlink()
    outcome = await undo(actions, server, deleted)
    assert [result.ok for result in outcome.results] == [False, True]
    assert "kept copy cannot be read" in outcome.results[0].message
    assert outcome.error is None


async def test_a_lost_connection_stops_and_the_rest_can_be_undone_later(
    server: MemoryServer, actions: QueueActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = await done(actions, QueueAction.DELETE, 1, 2)

    async def lost(_message: StoredMessage) -> str:
        raise UnreachableError("connection reset")

    with monkeypatch.context() as patch:
        patch.setattr(server, "reinject", lost)
        outcome = await undo(actions, server, deleted)
    assert isinstance(outcome.error, UnreachableError)
    assert [result.ok for result in outcome.results] == [False]
    assert (await undo(actions, server, deleted)).ok == 2


async def test_no_way_back_is_said_before_anything_is_done(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    retried = await done(actions, QueueAction.RETRY, 1)
    with pytest.raises(UsageError, match="retry cannot be taken back"):
        await undo(actions, server, retried)
    held = await done(actions, QueueAction.HOLD, 1)
    read_only = QueueActions(server, profile(SafetyLevel.READ_ONLY), journal)
    with pytest.raises(NotPermittedError, match="read-only"):
        await undo(read_only, server, held)


async def test_an_action_that_did_nothing_has_nothing_to_undo(
    server: MemoryServer, actions: QueueActions
) -> None:
    server.refuses = {"Q1"}
    assert not can_undo(await done(actions, QueueAction.HOLD, 1))
