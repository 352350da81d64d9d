"""The structured log: one JSON object a line, rotated by size, compressed when old.

``docs/builtin-server.md`` lists every event. Lines wait in memory until :meth:`MailLog.flush`, which
the server calls ten times a second and when it stops, and are then written whole. A disk that is
full stops nobody: the newest lines are kept, and a line says how many were lost.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from smtpadmin.builtin.log_rotation import LogRotation
from smtpadmin.util.signal import Signal

ROTATE_AT = 20 * 1024 * 1024
KEEP = 9
MOST_TEXT = 2_000
MOST_WAITING = 50_000
_FIELD_NAMES = {"message_id": "message-id", "from_": "from"}
_SURROGATE = re.compile("[\ud800-\udfff]")
log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class MailLog:
    """Writes events to ``path``; ``written`` announces each line to followers at once."""

    def __init__(
        self,
        path: Path,
        host: str,
        *,
        rotate_at: int = ROTATE_AT,
        keep: int = KEEP,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.path = path
        self.written: Signal[[str]] = Signal()
        self._host = host
        self._rotate_at = rotate_at
        self._clock = clock
        self._waiting: deque[bytes] = deque()
        self._lost = 0
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._rotation = LogRotation(path, keep)
        self._file = path.open("ab", buffering=0)
        self._end_broken_line()

    def _end_broken_line(self) -> None:
        """A server that was killed may have left half a line."""
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                self._file.write(b"\n")

    def write(
        self,
        event: str,
        *,
        queue_id: str | None = None,
        level: str = "info",
        message: str = "",
        **fields: object,
    ) -> None:
        """Write one event. Fields whose value is None are left out; ``message_id`` is written as
        ``message-id`` and ``from_`` as ``from``; a text longer than 2,000 characters is cut."""
        record: dict[str, object] = {
            "time": self._clock().isoformat(timespec="milliseconds"),
            "host": self._host,
            "pid": os.getpid(),
            "level": level,
            "event": event,
        }
        if queue_id is not None:
            record["queue_id"] = queue_id
        record |= {_FIELD_NAMES.get(k, k): _cut(v) for k, v in fields.items() if v is not None}
        record["message"] = _cut(message or event)
        self._put(json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str))

    def _put(self, line: str) -> None:
        line = _SURROGATE.sub(_octet, line)
        self._waiting.append(line.encode() + b"\n")
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        self.written.emit(line)

    def flush(self) -> None:
        """Hand everything that waits to the operating system, and rotate when due. Raises OSError
        (a full disk), after which what was not written waits for the next call."""
        if self._waiting:
            self._drain()
        if self._lost:
            lost, self._lost = self._lost, 0
            self.write("lost", level="error", lines=lost, message=f"{lost} log lines were lost")
        if self._file.tell() >= self._rotate_at:
            self._rotate()

    def _drain(self) -> None:
        octets = b"".join(self._waiting)
        self._waiting.clear()
        done = 0
        try:
            while done < len(octets):
                done += self._file.write(octets[done:])
        finally:
            if done < len(octets):
                self._waiting.extendleft(reversed(octets[done:].splitlines(keepends=True)))

    def close(self) -> None:
        """Flush and close; nothing may be written afterwards."""
        try:
            self.flush()
        except OSError as error:
            log.warning("the last %d lines of the log are lost: %s", len(self._waiting), error)
        finally:
            self._file.close()
            self._rotation.finish()

    def _rotate(self) -> None:
        self._file.close()
        try:
            self._rotation.rotate()
        except OSError as error:
            log.warning("the log grows on, it cannot be rotated: %s", error)
            self._rotate_at += self._rotate_at // 10 + 1  # not ten times a second
        finally:
            self._file = self.path.open("ab", buffering=0)


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return f"{value[:MOST_TEXT]}… ({len(value) - MOST_TEXT} more characters)"
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return value


def _octet(found: re.Match[str]) -> str:
    """An octet that was not UTF-8 as ``\\xNN`` (its backslash doubled: this is inside JSON)."""
    code = ord(found[0])
    return f"\\\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\\\u{code:04x}"
