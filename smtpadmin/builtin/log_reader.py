"""Reads the server's own log back, rotated files included, the oldest line first."""

from __future__ import annotations

import contextlib
import gzip
import logging
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from smtpadmin.builtin.log_rotation import log_files
from smtpadmin.formats.builtin_log import MOST_OCTETS, parse_line
from smtpadmin.model.log import LogRecord

_OF_MESSAGES = (b'"queue_id":', b'"event":"reject"')
log = logging.getLogger(__name__)


def read_records(
    path: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    queue_id: str | None = None,
    of_messages: bool = False,
) -> Iterator[LogRecord]:
    """Records of a time range, of one queue ID, or those that tell of messages (with a queue ID,
    or a rejection). Files that ended before ``since`` are not read. Blocking: call it in a
    thread."""
    wanted = _OF_MESSAGES if of_messages else (queue_id.encode(),) if queue_id else (b"",)
    with contextlib.ExitStack() as stack:
        for name, ended, lines in _open_all(path, stack):
            if since is not None and ended < since.timestamp():
                continue
            for record in _records_of(name, lines, wanted):
                if record.time is not None and since is not None and record.time < since:
                    continue
                if record.time is not None and until is not None and record.time > until:
                    return
                if queue_id is None or record.queue_id == queue_id:
                    yield record


def _open_all(path: Path, stack: contextlib.ExitStack) -> list[tuple[str, float, BinaryIO]]:
    """Name, time of the last write and octets of every file, opened before the first is read: a
    rotation meanwhile then hides and doubles nothing. One that is moved between listing and
    opening makes us list again."""
    while True:
        opened = []
        try:
            for file in log_files(path):
                ended = file.stat().st_mtime
                opened.append((file.name, ended, stack.enter_context(_open(file))))
        except FileNotFoundError:
            stack.close()
            continue
        return opened


def _records_of(name: str, lines: BinaryIO, wanted: Sequence[bytes]) -> Iterator[LogRecord]:
    """Records of the lines that hold one of ``wanted``; the others are not taken apart."""
    number = 0
    try:
        while line := lines.readline(MOST_OCTETS):
            number += 1
            if any(octets in line for octets in wanted):
                yield parse_line(line.rstrip(b"\r\n"), file=name, number=number)
    except (OSError, EOFError, zlib.error) as error:
        log.warning("%s cannot be read after line %d: %s", name, number, error)


def _open(file: Path) -> BinaryIO:
    if file.suffix == ".gz":
        return cast("BinaryIO", gzip.open(file, "rb"))
    return file.open("rb")
