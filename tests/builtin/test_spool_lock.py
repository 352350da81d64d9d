"""One server for one spool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from smtpadmin.builtin.spool_lock import SpoolLock
from smtpadmin.model.errors import StorageError

HOLD = """
import sys
from pathlib import Path
from smtpadmin.builtin.spool_lock import SpoolLock
lock = SpoolLock(Path(sys.argv[1]))
lock.acquire()
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_second_one_is_one_clear_error(tmp_path: Path) -> None:
    first, second = SpoolLock(tmp_path / "spool.lock"), SpoolLock(tmp_path / "spool.lock")
    first.acquire()
    with pytest.raises(StorageError) as caught:
        second.acquire()
    assert str(caught.value) == (
        f"{tmp_path}: another smtpadmin server uses this spool. "
        "Stop it, or give this one another folder with --data."
    )
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spool.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"locked"
        with pytest.raises(StorageError):
            SpoolLock(path).acquire()
        other.kill()
    lock = SpoolLock(path)
    lock.acquire()
    lock.release()
