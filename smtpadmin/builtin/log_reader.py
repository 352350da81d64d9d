"""Reads the server's own log back, rotated files included, the oldest line first."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from smtpadmin.builtin.maillog import log_files
from smtpadmin.formats.builtin_log import MOST_OCTETS, parse_line
from smtpadmin.model.log import LogRecord


def read_records(
    path: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    queue_id: str | None = None,
) -> Iterator[LogRecord]:
    """Records of a time range, or of one queue ID. Files that ended before ``since`` are not
    opened. Blocking: call it in a thread."""
    for file in log_files(path):
        if since is not None and file.stat().st_mtime < since.timestamp():
            continue
        for record in _records_of(file, queue_id):
            if record.time is not None and since is not None and record.time < since:
                continue
            if record.time is not None and until is not None and record.time > until:
                return
            if queue_id is None or record.queue_id == queue_id:
                yield record


def _records_of(file: Path, queue_id: str | None) -> Iterator[LogRecord]:
    wanted = queue_id.encode() if queue_id else b""
    with _open(file) as lines:
        number = 0
        while line := lines.readline(MOST_OCTETS):
            number += 1
            if wanted in line:
                yield parse_line(line.rstrip(b"\r\n"), file=file.name, number=number)


def _open(file: Path) -> BinaryIO:
    if file.suffix == ".gz":
        return cast("BinaryIO", gzip.open(file, "rb"))
    return file.open("rb")
