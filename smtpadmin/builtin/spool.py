"""The durable spool: what was accepted is on disk, and stays until it ends.

Every change goes through the writer thread and is answered after its commit has reached the disk.
Reading uses connections of its own and sees the last commit.
"""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from smtpadmin.builtin import spool_rows
from smtpadmin.builtin.queue_id import QueueIds
from smtpadmin.builtin.spool_actions import ActionItem, check
from smtpadmin.builtin.spool_lock import SpoolLock
from smtpadmin.builtin.spool_records import (
    WAITING,
    Attempt,
    NewMessage,
    Outcome,
    SpooledMessage,
)
from smtpadmin.builtin.spool_writer import SpoolWriter, connect
from smtpadmin.model.queue import ActionResult
from smtpadmin.util.tasks import run_blocking_for

T = TypeVar("T")
ATTEMPTS_KEPT = 5
READ_DEADLINE_S = 60.0


class Spool:
    """A queue on disk. Open it, use it, close it; one process at a time."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._lock = SpoolLock(path.with_suffix(".lock"))
        self._writer = SpoolWriter(path)
        self._ids = QueueIds()

    def open(self) -> None:
        """Take the spool over: lock it, make or check its tables, put what was being delivered
        when the last server ended back in line. Raises StorageError."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock.acquire()
        try:
            self._writer.open()
            self._recover()
        except BaseException:
            self.close()
            raise

    def _recover(self) -> None:
        connection = connect(self.path)
        try:
            connection.execute("UPDATE message SET state = 'deferred' WHERE state = 'active'")
            row = connection.execute("SELECT value FROM meta WHERE key = 'last_id'").fetchone()
            newest = connection.execute("SELECT max(queue_id) FROM message").fetchone()
        finally:
            connection.close()
        self._ids = QueueIds(max(row[0] if row else "", newest[0] or ""))

    def close(self) -> None:
        """Finish what was begun and give the spool up; may be called twice."""
        self._writer.close()
        self._lock.release()

    # Changes: each is on disk when it returns.

    async def accept(self, new: NewMessage, queue_id: str | None = None) -> str:
        """Take responsibility for a message; gives its queue ID (``queue_id`` when it was drawn
        before, by :meth:`new_queue_id`). Raises StorageError (disk full), after which nothing was
        accepted."""
        queue_id = queue_id or self.new_queue_id()

        def job(connection: sqlite3.Connection) -> str:
            spool_rows.insert(connection, queue_id, new)
            return queue_id

        return await self._writer.run(job)

    async def claim_due(self, now: float, most: int) -> list[SpooledMessage]:
        """Messages whose time has come, now ``active`` and the caller's to deliver."""

        def job(connection: sqlite3.Connection) -> list[SpooledMessage]:
            rows = connection.execute(
                "SELECT queue_id FROM message WHERE state IN ('incoming', 'deferred')"
                " AND next_try <= ? ORDER BY next_try LIMIT ?",
                (now, most),
            ).fetchall()
            queue_ids = [row[0] for row in rows]
            connection.executemany(
                "UPDATE message SET state = 'active' WHERE queue_id = ?",
                [(queue_id,) for queue_id in queue_ids],
            )
            return list(spool_rows.load_many(connection, queue_ids))

        return await self._writer.run(job)

    async def record(self, queue_id: str, outcomes: Sequence[Outcome], attempt: Attempt) -> None:
        """Write down what one delivery session gave, before anything else happens."""

        def job(connection: sqlite3.Connection) -> None:
            for outcome in outcomes:
                connection.execute(
                    "UPDATE recipient SET state = ?, dsn = ?, reply = ?, relay = ?"
                    " WHERE queue_id = ? AND n = ?",
                    (
                        outcome.status if outcome.is_final else WAITING,
                        outcome.dsn,
                        outcome.reply,
                        outcome.relay,
                        queue_id,
                        outcome.n,
                    ),
                )
            _keep_attempt(connection, queue_id, attempt)

        await self._writer.run(job)

    async def defer(self, queue_id: str, tries: int, next_try: float) -> None:
        """End a round of tries: the message waits until ``next_try``."""
        await self._writer.run(
            lambda connection: connection.execute(
                "UPDATE message SET state = 'deferred', tries = ?, next_try = ?"
                " WHERE queue_id = ? AND state = 'active'",
                (tries, next_try, queue_id),
            )
        )

    async def end(self, queue_id: str, notification: NewMessage | None = None) -> str | None:
        """Take a finished message out; its failure notification, if any, goes in by the same
        commit, so that neither is lost nor doubled. Gives the notification's queue ID."""
        return await self._replace(queue_id, notification)

    async def notify(self, queue_id: str, notification: NewMessage, *, delayed: bool) -> str:
        """Put a notification about a message in that stays in the queue; ``delayed`` remembers
        that the sender was told of the delay. Recipients that failed are told of once: they are
        no longer waiting."""
        new_id = self._ids.next(self._clock())

        def job(connection: sqlite3.Connection) -> str:
            if delayed:
                connection.execute(
                    "UPDATE message SET notified = 1 WHERE queue_id = ?", (queue_id,)
                )
            spool_rows.insert(connection, new_id, notification)
            return new_id

        return await self._writer.run(job)

    async def end_unless_changed(self, item: ActionItem, new: NewMessage | None) -> ActionResult:
        """Like :meth:`end`, for an administrator: only when the message is still the one that was
        seen. The result's message is the notification's queue ID."""
        new_id = self.new_queue_id() if new is not None else ""

        def job(connection: sqlite3.Connection) -> ActionResult:
            problem = check(spool_rows.load(connection, item.queue_id), item)
            if problem is not None:
                return ActionResult(item.queue_id, False, problem)
            spool_rows.remove(connection, item.queue_id)
            if new is not None:
                spool_rows.insert(connection, new_id, new)
            return ActionResult(item.queue_id, True, new_id)

        return await self._writer.run(job)

    async def _replace(self, queue_id: str, new: NewMessage | None) -> str | None:
        new_id = self._ids.next(self._clock()) if new is not None else None

        def job(connection: sqlite3.Connection) -> str | None:
            spool_rows.remove(connection, queue_id)
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('last_id', ?)",
                (max(queue_id, new_id or "", _last_id(connection)),),
            )
            if new is not None and new_id is not None:
                spool_rows.insert(connection, new_id, new)
            return new_id

        return await self._writer.run(job)

    async def change(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a change of a queue action (:mod:`smtpadmin.builtin.spool_actions`)."""
        return await self._writer.run(job)

    def new_queue_id(self) -> str:
        """The next queue ID, for a message that is put in by :meth:`change`."""
        return self._ids.next(self._clock())

    # Reading.

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on a connection of its own, in a thread. Raises TotalDeadlineError."""

        def work() -> T:
            connection = connect(self.path)
            try:
                connection.execute("PRAGMA query_only = ON")
                return query(connection)
            finally:
                connection.close()

        return await run_blocking_for(READ_DEADLINE_S, work)

    async def get(self, queue_id: str) -> SpooledMessage | None:
        """One message, or None when it is not there."""
        return await self.read(lambda connection: spool_rows.load(connection, queue_id))

    async def content(self, queue_id: str) -> bytes | None:
        """A message's octets with CRLF line ends, or None when it is not there."""

        def query(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(
                "SELECT raw FROM content WHERE queue_id = ?", (queue_id,)
            ).fetchone()
            return bytes(row[0]) if row else None

        return await self.read(query)

    async def attempts(self, queue_id: str) -> list[Attempt]:
        """The last few delivery sessions of a message, the oldest first."""

        def query(connection: sqlite3.Connection) -> list[Attempt]:
            rows = connection.execute(
                "SELECT started, relay, outcome, transcript FROM attempt"
                " WHERE queue_id = ? ORDER BY id",
                (queue_id,),
            )
            return [Attempt(*row) for row in rows]

        return await self.read(query)

    async def counts(self) -> dict[str, int]:
        """Messages by state."""
        return await self.read(
            lambda connection: dict(
                connection.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall()
            )
        )

    async def next_due(self) -> float | None:
        """When the next message falls due; None when nothing waits."""

        def query(connection: sqlite3.Connection) -> float | None:
            (found,) = connection.execute(
                "SELECT min(next_try) FROM message WHERE state IN ('incoming', 'deferred')"
            ).fetchone()
            return None if found is None else float(found)

        return await self._writer.run(query)

    async def listing(self, page_size: int = 500) -> AsyncIterator[list[SpooledMessage]]:
        """The queue in the order of arrival, page by page; what ends meanwhile may be missing,
        nothing appears twice."""
        last = ""
        while True:
            page = await self.read(functools.partial(spool_rows.page, after=last, size=page_size))
            if not page:
                return
            yield page
            last = page[-1].queue_id


def _last_id(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE key = 'last_id'").fetchone()
    return str(row[0]) if row else ""


def _keep_attempt(connection: sqlite3.Connection, queue_id: str, attempt: Attempt) -> None:
    connection.execute(
        "INSERT INTO attempt (queue_id, started, relay, outcome, transcript) VALUES (?,?,?,?,?)",
        (queue_id, attempt.started, attempt.relay, attempt.outcome, attempt.transcript),
    )
    connection.execute(
        "DELETE FROM attempt WHERE queue_id = ? AND id NOT IN"
        " (SELECT id FROM attempt WHERE queue_id = ? ORDER BY id DESC LIMIT ?)",
        (queue_id, queue_id, ATTEMPTS_KEPT),
    )
