"""One thread that writes the spool: many jobs, one transaction, one wait for the disk.

A job is a function of the connection. Jobs that wait at the same moment share a commit, and each
is answered only after that commit; a job that raises is undone alone (SAVEPOINT).
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from smtpadmin.builtin.spool_schema import prepare
from smtpadmin.model.errors import StorageError

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
MOST_JOBS_A_COMMIT = 256
MOST_JOURNAL = 64 * 1024 * 1024
"""Octets to which the write-ahead log shrinks again after a burst."""
SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",  # macOS: to the disk, not into its cache
    f"journal_size_limit = {MOST_JOURNAL}",
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection that waits for the disk at each commit (WAL, synchronous FULL)."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


class SpoolWriter:
    """Owns the writing connection and its thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[tuple[Job, _Answer] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the database and start the thread. Raises StorageError."""
        try:
            self._connection = connect(self._path)
            prepare(self._connection, str(self._path))
        except BaseException as error:
            if self._connection is not None:
                self._connection.close()
            if isinstance(error, sqlite3.Error):
                raise storage_error(error, self._path) from error
            raise
        self._thread = threading.Thread(target=self._work, name="spool writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish all jobs, then close the database."""
        if self._thread is None:
            return
        self._jobs.put(None)
        self._thread.join()
        self._thread = None

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job and wait until it is on disk. Raises StorageError, or what the job raises."""
        if self._thread is None:
            raise StorageError("the spool is closed", where=str(self._path))
        answer = _Answer(asyncio.get_running_loop())
        self._jobs.put((job, answer))
        result: T = await answer.future
        return result

    def _work(self) -> None:
        assert self._connection is not None
        going_on = True
        while going_on:
            batch, going_on = self._next_batch()
            if batch:
                self._commit(self._connection, batch)
        self._connection.close()

    def _next_batch(self) -> tuple[list[tuple[Job, _Answer]], bool]:
        batch: list[tuple[Job, _Answer]] = []
        item = self._jobs.get()
        while item is not None:
            batch.append(item)
            if len(batch) >= MOST_JOBS_A_COMMIT or self._jobs.empty():
                return batch, True
            item = self._jobs.get()
        return batch, False

    def _commit(self, connection: sqlite3.Connection, batch: list[tuple[Job, _Answer]]) -> None:
        results: list[tuple[_Answer, Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job, answer in batch:
                results.append((answer, *_one(connection, job)))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(connection)
            if len(batch) > 1:
                # One message too big for the disk must not take the others' small changes along.
                for one in batch:
                    self._commit(connection, [one])
                return
            batch[0][1].give(None, storage_error(error, self._path))
            return
        for answer, result, failure in results:
            if isinstance(failure, sqlite3.Error):
                failure = storage_error(failure, self._path)
            answer.give(result, failure)


class _Answer:
    """A future of another thread's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def give(self, result: object, error: BaseException | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, result, error)
        except RuntimeError:
            return  # the loop has ended; whoever asked has gone, and the disk holds the truth

    def _settle(self, result: object, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


def _one(connection: sqlite3.Connection, job: Job) -> tuple[Any, BaseException | None]:
    connection.execute("SAVEPOINT job")
    try:
        result = job(connection)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - carried to whoever asked
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return None, error
    connection.execute("RELEASE job")
    return result, None


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def storage_error(error: sqlite3.Error, path: Path) -> StorageError:
    """What SQLite complains about, for people."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return StorageError(
            "the disk is full or cannot be written",
            where=str(path),
            remedy="Free some space; the server goes on by itself.",
            detail=str(error),
        )
    return StorageError(
        f"the spool cannot be used ({error})",
        where=str(path),
        remedy="Check the file and its permissions.",
        detail=name,
    )
