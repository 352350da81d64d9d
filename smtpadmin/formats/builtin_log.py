"""The built-in mail server's log: one JSON object a line (``docs/builtin-server.md``).

A line that is not one of its objects is kept as ``other``, with the line as it came.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

PROGRAM = "smtpadmin"
MOST_OCTETS = 1024 * 1024
_COMMON = frozenset({"time", "host", "pid", "level", "event", "queue_id", "message"})


def parse_line(line: bytes, *, file: str | None = None, number: int | None = None) -> LogRecord:
    """One line, without its line end, as a record. Never raises.

    >>> parse_line(b'{"time":"2026-03-01T12:00:00.000+00:00","event":"removed"}').event
    'removed'
    """
    raw = decode_line(line)
    found = _decoded(line)
    if found is None:
        return LogRecord(raw=raw, message=raw, file=file, line=number)
    return LogRecord(
        raw=raw,
        event=_text(found.get("event")) or "other",
        time=_time(found.get("time")),
        host=_text(found.get("host")),
        program=PROGRAM,
        pid=found["pid"] if isinstance(found.get("pid"), int) else None,
        level=_text(found.get("level")),
        queue_id=_text(found.get("queue_id")),
        fields={key: value for key, value in found.items() if key not in _COMMON},
        message=_text(found.get("message")) or "",
        file=file,
        line=number,
    )


def looks_like(line: bytes) -> bool:
    """Whether a line is of this log."""
    return line.startswith(b'{"time":') and b'"event":' in line


def _decoded(line: bytes) -> dict[str, Any] | None:
    if len(line) > MOST_OCTETS or not line.startswith(b"{"):
        return None
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) and "event" in found else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
