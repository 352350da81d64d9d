"""Logs on disk as a source: files, rotated and compressed ones, whole folders, in time order.

The formats that can be read stand in :data:`FORMATS`; a new one is one entry there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking.log_lines import head_of, is_binary, read_lines
from smtpadmin.tracking.rotation import by_age

SNIFFED_LINES = 400


class LineParser(Protocol):
    """Makes a record of one line, without its line end. May remember the lines before it: there is
    one for each file, and it sees the lines in order."""

    def __call__(self, line: bytes, *, file: str | None, number: int | None) -> LogRecord: ...


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How lines of one format are recognised, parsed and joined into messages.

    ``parser`` makes the parser of one file. ``find`` is None while the format cannot be tracked.
    """

    looks_like: Callable[[bytes], bool]
    parser: Callable[[LogClock], LineParser]
    find: Callable[[Iterable[LogRecord], TrackCriteria], Iterator[TrackedMessage]] | None = None


@dataclass(frozen=True, slots=True)
class LogTimes:
    """How stamps without a zone or a year are read: ``zone`` is where they were written, ``year``
    the first line's; without one it is counted back from each file's last change."""

    zone: tzinfo = UTC
    year: int | None = None


def _plain(module: Any) -> Callable[[LogClock], LineParser]:
    """The same function for every file: such lines name year and zone."""
    parse: LineParser = module.parse_line
    return lambda _: parse


def _timed(module: Any) -> Callable[[LogClock], LineParser]:
    """The function with the file's clock."""
    return lambda clock: partial(module.parse_line, clock=clock)


class _Formats(Mapping[str, LogFormat]):
    """Formats whose modules are loaded when they are asked for: a search needs one of them."""

    def __init__(self, modules: Mapping[str, tuple[str, Callable[[Any], Any]]]) -> None:
        self._modules = modules
        self._loaded: dict[str, LogFormat] = {}

    def __getitem__(self, name: str) -> LogFormat:
        if name not in self._loaded:
            module_name, parser = self._modules[name]
            module = import_module(f"smtpadmin.formats.{module_name}")
            find = _FIND.get(name)
            self._loaded[name] = LogFormat(
                import_module(
                    f"smtpadmin.formats.{_RECOGNISED_BY.get(name, module_name)}"
                ).looks_like,
                parser(module),
                import_module(f"smtpadmin.formats.{find}").find if find else None,
            )
        return self._loaded[name]

    def looks_like(self, name: str) -> Callable[[bytes], bool]:
        """What recognises a format; its grammar is not loaded where that stands apart."""
        if name in self._loaded or name not in _RECOGNISED_BY:
            return self[name].looks_like
        module = import_module(f"smtpadmin.formats.{_RECOGNISED_BY[name]}")
        recognises: Callable[[bytes], bool] = module.looks_like
        return recognises

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


_FIND = {
    "builtin": "builtin_tracking",
    "sendmail": "sendmail_tracking",
    "opensmtpd": "opensmtpd_tracking",
    "exchange": "exchange_tracking",
    "kumomta": "kumomta_tracking",
    "haraka": "haraka_tracking",
    "rspamd": "rspamd_tracking",
    "ftgate": "ftgate_tracking",
}
"""Format -> the module whose ``find`` joins its records into messages."""
_RECOGNISED_BY = {"postfix": "postfix_programs"}
"""Format -> the module whose ``looks_like`` knows its lines, where it is not the parser's: Postfix is
asked about first, and compiling its grammar takes a search in another log 10 ms."""
FORMATS = _Formats(
    {
        "postfix": ("postfix_log", _timed),
        "exim": ("exim_log", _timed),
        "sendmail": ("sendmail_log", _timed),
        "opensmtpd": ("opensmtpd_log", _timed),
        "exchange": ("exchange_log", lambda module: module.ExchangeParser),
        "kumomta": ("kumomta_log", _plain),
        "haraka": ("haraka_log", _timed),
        "rspamd": ("rspamd_history", _plain),
        "ftgate": ("ftgate_log", lambda module: module.FtgateParser),
        "builtin": ("builtin_log", _plain),
    }
)
SYSLOG = "postfix"
"""What a log of no known format is read as: its frames, every line ``other``."""


