"""The files of a log, or of a folder of logs, that may grow: each read once, all followed at once.

Of each log (``mail.log`` with what was rotated from it) the newest file is followed, also one that
comes later, such as the next day's. Compressed files do not grow by lines, so they are not. What
is in a file that was there before, and was not handed to :meth:`Tails.add`, is never read.
Synchronous: ``log_files`` calls it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.services.log_tail import Tail
from smtpadmin.tracking.files import (
    SYSLOG,
    LineParser,
    clock_of,
    log_files,
    named_format,
    recognised,
)
from smtpadmin.tracking.log_lines import head_of, is_binary, is_compressed
from smtpadmin.tracking.rotation import is_packed, rotation

MOST_FOLLOWED = 32
"""Files that are looked at; of more, those that were changed last. Some products begin a file an
hour, and each look costs a call for each file."""
QUIET = 1.0
"""Seconds after which a line without its end is shown: what writes it has stopped in the middle."""


class _LateParser:
    """Reads lines in their format; while that is not known, each line may tell it."""

    def __init__(self, name: str | None, clock: LogClock) -> None:
        self._clock = clock
        self._known = name is not None
        self._parse: LineParser = named_format(name or SYSLOG).parser(clock)

    def __call__(self, line: bytes, *, file: str | None, number: int | None) -> LogRecord:
        if not self._known and (name := recognised(line)):
            self._known = True
            self._parse = named_format(name).parser(self._clock)
        return self._parse(line, file=file, number=number)


@dataclass(frozen=True, slots=True)
class _Followed:
    tail: Tail
    clock: LogClock


class Tails:
    """What follows the files of ``paths``; ``format_name`` may be ``auto``."""

    def __init__(self, paths: Sequence[Path], format_name: str, zone: tzinfo) -> None:
        self._paths, self._format, self._zone = paths, format_name, zone
        self._followed: dict[Path, _Followed] = {}
        self._seen: set[tuple[int, int]] = set()
        self._leaving: set[Path] = set()
        """Read to their end, then let go of."""
        self._were_missing = False

    def add(self, files: Iterable[Path], *, from_end: bool = False) -> None:
        """Follow the newest file of each log, from its beginning or its end."""
        files = list(files)
        for path in _newest(files):
            self._follow(path, from_end=from_end)
        self._seen |= set(map(_identity, files))

    def tail(self, path: Path) -> Tail | None:
        """What follows that file."""
        found = self._followed.get(path)
        return found.tail if found else None

    def look_for_files(self) -> UsageError | None:
        """Follow files that came since; let go of those that others took the place of. Gives what
        is wrong when there are no files twice in a row: between the steps of a rotation there may
        be none."""
        try:
            files = log_files(self._paths)
        except UsageError as error:
            fault, self._were_missing = error if self._were_missing else None, True
            return fault
        self._were_missing = False
        newest = _newest(files)
        held = {followed.tail.identity for followed in self._followed.values()}
        for path in [p for p in files if p in newest or self._came_between(p, newest)]:
            if path not in self._followed and (identity := _identity(path)) not in held:
                self._follow(path, from_end=identity in self._seen)
        self._seen = set(map(_identity, files))
        self._leaving = {p for p in self._followed if p in files and p not in newest}
        return None

    def _came_between(self, path: Path, newest: Sequence[Path]) -> bool:
        """Whether a file with a date was begun since the last look, and one with a later date too.
        One beside a file without a date was rotated out of that, which is followed."""
        if _identity(path) in self._seen or not _is_text(path):
            return False
        said = rotation(path.name)
        beside = [rotation(later.name) for later in newest if later.parent == path.parent]
        return bool(said.date) and any(
            later.base == said.base and later.date > said.date for later in beside
        )

    def next_records(self, most: int) -> tuple[list[LogRecord], UsageError | None]:
        """The next lines of all files, at most so many of each, and why one cannot be read."""
        found: list[LogRecord] = []
        fault: UsageError | None = None
        now = datetime.now(UTC)
        for path, followed in list(self._followed.items()):
            followed.clock.move_to(now)
            try:
                fresh = followed.tail.next_records(most) or followed.tail.unfinished(QUIET)
            except UsageError as error:
                fresh, fault = [], error
            found += fresh
            if not fresh and path in self._leaving:
                self._followed.pop(path).tail.close()
        return found, fault

    def close(self) -> None:
        """Let go of all files; where they were left is known."""
        for followed in self._followed.values():
            followed.tail.close()

    def _follow(self, path: Path, *, from_end: bool) -> None:
        clock = clock_of(path, self._zone)
        name = recognised(head_of(path)) if self._format == "auto" else self._format
        tail = Tail(path, _LateParser(name, clock), from_end=from_end)
        self._followed[path] = _Followed(tail, clock)


def _newest(files: Iterable[Path]) -> list[Path]:
    """The newest file of each log, if lines may be added to it; of many those changed last.
    ``files`` are in the order of their age."""
    of_logs = {(path.parent, rotation(path.name).base): path for path in files}
    changed: list[tuple[float, Path]] = []
    for path in of_logs.values():
        if not _is_text(path):
            continue
        try:
            changed.append((path.stat().st_mtime, path))
        except OSError:
            continue  # renamed or deleted just now
    kept = {path for _, path in sorted(changed)[-MOST_FOLLOWED:]}
    return [path for path in of_logs.values() if path in kept]


def _is_text(path: Path) -> bool:
    """Whether lines may be added to a file."""
    return not (is_packed(path.name) or is_compressed(path) or is_binary(head_of(path, 8192)))


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino
