"""Rows become records, records become rows."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from smtpadmin.builtin import spool_rows
from smtpadmin.builtin.spool_records import Attempt, NewMessage, Outcome, Settlement
from smtpadmin.builtin.spool_schema import prepare


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        prepare(made, "here")
        yield made


def new(*recipients: str, arrived: float = 1.0, state: str = "incoming") -> NewMessage:
    return NewMessage(
        "a@x.example", recipients or ("b@y.example",), b"raw", arrived, 100.0, state=state
    )


def outcome(n: int, status: str) -> Outcome:
    return Outcome(n, f"{n}@y.example", status, "4.0.0", f"reply {n}", "relay")


def test_a_message_comes_back_as_it_went_in(connection: sqlite3.Connection) -> None:
    given = NewMessage(
        sender="ä@x.example",
        recipients=("b@y.example", "c@y.example"),
        raw=b"\0raw",
        arrived=1.5,
        expires=2.5,
        message_id="<1>",
        subject="hä",
        client_name="c",
        client_address="::1",
        sasl_username="u",
        smtputf8=True,
        state="hold",
    )
    spool_rows.insert(connection, "Q1", given)
    found = spool_rows.load(connection, "Q1")
    assert found is not None
    for name in ("sender", "arrived", "expires", "message_id", "subject", "client_name"):
        assert getattr(found, name) == getattr(given, name)
    assert (found.size, found.smtputf8, found.state) == (4, True, "hold")
    assert (found.tries, found.notified, found.interrupted) == (0, False, False)
    assert [r.address for r in found.waiting] == list(given.recipients)
    assert found.untold == ()


def test_a_removed_message_is_gone_and_its_id_is_remembered(
    connection: sqlite3.Connection,
) -> None:
    for queue_id in ("Q2", "Q1"):
        spool_rows.insert(connection, queue_id, new())
        assert spool_rows.remove(connection, queue_id)
    assert not spool_rows.remove(connection, "Q0")
    assert spool_rows.load(connection, "Q1") is None
    assert connection.execute("SELECT value FROM meta").fetchall() == [("Q2",)]
    for table in ("content", "recipient", "attempt", "message"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_the_longest_due_come_first_and_held_ones_never(connection: sqlite3.Connection) -> None:
    states = {"Q1": ("deferred", 3.0), "Q2": ("incoming", 2.0), "Q3": ("hold", 1.0)}
    states |= {"Q4": ("active", 1.0), "Q5": ("incoming", 9.0)}
    for queue_id, (state, at) in states.items():
        spool_rows.insert(connection, queue_id, new(arrived=at, state=state))
    assert spool_rows.next_due(connection) == 2.0
    assert [m.queue_id for m in spool_rows.claim_due(connection, 5.0, 1)] == ["Q2"]
    assert [m.queue_id for m in spool_rows.claim_due(connection, 5.0, 9)] == ["Q1"]
    assert spool_rows.claim_due(connection, 5.0, 9) == []
    assert spool_rows.next_due(connection) == 9.0


def test_claiming_does_not_read_the_whole_queue(connection: sqlite3.Connection) -> None:
    plans: list[str] = []
    for state in ("incoming", "deferred"):
        spool_rows.insert(connection, f"Q{state}", new(state=state))
    connection.set_trace_callback(plans.append)
    spool_rows.claim_due(connection, 5.0, 9)
    connection.set_trace_callback(None)
    select = next(statement for statement in plans if "UNION ALL" in statement)
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {select}")]
    assert sum("USING COVERING INDEX message_due (state=? AND next_try<?)" in s for s in steps) == 2


def test_pages_in_the_order_of_arrival(connection: sqlite3.Connection) -> None:
    queue_ids = [f"Q{n:04}" for n in range(1200)]
    for queue_id in queue_ids:
        spool_rows.insert(connection, queue_id, new("b@y.example", "c@y.example"))
    first = spool_rows.page(connection, "", 500)
    assert [m.queue_id for m in first] == queue_ids[:500]
    assert all(len(m.recipients) == 2 for m in first)
    assert spool_rows.page(connection, queue_ids[-1], 500) == []
    assert [m.queue_id for m in spool_rows.load_many(connection, queue_ids)] == queue_ids


def test_outcomes_and_attempts(connection: sqlite3.Connection) -> None:
    spool_rows.insert(connection, "Q1", new("0@y.example", "1@y.example", "2@y.example"))
    spool_rows.record(
        connection, "Q1", [outcome(0, "sent"), outcome(1, "deferred"), outcome(2, "bounced")]
    )
    found = spool_rows.load(connection, "Q1")
    assert found is not None
    assert [r.state for r in found.recipients] == ["sent", "waiting", "bounced"]
    assert [r.reply for r in found.recipients] == ["reply 0", "reply 1", "reply 2"]
    assert found.untold == (outcome(2, "bounced"),)
    attempts = [Attempt(float(n), "relay", str(n), "[]") for n in range(5)]
    spool_rows.keep_attempts(connection, "Q1", attempts, 3)
    kept = connection.execute("SELECT outcome FROM attempt ORDER BY id").fetchall()
    assert kept == [("2",), ("3",), ("4",)]


def test_settling_a_round_that_goes_on(connection: sqlite3.Connection) -> None:
    spool_rows.insert(connection, "Q1", new("0@y.example", "1@y.example", state="active"))
    spool_rows.record(connection, "Q1", [outcome(0, "bounced"), outcome(1, "deferred")])
    told = (("Q9", new("a@x.example")),)
    spool_rows.settle(connection, Settlement("Q1", 1, 50.0, notifications=told, delay_told=True))
    found = spool_rows.load(connection, "Q1")
    assert found is not None
    assert (found.state, found.tries, found.next_try, found.notified) == ("deferred", 1, 50.0, True)
    assert found.untold == ()
    assert spool_rows.load(connection, "Q9") is not None
    spool_rows.settle(connection, Settlement("Q1", 2, 60.0))
    assert (found := spool_rows.load(connection, "Q1")) is not None
    assert found.tries == 1, "not active: an administrator was faster"


def test_settling_the_last_round(connection: sqlite3.Connection) -> None:
    spool_rows.insert(connection, "Q1", new("0@y.example", state="active"))
    told = (("Q9", new("a@x.example")),)
    end = Settlement("Q1", 1, None, expired=(outcome(0, "expired"),), notifications=told)
    spool_rows.settle(connection, end)
    assert spool_rows.load(connection, "Q1") is None
    assert spool_rows.load(connection, "Q9") is not None
