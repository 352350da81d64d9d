"""Many jobs, one commit; a job that fails takes no other along; a full disk is one clear error."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smtpadmin.builtin.spool_writer import SpoolWriter, connect
from smtpadmin.model.errors import StorageError


@contextmanager
def writer(folder: Path) -> Iterator[SpoolWriter]:
    made = SpoolWriter(folder / "spool.db")
    made.open()
    try:
        yield made
    finally:
        made.close()


def put(key: str, size: int = 1) -> object:
    def job(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO meta VALUES (?, ?)", (key, "x" * size))
        return key

    return job


def stored(folder: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(folder / "spool.db")) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM meta")}


async def test_jobs_that_wait_together_share_a_commit(tmp_path: Path) -> None:
    with writer(tmp_path) as spool:
        commits = 0

        def count(statement: str) -> None:
            nonlocal commits
            commits += statement == "COMMIT"

        assert spool._connection is not None
        spool._connection.set_trace_callback(count)
        keys = [str(n) for n in range(100)]
        assert await asyncio.gather(*(spool.run(put(key)) for key in keys)) == keys
        assert stored(tmp_path) == set(keys)
        assert commits < 20


async def test_an_answer_comes_after_the_commit(tmp_path: Path) -> None:
    with writer(tmp_path) as spool:
        await spool.run(put("a"))
        assert stored(tmp_path) == {"a"}


async def test_a_job_that_raises_is_undone_alone(tmp_path: Path) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO meta VALUES ('half', '')")
        raise ValueError("no")

    with writer(tmp_path) as spool:
        jobs = [spool.run(put("a")), spool.run(broken), spool.run(put("b"))]
        found = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(found[1], ValueError)
    assert stored(tmp_path) == {"a", "b"}


async def test_what_sqlite_refuses_is_a_storage_error(tmp_path: Path) -> None:
    with writer(tmp_path) as spool:
        await spool.run(put("a"))
        with pytest.raises(StorageError, match="UNIQUE"):
            await spool.run(put("a"))
        await spool.run(put("b"))


async def test_a_full_disk_fails_what_does_not_fit_and_nothing_else(tmp_path: Path) -> None:
    with writer(tmp_path) as spool:
        (pages,) = await spool.run(lambda c: c.execute("PRAGMA page_count").fetchone())
        await spool.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 20}").fetchone())
        jobs = [spool.run(put("small")), spool.run(put("big", 1_000_000)), spool.run(put("other"))]
        found = await asyncio.gather(*jobs, return_exceptions=True)
        assert found[0] == "small"
        assert found[2] == "other"
        assert isinstance(found[1], StorageError)
        assert found[1].what == "the disk is full or cannot be written"
    assert stored(tmp_path) == {"small", "other"}


async def test_closing_finishes_what_was_asked(tmp_path: Path) -> None:
    with writer(tmp_path) as spool:
        pending = asyncio.gather(*(spool.run(put(str(n))) for n in range(50)))
        await asyncio.sleep(0)
        spool.close()
        await pending
        with pytest.raises(StorageError, match="closed"):
            await spool.run(put("late"))
    assert len(stored(tmp_path)) == 50


def test_commits_wait_for_the_disk(tmp_path: Path) -> None:
    with contextlib.closing(connect(tmp_path / "x.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_file_that_is_no_spool_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"something else" * 1000)
    with pytest.raises(StorageError, match="not a database"):
        SpoolWriter(tmp_path / "spool.db").open()
