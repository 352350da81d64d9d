"""Message tracking over log files: each format's files are searched as one log, in time order."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from smtpadmin.model.errors import UsageError
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking.dialect import Dialect
from smtpadmin.tracking.files import (
    FORMATS,
    LogTimes,
    log_format,
    named_format,
    read_records,
    recognised,
)
from smtpadmin.tracking.log_lines import SNIFFED, chunks, is_binary
from smtpadmin.tracking.log_text import open_text

DIALECTS = {"postfix": "postfix_lines", "exim": "exim_lines"}
"""Format -> module of this package with its ``DIALECT``. Other formats are parsed line by line."""

Failed = Callable[[UsageError], None]


def dialect_of(name: str) -> Dialect | None:
    """The language of a format's lines, if it has one."""
    if name not in DIALECTS:
        return None
    dialect = importlib.import_module(f"smtpadmin.tracking.{DIALECTS[name]}").DIALECT
    assert isinstance(dialect, Dialect)
    return dialect


def track_files(
    files: Sequence[Path],
    format_name: str,
    criteria: TrackCriteria,
    times: LogTimes,
    failed: Failed,
) -> list[TrackedMessage]:
    """Messages of the files that match, by arrival, the newest last. A file that cannot be read is
    told to ``failed``; all others are searched. Raises UsageError for a format that cannot."""
    found: list[TrackedMessage] = []
    groups = by_format(files, format_name, failed)
    for name, members in groups.items():
        found += _track(name, members, criteria, times, failed)
    if len(groups) > 1:
        found.sort(key=lambda message: message.arrived.timestamp() if message.arrived else 0.0)
        if criteria.limit is not None:
            found = found[-criteria.limit :] if criteria.limit > 0 else []
    return found


def by_format(files: Sequence[Path], name: str, failed: Failed) -> dict[str, list[Path]]:
    """The files of each format; by ``auto`` each by its first lines. A text of no known format may
    still be a system log whose mail comes later: it is searched with the others."""
    if name != "auto":
        named_format(name)
        return {name: list(files)}
    groups: dict[str, list[Path]] = {}
    unknown: list[Path] = []
    nothing_to_read = True
    for path in files:
        try:
            head = next(chunks(path), b"")[:SNIFFED]
        except UsageError as error:
            failed(error)
            continue
        if is_binary(head):
            failed(UsageError("is not a log but a binary file", where=str(path)))
            continue
        nothing_to_read = nothing_to_read and _is_empty(path)
        if found := recognised(head):
            groups.setdefault(found, []).append(path)
        else:
            unknown.append(path)
    if not groups and not nothing_to_read:
        log_format("auto", files)
    if "postfix" in groups:
        groups["postfix"] = [path for path in files if path in {*groups["postfix"], *unknown}]
    return groups


def _is_empty(path: Path) -> bool:
    """Whether nothing was logged yet; no for a file that cannot be looked at."""
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


def _track(
    name: str, files: list[Path], criteria: TrackCriteria, times: LogTimes, failed: Failed
) -> list[TrackedMessage]:
    dialect = dialect_of(name)
    if dialect is None:
        chosen = FORMATS[name]
        if chosen.find is None:
            raise UsageError(f"logs of format {name!r} cannot be tracked yet", where="--format")
        return list(chosen.find(read_records(files, chosen, times, failed), criteria))
    from smtpadmin.tracking.search import find

    text = open_text(files)
    try:
        return find(text, dialect, criteria, times)
    finally:
        for problem in text.problems():
            failed(problem)
        text.close()
