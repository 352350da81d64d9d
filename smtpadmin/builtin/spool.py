"""The durable spool: what was accepted is on disk, and stays until it ends.

Every change goes through the writer thread and is answered after its commit has reached the disk.
Reading uses connections of its own and sees the last commit.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
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
    Attempt,
    NewMessage,
    Outcome,
    Settlement,
    SpooledMessage,
)
from smtpadmin.builtin.spool_writer import SpoolWriter, connect, storage_error
from smtpadmin.model.errors import StorageError
from smtpadmin.model.queue import ActionResult
from smtpadmin.util.tasks import run_blocking_for

T = TypeVar("T")
ATTEMPTS_KEPT = 5
READ_DEADLINE_S = 60.0
FREE_SPACE_KNOWN_S = 0.2
"""Asking the disk for each message would cost a twentieth of its time."""


class Spool:
    """A queue on disk. Open it, use it, close it; one process at a time.

    Mail is taken only while ``free_space`` octets stay free, so that the queue's own records can
    be written to the end.
    """

    def __init__(
        self, path: Path, *, free_space: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._free_space = free_space
        self._free = 0
        self._look_again = 0.0
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
        try:
            with contextlib.closing(connect(self.path)) as connection:
                connection.execute(
                    "UPDATE message SET state = 'deferred', interrupted = 1 WHERE state = 'active'"
                )
                row = connection.execute("SELECT value FROM meta WHERE key = 'last_id'").fetchone()
                newest = connection.execute("SELECT max(queue_id) FROM message").fetchone()
        except sqlite3.Error as error:
            raise storage_error(error, self.path) from error
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
        self._check_free_space(len(new.raw))

        def job(connection: sqlite3.Connection) -> str:
            spool_rows.insert(connection, queue_id, new)
            return queue_id

        return await self._writer.run(job)

    def _check_free_space(self, size: int) -> None:
        now, wanted = time.monotonic(), self._free_space + 2 * size
        if now >= self._look_again or self._free < wanted:
            self._free = shutil.disk_usage(self.path.parent).free
            self._look_again = now + FREE_SPACE_KNOWN_S
        if self._free >= wanted:
            self._free -= 2 * size
        else:
            raise StorageError(
                "the disk is nearly full, no mail is taken",
                where=str(self.path.parent),
                remedy="Free some space; the server goes on by itself.",
                detail=f"{self._free} octets are free",
            )

    async def claim_due(self, now: float, most: int) -> list[SpooledMessage]:
        """Messages whose time has come, now ``active`` and the caller's to deliver."""
        return await self._writer.run(functools.partial(spool_rows.claim_due, now=now, most=most))

    async def record(
        self, queue_id: str, outcomes: Sequence[Outcome], attempts: Sequence[Attempt]
    ) -> None:
        """Write down what one destination's delivery sessions gave, before anything else."""

        def job(connection: sqlite3.Connection) -> None:
            spool_rows.record(connection, queue_id, outcomes)
            spool_rows.keep_attempts(connection, queue_id, attempts, ATTEMPTS_KEPT)

        await self._writer.run(job)

    async def settle(self, end: Settlement) -> None:
        """End a round of tries: given-up recipients, notifications, and the next try or the end of
        the message, all by one commit, so that no notification is lost or doubled."""
        await self._writer.run(functools.partial(spool_rows.settle, end=end))

    async def end_unless_changed(self, item: ActionItem, new: NewMessage | None) -> ActionResult:
        """Take a message out for an administrator, and put its notification in: only when it is
        still the one that was seen. The result's message is the notification's queue ID."""
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

    async def change(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a change of a queue action (:mod:`smtpadmin.builtin.spool_actions`)."""
        return await self._writer.run(job)

    def new_queue_id(self) -> str:
        """The next queue ID, for a message that is put in by :meth:`change`."""
        return self._ids.next(self._clock())

    # Reading.

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on a connection of its own, in a thread. Raises StorageError and
        TotalDeadlineError."""

        def work() -> T:
            try:
                with contextlib.closing(connect(self.path)) as connection:
                    connection.execute("PRAGMA query_only = ON")
                    return query(connection)
            except sqlite3.Error as error:
                raise storage_error(error, self.path) from error

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
        return await self._writer.run(spool_rows.next_due)

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
