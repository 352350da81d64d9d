"""One line of a log, taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogRecord:
    """What a log line says. Unknown lines are kept: ``event`` is then ``other``.

    ``fields`` uses the names of the log's own grammar; ``message`` is the text after the tag;
    ``raw`` is the line, bytes that are not UTF-8 written as ``\\xNN``.
    """

    raw: str
    event: str = "other"
    time: datetime | None = None
    host: str | None = None
    program: str | None = None
    pid: int | None = None
    level: str | None = None
    queue_id: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    message: str = ""
    file: str | None = None
    line: int | None = None