def log_format(name: str, files: Sequence[Path]) -> LogFormat:
    """The format of that name; for ``auto`` the one that the first lines of the first file that is
    recognised look like. Raises UsageError, which names what can be read."""
    if name != "auto":
        return named_format(name)
    for path in files:
        if found := recognised(head_of(path)):
            return FORMATS[found]
    raise UsageError(
        "the log's format is not recognised",
        where=", ".join(map(str, files[:3])),
        remedy=f"Name it with --format; known formats: {', '.join(FORMATS)}.",
    )


def named_format(name: str) -> LogFormat:
    """The format of that name. Raises UsageError."""
    if name in FORMATS:
        return FORMATS[name]
    raise UsageError(
        f"logs of format {name!r} cannot be read yet",
        where="--format",
        remedy=f"Known formats: {', '.join(FORMATS)}.",
    )


def recognised(head: bytes) -> str | None:
    """The name of the format that most of the first lines look like."""
    lines = [line for line in head.split(b"\n")[:SNIFFED_LINES] if line.strip()]
    counts: dict[str, int] = {}
    for name in FORMATS:
        counts[name] = sum(map(FORMATS.looks_like(name), lines))
        if counts[name] * 2 > len(lines):
            return name  # no other can have more
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None


def log_files(paths: Iterable[Path]) -> list[Path]:
    """The files that paths name, folders opened, the oldest first. Raises UsageError."""
    found: list[Path] = []
    for path in paths:
        try:
            found += _files_of(path)
        except OSError as error:
            raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from error
    if not found:
        raise UsageError("the folder holds no file", where=", ".join(map(str, paths)))
    return by_age(dict.fromkeys(found))


def _files_of(path: Path) -> list[Path]:
    """The file, or those in the folder. Raises UsageError, OSError."""
    if path.is_dir():
        return [entry for entry in sorted(path.iterdir()) if entry.is_file()]
    if path.is_file():
        return [path]
    if path.exists():
        raise UsageError(
            "is no file but a pipe or a device", where=str(path), remedy="Save it as a file."
        )
    raise UsageError("there is no such file or folder", where=str(path))


def read_records(
    files: Iterable[Path],
    chosen: LogFormat | None,
    times: LogTimes | None = None,
    failed: Callable[[UsageError], None] | None = None,
) -> Iterator[LogRecord]:
    """One record for each line of the files, none dropped. Without a chosen format each file is
    read in its own. A file that cannot be read to its end is told to ``failed`` and the others go
    on; without ``failed`` raises UsageError."""
    times = times or LogTimes()
    counted = LogClock(times.zone, year=times.year) if times.year else None
    for path in files:
        try:
            yield from _records_of(path, chosen, counted or clock_of(path, times.zone))
        except UsageError as error:
            if failed is None:
                raise
            failed(error)


def _records_of(path: Path, chosen: LogFormat | None, clock: LogClock) -> Iterator[LogRecord]:
    head = head_of(path)
    if is_binary(head):
        raise UsageError("is not a log but a binary file", where=str(path))
    known = chosen or FORMATS[recognised(head) or SYSLOG]
    parse, name = known.parser(clock), str(path)
    for number, (line, left_out) in enumerate(read_lines(path), 1):
        yield record_of(line, left_out, parse, name, number)


def record_of(line: bytes, left_out: int, parse: LineParser, file: str, number: int) -> LogRecord:
    """The record of a line of a file, of which some octets may have been left out."""
    record = parse(line, file=file, number=number)
    if left_out:
        return replace(record, raw=f"{record.raw} [{left_out} more octets]")
    return record


def clock_of(path: Path, zone: tzinfo) -> LogClock:
    """The clock for stamps without a year: the file's last line was written when it was changed."""
    try:
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return LogClock(zone)
    return LogClock(zone, anchor=changed)
