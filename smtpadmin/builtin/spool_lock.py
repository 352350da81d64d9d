"""One server for one spool: a lock that the operating system gives up when the process ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from smtpadmin.model.errors import StorageError


class SpoolLock:
    """Holds ``<spool>.lock`` while the server runs. The file stays; the lock does not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises StorageError when another process has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise StorageError(
                "another smtpadmin server uses this spool",
                where=str(self._path.parent),
                remedy="Stop it, or give this one another folder with --data.",
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock up; may be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
