"""An action touches the message that was seen, or nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smtpadmin.builtin import spool_rows
from smtpadmin.builtin.spool_actions import (
    ActionItem,
    check,
    give_back,
    look,
    requeue,
    simple_action,
)
from smtpadmin.builtin.spool_records import NewMessage
from smtpadmin.builtin.spool_schema import prepare
from smtpadmin.model.queue import QueueAction

ARRIVED = 1_700_000_000.123456
SEEN = ActionItem("Q1", datetime.fromtimestamp(ARRIVED, UTC), "a@x.example", 3)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        prepare(made, "here")
        yield made


def put(connection: sqlite3.Connection, state: str = "deferred", tries: int = 1) -> None:
    new = NewMessage("a@x.example", ("b@y.example",), b"raw", ARRIVED, 2e9, state=state)
    spool_rows.insert(connection, "Q1", new)
    connection.execute("UPDATE message SET tries = ?, next_try = 1.8e9", (tries,))


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (SEEN, None),
        (ActionItem("Q1"), None),
        (
            replace(SEEN, arrived=SEEN.arrived and SEEN.arrived + timedelta(seconds=1)),
            "another time",
        ),
        (replace(SEEN, sender="b@x.example"), "another sender"),
        (replace(SEEN, sender=""), "another sender"),
        (replace(SEEN, size=4), "another size"),
        (ActionItem("Q2"), "no longer in the queue"),
    ],
)
@pytest.mark.parametrize("action", list(QueueAction))
def test_only_the_message_that_was_seen(
    connection: sqlite3.Connection, action: QueueAction, item: ActionItem, problem: str | None
) -> None:
    put(connection)
    before = look(connection, "Q1")
    if action in (QueueAction.BOUNCE, QueueAction.REQUEUE):
        found = check(look(connection, item.queue_id), item) or ""
        result_ok = not found
    else:
        result = simple_action(connection, action, item, 5.0)
        found, result_ok = result.message, result.ok
    assert result_ok is (problem is None)
    if problem is not None:
        assert problem in found
        assert look(connection, "Q1") == before


@pytest.mark.parametrize(
    ("action", "state", "after", "words"),
    [
        (QueueAction.RETRY, "deferred", "deferred", "will be tried now"),
        (QueueAction.HOLD, "incoming", "hold", "held"),
        (QueueAction.HOLD, "hold", "hold", "was held already"),
        (QueueAction.RELEASE, "hold", "deferred", "released"),
        (QueueAction.RELEASE, "deferred", "deferred", "was not held"),
    ],
)
def test_states(
    connection: sqlite3.Connection, action: QueueAction, state: str, after: str, words: str
) -> None:
    put(connection, state)
    result = simple_action(connection, action, SEEN, 5.0)
    assert (result.ok, result.message) == (True, words)
    found = look(connection, "Q1")
    assert found is not None
    assert found.state == after
    if words in ("will be tried now", "released"):
        assert found.next_try == 5.0


def test_a_held_message_is_not_retried(connection: sqlite3.Connection) -> None:
    put(connection, "hold")
    result = simple_action(connection, QueueAction.RETRY, SEEN, 5.0)
    assert (result.ok, result.message) == (False, "is held; release it to have it tried")


def test_a_message_never_tried_is_released_as_new(connection: sqlite3.Connection) -> None:
    put(connection, "hold", tries=0)
    simple_action(connection, QueueAction.RELEASE, SEEN, 5.0)
    found = look(connection, "Q1")
    assert found is not None
    assert found.state == "incoming"


def test_a_deleted_message_is_gone(connection: sqlite3.Connection) -> None:
    put(connection)
    assert simple_action(connection, QueueAction.DELETE, SEEN, 5.0).ok
    assert look(connection, "Q1") is None


@pytest.mark.parametrize("action", [a for a in QueueAction if a is not QueueAction.BOUNCE])
def test_what_is_being_delivered_is_left_alone(
    connection: sqlite3.Connection, action: QueueAction
) -> None:
    put(connection, "active")
    if action is QueueAction.REQUEUE:
        result = requeue(connection, SEEN, "Q2", 5.0)
    else:
        result = simple_action(connection, action, SEEN, 5.0)
    assert not result.ok
    assert "being delivered at this moment" in result.message
    give_back(connection, "Q1")
    assert simple_action(connection, QueueAction.DELETE, SEEN, 5.0).ok


def test_a_requeued_message_starts_again_under_a_new_id(connection: sqlite3.Connection) -> None:
    put(connection, tries=7)
    result = requeue(connection, SEEN, "Q2", 5.0)
    assert (result.ok, result.queue_id, result.message) == (True, "Q1", "requeued as Q2")
    assert look(connection, "Q1") is None
    found = look(connection, "Q2")
    assert found is not None
    assert (found.state, found.tries, found.next_try, found.arrived) == (
        "incoming",
        0,
        5.0,
        ARRIVED,
    )
    assert [r.address for r in found.recipients] == ["b@y.example"]
    assert connection.execute("SELECT raw FROM content").fetchall() == [(b"raw",)]
