"""The history of a schedule: one JSON object a line, on disk before the caller goes on, and never more
than so many. Blocking: call it in a thread.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from smtpadmin.model.errors import StorageError
from smtpadmin.model.repeat import Outcome, Run
from smtpadmin.settings.file_lock import file_lock
from smtpadmin.settings.files import write_private

MOST_RUNS = 5_000
MOST_LINE = 64 * 1024


class RunHistory:
    """Keeps the last ``most`` runs in a file. Several processes may write it."""

    def __init__(self, path: Path, most: int = MOST_RUNS) -> None:
        self._path = path
        self._most = most
        self._octets_at_least = 0

    def append(self, run: Run) -> None:
        """Add a run; on disk when this returns. Raises StorageError."""
        line = json.dumps(as_record(run), ensure_ascii=False) + "\n"
        try:
            with file_lock(self._path.with_suffix(".lock")):
                self._append(line.encode("utf-8", "backslashreplace"))
                self._shorten()
        except OSError as error:
            raise StorageError(
                f"the history cannot be written ({error.strerror or error})",
                where=str(self._path),
                remedy="Free some space or check the permissions.",
            ) from error

    def read(self, most: int | None = None) -> list[Run]:
        """The last runs, the oldest first. A line that was cut, or is foreign, is left out. Raises
        StorageError."""
        runs = [run for line in self._lines() if (run := _run(line)) is not None]
        return runs[-(self._most if most is None else most) :] if most != 0 else []

    def clear(self) -> None:
        """Forget it. Raises StorageError."""
        try:
            with file_lock(self._path.with_suffix(".lock")):
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"the history cannot be removed ({error.strerror})") from error

    def _append(self, line: bytes) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    line = (
                        b"\n" + line
                    )  # the last one was cut by a crash; this one must not be lost
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _shorten(self) -> None:
        """Once it is twice as long as it may be, so that a rewrite is rare."""
        size = self._path.stat().st_size
        if size < self._octets_at_least:
            return
        lines = list(self._lines())
        if len(lines) > 2 * self._most:
            write_private(self._path, b"\n".join(lines[-self._most :]) + b"\n")
            lines = lines[-self._most :]
            size = self._path.stat().st_size
        # A line has at least 100 octets: before so many more there cannot be too many.
        self._octets_at_least = size + 100 * max(1, 2 * self._most - len(lines))

    def _lines(self) -> Iterator[bytes]:
        try:
            octets = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(
                f"the history cannot be read ({error.strerror or error})", where=str(self._path)
            ) from error
        yield from (line for line in octets.split(b"\n") if 0 < len(line) <= MOST_LINE)


def as_record(run: Run) -> dict[str, Any]:
    """A run as history and command line write it: JSON values only."""
    values = asdict(run)
    for name in ("planned", "began", "ended"):
        values[name] = values[name].isoformat()
    return values


def _run(line: bytes) -> Run | None:
    try:
        values: dict[str, Any] = json.loads(line)
        for name in ("planned", "began", "ended"):
            values[name] = datetime.fromisoformat(values[name])
        values["outcome"] = Outcome(**values["outcome"])
        return Run(**values)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
