"""Rows of the spool as records, and records as rows. Every function takes a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from smtpadmin.builtin.spool_records import (
    FAILED,
    WAITING,
    Attempt,
    NewMessage,
    Outcome,
    Settlement,
    SpooledMessage,
    SpooledRecipient,
)

_COLUMNS = (
    "queue_id, state, arrived, expires, next_try, tries, notified, sender, size, message_id, "
    "subject, client_name, client_address, sasl_username, smtputf8, interrupted"
)
_NAMES = _COLUMNS.split(", ")
_PAGE = 500


def insert(connection: sqlite3.Connection, queue_id: str, new: NewMessage) -> None:
    """Put a new message, its content and its recipients into the tables."""
    connection.execute(
        f"INSERT INTO message ({_COLUMNS}) VALUES (?,?,?,?,?,0,0,?,?,?,?,?,?,?,?,0)",
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
    """Take a message out of every table; False when it was not there. Its queue ID is remembered
    as used."""
    connection.execute(
        "INSERT INTO meta VALUES ('last_id', ?)"
        " ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
        (queue_id,),
    )
    for table in ("content", "recipient", "attempt"):
        connection.execute(f"DELETE FROM {table} WHERE queue_id = ?", (queue_id,))
    done = connection.execute("DELETE FROM message WHERE queue_id = ?", (queue_id,))
    return done.rowcount > 0


def claim_due(connection: sqlite3.Connection, now: float, most: int) -> list[SpooledMessage]:
    """Make messages whose time has come ``active``, the longest due first."""
    one_state = (
        "SELECT * FROM (SELECT queue_id, next_try FROM message WHERE state = '{}'"
        " AND next_try <= ?1 ORDER BY next_try LIMIT ?2)"
    )
    query = f"{one_state.format('incoming')} UNION ALL {one_state.format('deferred')}"
    rows = connection.execute(f"{query} ORDER BY 2 LIMIT ?2", (now, most)).fetchall()
    queue_ids = [str(row[0]) for row in rows]
    connection.executemany(
        "UPDATE message SET state = 'active' WHERE queue_id = ?",
        [(queue_id,) for queue_id in queue_ids],
    )
    return list(load_many(connection, queue_ids))


def next_due(connection: sqlite3.Connection) -> float | None:
    """When the next message falls due; None when nothing waits."""
    one_state = "SELECT min(next_try) AS t FROM message WHERE state = '{}'"
    (found,) = connection.execute(
        f"SELECT min(t) FROM ({one_state.format('incoming')} UNION ALL"
        f" {one_state.format('deferred')})"
    ).fetchone()
    return None if found is None else float(found)


def record(connection: sqlite3.Connection, queue_id: str, outcomes: Iterable[Outcome]) -> None:
    """Write down what became of recipients."""
    connection.executemany(
        "UPDATE recipient SET state = ?, dsn = ?, reply = ?, relay = ?"
        " WHERE queue_id = ? AND n = ?",
        [
            (o.status if o.is_final else WAITING, o.dsn, o.reply, o.relay, queue_id, o.n)
            for o in outcomes
        ],
    )


def keep_attempts(
    connection: sqlite3.Connection, queue_id: str, attempts: Iterable[Attempt], most: int
) -> None:
    """Keep these delivery sessions, and of all the last ``most``."""
    connection.executemany(
        "INSERT INTO attempt (queue_id, started, relay, outcome, transcript) VALUES (?,?,?,?,?)",
        [(queue_id, a.started, a.relay, a.outcome, a.transcript) for a in attempts],
    )
    connection.execute(
        "DELETE FROM attempt WHERE queue_id = ?1 AND id NOT IN"
        " (SELECT id FROM attempt WHERE queue_id = ?1 ORDER BY id DESC LIMIT ?2)",
        (queue_id, most),
    )


def settle(connection: sqlite3.Connection, end: Settlement) -> None:
    """End a round of tries."""
    record(connection, end.queue_id, end.expired)
    for queue_id, notification in end.notifications:
        insert(connection, queue_id, notification)
    if end.next_try is None:
        remove(connection, end.queue_id)
        return
    if end.notifications:
        connection.execute(
            f"UPDATE recipient SET told = 1 WHERE queue_id = ? AND state IN {FAILED}",
            (end.queue_id,),
        )
    connection.execute(
        "UPDATE message SET state = 'deferred', interrupted = 0, tries = ?, next_try = ?,"
        " notified = max(notified, ?) WHERE queue_id = ? AND state = 'active'",
        (end.tries, end.next_try, end.delay_told, end.queue_id),
    )


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
        "SELECT queue_id, n, address, state, dsn, reply, relay, told FROM recipient"
        f" WHERE queue_id IN ({marks}) ORDER BY queue_id, n",
        queue_ids,
    ):
        found.setdefault(queue_id, []).append(SpooledRecipient(*values))
    return found


def _message(row: Sequence[Any], recipients: Iterable[SpooledRecipient]) -> SpooledMessage:
    named = dict(zip(_NAMES, row, strict=True))
    for flag in ("notified", "smtputf8", "interrupted"):
        named[flag] = bool(named[flag])
    return SpooledMessage(**named, recipients=tuple(recipients))
