"""A lock between processes that the operating system gives up when its holder ends."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from smtpadmin.model.errors import StorageError

WAIT_S = 5.0
_STEP_S = 0.02


@contextlib.contextmanager
def file_lock(path: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock ``path`` for the block. Blocking: use it in a thread.

    Raises StorageError when another process holds it for longer than ``wait_s`` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait_for(descriptor, path, time.monotonic() + wait_s)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            _lock(descriptor)
        except OSError as error:
            if time.monotonic() >= deadline:
                raise StorageError(
                    "another smtpadmin is writing and does not finish",
                    where=str(path),
                    remedy="Close its window, then try again.",
                ) from error
            time.sleep(_STEP_S)
        else:
            return


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
