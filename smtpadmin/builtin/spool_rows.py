"""Rows of the spool as records, and records as rows. Every function takes a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from smtpadmin.builtin.spool_records import (
    NewMessage,
    SpooledMessage,
    SpooledRecipient,
)

_COLUMNS = (
    "queue_id, state, arrived, expires, next_try, tries, notified, sender, size, message_id, "
    "subject, client_name, client_address, sasl_username, smtputf8"
)
_NAMES = _COLUMNS.split(", ")
_PAGE = 500


def insert(connection: sqlite3.Connection, queue_id: str, new: NewMessage) -> None:
    """Put a new message, its content and its recipients into the tables."""
    connection.execute(
        f"INSERT INTO message ({_COLUMNS}) VALUES (?,?,?,?,?,0,0,?,?,?,?,?,?,?,?)",
        (
            queue_id,
            new.state,
            new.arrived,
            new.expires,
            new.arrived,
            new.sender,
            len(new.raw),
            new.message_id,
            new.subject,
            new.client_name,
            new.client_address,
            new.sasl_username,
            new.smtputf8,
        ),
    )
    connection.execute("INSERT INTO content VALUES (?,?)", (queue_id, new.raw))
    connection.executemany(
        "INSERT INTO recipient (queue_id, n, address) VALUES (?,?,?)",
        [(queue_id, n, address) for n, address in enumerate(new.recipients)],
    )


def remove(connection: sqlite3.Connection, queue_id: str) -> bool:
    """Take a message out of every table; False when it was not there."""
    for table in ("content", "recipient", "attempt"):
        connection.execute(f"DELETE FROM {table} WHERE queue_id = ?", (queue_id,))
    done = connection.execute("DELETE FROM message WHERE queue_id = ?", (queue_id,))
    return done.rowcount > 0


def load(connection: sqlite3.Connection, queue_id: str) -> SpooledMessage | None:
    """One message with its recipients, or None when it is gone."""
    found = list(load_many(connection, [queue_id]))
    return found[0] if found else None


def load_many(connection: sqlite3.Connection, queue_ids: Sequence[str]) -> Iterator[SpooledMessage]:
    """Messages with their recipients, in the order of arrival."""
    for start in range(0, len(queue_ids), _PAGE):
        page = queue_ids[start : start + _PAGE]
        marks = ",".join("?" * len(page))
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM message WHERE queue_id IN ({marks}) ORDER BY queue_id", page
        ).fetchall()
        yield from _with_recipients(connection, rows)


def page(connection: sqlite3.Connection, after: str, size: int) -> list[SpooledMessage]:
    """The next ``size`` messages in the order of arrival; ``after`` is the last ID seen."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM message WHERE queue_id > ? ORDER BY queue_id LIMIT ?",
        (after, size),
    ).fetchall()
    return list(_with_recipients(connection, rows)) if rows else []


def _with_recipients(
    connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]
) -> Iterator[SpooledMessage]:
    recipients = _recipients_of(connection, [str(row[0]) for row in rows])
    for row in rows:
        yield _message(row, recipients.get(str(row[0]), ()))


def _recipients_of(
    connection: sqlite3.Connection, queue_ids: Sequence[str]
) -> dict[str, list[SpooledRecipient]]:
    marks = ",".join("?" * len(queue_ids))
    found: dict[str, list[SpooledRecipient]] = {}
    for queue_id, *values in connection.execute(
        "SELECT queue_id, n, address, state, dsn, reply, relay FROM recipient"
        f" WHERE queue_id IN ({marks}) ORDER BY queue_id, n",
        queue_ids,
    ):
        found.setdefault(queue_id, []).append(SpooledRecipient(*values))
    return found


def _message(row: Sequence[Any], recipients: Iterable[SpooledRecipient]) -> SpooledMessage:
    named = dict(zip(_NAMES, row, strict=True))
    named["notified"], named["smtputf8"] = bool(named["notified"]), bool(named["smtputf8"])
    return SpooledMessage(**named, recipients=tuple(recipients))
