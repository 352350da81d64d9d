"""The spool's tables, and how an older spool becomes this one."""

from __future__ import annotations

import sqlite3

from smtpadmin.model.errors import StorageError

VERSION = 1

_TABLES = """
CREATE TABLE message (
    queue_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('incoming', 'active', 'deferred', 'hold')),
    arrived REAL NOT NULL,
    expires REAL NOT NULL,
    next_try REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    notified INTEGER NOT NULL DEFAULT 0,
    sender TEXT NOT NULL,
    size INTEGER NOT NULL,
    message_id TEXT,
    subject TEXT,
    client_name TEXT,
    client_address TEXT,
    sasl_username TEXT,
    smtputf8 INTEGER NOT NULL DEFAULT 0,
    interrupted INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX message_due ON message (state, next_try);
CREATE TABLE content (queue_id TEXT PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE recipient (
    queue_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    dsn TEXT,
    reply TEXT,
    relay TEXT,
    told INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (queue_id, n)
) WITHOUT ROWID;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    queue_id TEXT NOT NULL,
    started REAL NOT NULL,
    relay TEXT NOT NULL,
    outcome TEXT NOT NULL,
    transcript TEXT NOT NULL
);
CREATE INDEX attempt_of ON attempt (queue_id);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def prepare(connection: sqlite3.Connection, where: str) -> None:
    """Make the tables in a new spool, check the version of an old one.

    Raises StorageError when the spool was written by a newer smtpadmin.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise StorageError(
            f"the spool has version {found}, this smtpadmin knows {VERSION}",
            where=where,
            remedy="Use the newer smtpadmin.",
        )
    if found == 0:
        connection.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
