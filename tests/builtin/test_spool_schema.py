"""The tables, and spools of other versions."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from smtpadmin.builtin.spool_schema import VERSION, prepare
from smtpadmin.model.errors import StorageError


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        yield made


def test_a_new_spool_gets_its_tables_once(connection: sqlite3.Connection) -> None:
    prepare(connection, "here")
    connection.execute("INSERT INTO meta VALUES ('a', 'b')")
    prepare(connection, "here")
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert connection.execute("SELECT * FROM meta").fetchall() == [("a", "b")]


def test_a_newer_spool_is_left_alone(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StorageError, match=r"here: the spool has version .* newer smtpadmin"):
        prepare(connection, "here")


def test_no_message_has_a_state_that_is_none(connection: sqlite3.Connection) -> None:
    prepare(connection, "here")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute(
            "INSERT INTO message (queue_id, state, arrived, expires, next_try, sender, size)"
            " VALUES ('Q', 'lost', 0, 0, 0, '', 0)"
        )
