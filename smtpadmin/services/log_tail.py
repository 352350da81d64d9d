"""One log file from its beginning, or its end, and on: what is there and what is added, through
rotations. Synchronous: ``log_files`` calls it in a thread.
"""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.tracking.files import LineParser, record_of
from smtpadmin.tracking.log_lines import LineSplitter

MOST_READ = 4 * 1024 * 1024
"""Octets that are taken at once."""
NO_FILE = (0, 0)
KEEPS_OPEN = os.name != "nt"
"""On Windows a file that somebody has open cannot be renamed, so it could not be rotated."""


class Tail:
    """The lines of a file in order, each once. One that was renamed is read on until that which
    stands in its place has lines: a server writes to the old one until it is told. One that is
    shorter than it was is read from its beginning. A line counts when its end is there."""

    def __init__(self, path: Path, parse: LineParser, *, from_end: bool = False) -> None:
        self._path, self._parse = path, parse
        self._file: BinaryIO | None = None
        self._place = self._number = 0
        self._identity = NO_FILE
        self._splitter = LineSplitter()
        self._waiting: deque[tuple[bytes, int, int]] = deque()
        self._shown: tuple[bytes, int] | None = None
        if from_end:
            self._identity, self._place = self._look()

    def next_records(self, most: int) -> list[LogRecord]:
        """The next lines, at most so many; none when there are no more yet. Raises UsageError when
        the file cannot be read."""
        if not self._waiting:
            self._read_on()
        if self._waiting and self._shown is not None:
            if self._waiting[0][:2] == self._shown:
                self._waiting.popleft()  # nothing but its end has come
            self._shown = None
        count = min(most, len(self._waiting))
        return [self._record(*self._waiting.popleft()) for _ in range(count)]

    def unfinished(self, quiet: float = 0.0) -> list[LogRecord]:
        """The beginning of a line whose end is not there yet, once, when the file was not changed
        for ``quiet`` seconds. It comes again when more of the line than its end comes."""
        beginning = self._splitter.unfinished()
        if self._waiting or beginning is None or beginning == self._shown or not self._rests(quiet):
            return []
        self._shown = beginning
        return [self._record(*beginning, self._number + 1)]

    @property
    def identity(self) -> tuple[int, int]:
        """Device and number of the file that is read; :data:`NO_FILE` when none was there yet."""
        return self._identity

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rests(self, quiet: float) -> bool:
        """Whether the file that is read, by whatever name, was not changed for so long."""
        try:
            found = os.fstat(self._file.fileno()) if self._file else self._path.stat()
        except OSError:
            return False
        return not 0 <= time.time() - found.st_mtime < quiet

    def _look(self) -> tuple[tuple[int, int], int]:
        """Which file stands under the name, and its length."""
        try:
            found = self._path.stat()
        except OSError:
            return NO_FILE, 0
        return (found.st_dev, found.st_ino), found.st_size

    def _read_on(self) -> None:
        self._read_lines()
        identity, size = self._look()
        if self._waiting or (not self._place and self._identity == NO_FILE):
            return
        is_another = identity != self._identity and size > 0
        if is_another:
            self._read_lines()  # what was written until it was renamed
        is_shorter = identity == self._identity and size < self._place
        if not self._waiting and (is_another or is_shorter):
            self._begin_anew()
            self._read_lines()

    def _read_lines(self) -> None:
        while not self._waiting and (octets := self._read()):
            for line, left_out in self._splitter.feed(octets):
                self._number += 1
                self._waiting.append((line, left_out, self._number))

    def _begin_anew(self) -> None:
        self.close()
        if (beginning := self._splitter.unfinished()) is not None:
            self._waiting.append((*beginning, self._number + 1))
        self._identity, self._place, self._number = NO_FILE, 0, 0
        self._splitter = LineSplitter()

    def _read(self) -> bytes:
        try:
            if self._file is None and not self._open():
                return b""
            assert self._file is not None
            added = self._file.read(MOST_READ)
        except OSError as error:
            raise UsageError(f"cannot be read ({error.strerror})", where=str(self._path)) from error
        finally:
            if not KEEPS_OPEN:
                self.close()
        self._place += len(added)
        return added

    def _open(self) -> bool:
        """Open the file where it was left; False when it is not there, or another one is."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return False
        found = os.fstat(file.fileno())
        identity = found.st_dev, found.st_ino
        if self._identity not in (NO_FILE, identity):
            file.close()
            return False
        file.seek(self._place)
        self._file, self._identity = file, identity
        return True

    def _record(self, line: bytes, left_out: int, number: int) -> LogRecord:
        return record_of(line, left_out, self._parse, str(self._path), number)
