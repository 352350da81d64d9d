"""Logs on disk as a source: files, rotated and compressed ones, whole folders, in time order.

The formats that can be read stand in :data:`FORMATS`; a new one is one entry there.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from smtpadmin.formats import builtin_log, builtin_tracking
from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage

MOST_LINE = 1024 * 1024
SNIFFED_LINES = 50


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How lines of one format are recognised, parsed and joined into messages."""

    looks_like: Callable[[bytes], bool]
    parse: Callable[..., LogRecord]
    find: Callable[[Iterable[LogRecord], TrackCriteria], Iterator[TrackedMessage]]


FORMATS: dict[str, LogFormat] = {
    "builtin": LogFormat(builtin_log.looks_like, builtin_log.parse_line, builtin_tracking.find),
}


def log_format(name: str, files: Sequence[Path]) -> LogFormat:
    """The format of that name; for ``auto`` the one that the first lines look like. Raises
    UsageError, which names what can be read."""
    if name != "auto":
        if name in FORMATS:
            return FORMATS[name]
        raise UsageError(
            f"logs of format {name!r} cannot be read yet",
            where="--format",
            remedy=f"Known formats: {', '.join(FORMATS)}.",
        )
    for path in files:
        with _open(path) as lines:
            head = [lines.readline(MOST_LINE) for _ in range(SNIFFED_LINES)]
        for known in FORMATS.values():
            if any(known.looks_like(line) for line in head if line.strip()):
                return known
    raise UsageError(
        "the log's format is not recognised",
        where=", ".join(map(str, files[:3])),
        remedy=f"Name it with --format; known formats: {', '.join(FORMATS)}.",
    )


def log_files(paths: Iterable[Path]) -> list[Path]:
    """The files that paths name, folders opened, the oldest first. Raises UsageError."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [entry for entry in sorted(path.iterdir()) if entry.is_file()]
        elif path.is_file():
            found.append(path)
        else:
            raise UsageError("there is no such file or folder", where=str(path))
    if not found:
        raise UsageError("the folder holds no file", where=", ".join(map(str, paths)))
    return sorted(dict.fromkeys(found), key=lambda path: path.stat().st_mtime)


def read_records(files: Iterable[Path], chosen: LogFormat) -> Iterator[LogRecord]:
    """One record for each line of the files, none dropped. Raises UsageError for a file that cannot
    be read to its end."""
    for path in files:
        try:
            with _open(path) as lines:
                number = 0
                while line := lines.readline(MOST_LINE):
                    number += 1
                    yield chosen.parse(line.rstrip(b"\r\n"), file=str(path), number=number)
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            raise UsageError(
                f"cannot be read to its end ({getattr(error, 'strerror', None) or error})",
                where=str(path),
            ) from error


def _open(path: Path) -> BinaryIO:
    try:
        if path.suffix == ".gz":
            return cast("BinaryIO", gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from error
