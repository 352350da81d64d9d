"""The structured log: one JSON object a line, rotated by size, compressed when old.

``docs/builtin-server.md`` lists every event. A line is written whole; the file is flushed by
:meth:`MailLog.flush`, which the server calls ten times a second and when it stops.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from smtpadmin.util.signal import Signal

ROTATE_AT = 20 * 1024 * 1024
KEEP = 9


def _now() -> datetime:
    return datetime.now(UTC)


class MailLog:
    """Writes events to ``path``; ``written`` announces each line to followers."""

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
        self._keep = keep
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = path.open("a", encoding="utf-8")

    def write(
        self,
        event: str,
        *,
        queue_id: str | None = None,
        level: str = "info",
        message: str = "",
        **fields: object,
    ) -> None:
        """Write one event. ``fields`` whose value is None are left out; a hyphen in a field's
        name is written as an underscore in the call (``message_id`` becomes ``message-id``)."""
        record: dict[str, object] = {
            "time": self._clock().isoformat(timespec="milliseconds"),
            "host": self._host,
            "pid": os.getpid(),
            "level": level,
            "event": event,
        }
        if queue_id is not None:
            record["queue_id"] = queue_id
        record |= {_FIELD_NAMES.get(k, k): v for k, v in fields.items() if v is not None}
        record["message"] = message or event
        self._put(json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str))

    def _put(self, line: str) -> None:
        safe = line.encode("utf-8", "backslashreplace").decode("utf-8")
        self._file.write(safe + "\n")
        self.written.emit(safe)

    def flush(self) -> None:
        """Hand everything written so far to the operating system, and rotate when due."""
        self._file.flush()
        if self._file.tell() >= self._rotate_at:
            self._rotate()

    def close(self) -> None:
        """Flush and close; nothing may be written afterwards."""
        self._file.flush()
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        self._older(self._keep).unlink(missing_ok=True)
        for number in range(self._keep - 1, 0, -1):
            if self._older(number).exists():
                self._older(number).replace(self._older(number + 1))
        partial = self._older(1).with_suffix(".partial")
        with self.path.open("rb") as source, gzip.open(partial, "wb", 6) as target:
            shutil.copyfileobj(source, target)
        partial.replace(self._older(1))
        self._file = self.path.open("w", encoding="utf-8")

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}.gz")


_FIELD_NAMES = {
    "message_id": "message-id",
    "from_": "from",
}


def log_files(path: Path) -> list[Path]:
    """The log and its rotated files that exist, the oldest first."""
    rotated = sorted(
        path.parent.glob(f"{path.name}.*.gz"), key=lambda p: -int(p.name.split(".")[-2])
    )
    return [*rotated, *([path] if path.exists() else [])]
