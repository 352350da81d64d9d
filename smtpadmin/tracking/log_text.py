"""Several log files, the oldest first, as one text that can be read anywhere.

A place in it is one number, ``file << 44 | octet``, so that places compare in log order. Reading is
``pread``, not a map: a log that shrinks while it is read gives fewer octets, not a signal.
Compressed files are unpacked once, when they are first needed, into a file without a name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from smtpadmin.model.errors import UsageError
from smtpadmin.tracking.log_lines import MOST_LINE, chunks, compression

SHIFT = 44
MASK = (1 << SHIFT) - 1
BLOCK = 256 * 1024
"""Octets that are scanned at a time: they fit into a core's own cache."""
CLOCKS_DIFFER = 86400
"""Seconds by which a file's time of change may differ from that of its lines."""
LOOK_BACK = 4096
"""Octets in which the start or the end of a line is looked for at first."""


def _read_at(file: BinaryIO, count: int, start: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), count, start)
    file.seek(start)  # Windows
    return file.read(count)


def _read_into(file: BinaryIO, buffer: bytearray, start: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(file.fileno(), [buffer], start)
    got = _read_at(file, len(buffer), start)  # macOS before 11, Windows
    buffer[: len(got)] = got
    return len(got)


class LogFile:
    """One file: its size is what it had when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: UsageError | None = None
        self._file: BinaryIO | None = None
        self._size = 0

    def size(self) -> int:
        """Octets of text. Opens the file; one that cannot be read is empty and has a ``problem``."""
        if self._file is None and self.problem is None:
            try:
                self._file = self.path.open("rb", buffering=0)
                if compression(_read_at(self._file, 6, 0)):
                    self._file.close()
                    self._file = self._unpacked()
                self._size = os.fstat(self._file.fileno()).st_size
            except OSError as error:
                self._fail(f"cannot be read ({error.strerror or error})")
        return self._size

    def read(self, start: int, end: int) -> bytes:
        """Octets ``start`` to ``end``; fewer when the file has become shorter."""
        wanted = min(end, self.size()) - start
        if wanted <= 0 or self._file is None:
            return b""
        got = _read_at(self._file, wanted, start)
        while 0 < len(got) < wanted:
            more = _read_at(self._file, wanted - len(got), start + len(got))
            if not more:
                break
            got += more
        if len(got) < wanted:
            self._fail("became shorter while it was read")
        return got

    def read_into(self, buffer: bytearray, start: int) -> int:
        """Fill a buffer from ``start`` on; the octets that were read, 0 at the end."""
        if start >= self.size() or self._file is None:
            return 0
        got = _read_into(self._file, buffer, start)
        if not got:
            self._fail("became shorter while it was read")
        return min(got, self._size - start)

    def changed_before(self, moment: datetime) -> bool:
        """Whether all that is in it is older, by the time of its last change: it need not be read."""
        try:
            return self.path.stat().st_mtime < moment.timestamp() - CLOCKS_DIFFER
        except (OSError, OverflowError, ValueError):
            return False

    def close(self) -> None:
        """Give the file up."""
        if self._file is not None:
            self._file.close()

    def _fail(self, what: str) -> None:
        self.problem = UsageError(what, where=str(self.path))

    def _unpacked(self) -> BinaryIO:
        import tempfile  # 2 ms, for compressed files only

        room = cast("BinaryIO", tempfile.TemporaryFile(prefix="smtpadmin-", buffering=0))  # noqa: SIM115 - closed with the file
        try:
            for chunk in chunks(self.path):
                room.write(chunk)
        except UsageError as error:
            self.problem = error  # what came before the fault is still a log
        return room


class LogText:
    """The files in time order. A line never crosses from one file to the next."""

    def __init__(self, files: Sequence[LogFile]) -> None:
        self.files = files

    def problems(self) -> list[UsageError]:
        """What could not be read, or not to its end."""
        return [file.problem for file in self.files if file.problem is not None]

    def close(self) -> None:
        """Give all files up."""
        for file in self.files:
            file.close()

    def spans(self, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int]]:
        """``(file, first octet, last octet + 1)`` of each file between two places."""
        for number in range(start >> SHIFT, len(self.files)):
            low = start & MASK if number == start >> SHIFT else 0
            high = self.files[number].size()
            if end is not None and number == end >> SHIFT:
                high = min(high, end & MASK)
            elif end is not None and number > end >> SHIFT:
                return
            if low < high:
                yield number, low, high

    def line_at(self, place: int) -> tuple[int, bytes]:
        """The line that a place lies in: its start and its octets, without the line end."""
        number, at = place >> SHIFT, place & MASK
        file = self.files[number]
        start, reach = at, LOOK_BACK
        while True:
            before = file.read(max(0, at - reach), at)
            cut = before.rfind(b"\n")
            start = at - len(before) + cut + 1
            if cut >= 0 or at <= reach or reach >= MOST_LINE:
                break
            reach *= 8
        reach = LOOK_BACK
        while True:
            after = file.read(start, at + reach)
            cut = after.find(b"\n", at - start)
            if cut >= 0 or at + reach >= file.size() or reach >= MOST_LINE:
                break
            reach *= 8
        line = after[:cut] if cut >= 0 else after
        return number << SHIFT | start, line.rstrip(b"\r")


def open_text(paths: Sequence[Path]) -> LogText:
    """The files as one text, in the order given. Raises UsageError when there are too many."""
    if len(paths) >= 1 << 16:
        raise UsageError("too many files for one search", where=str(paths[0].parent))
    return LogText([LogFile(path) for path in paths])
