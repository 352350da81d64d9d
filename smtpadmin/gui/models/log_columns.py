"""The columns of the Logs page."""

from __future__ import annotations

from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.time_format import TIMES
from smtpadmin.model.log import LogRecord

_TONES = {"warning": "warn", "error": "err"}
_ICONS = {"warning": "warning", "error": "error"}


def is_problem(record: LogRecord) -> bool:
    """Whether F2 stops at it."""
    return record.level in _TONES or record.event == "reject"


def _time(record: LogRecord) -> str:
    if record.time is None:
        return ""
    return f"{TIMES.time(record.time)}.{record.time.microsecond // 1000:03d}"


LOG_TABLE: tuple[TableColumn[LogRecord], ...] = (
    TableColumn("time", "Time", 14, _time, lambda r: TIMES.full(r.time), mono=True),
    TableColumn(
        "level", "Level", 11, lambda r: r.level or "", pill=True,
        tone=lambda r: _TONES.get(r.level or "", "info"),
        icon=lambda r: _ICONS.get(r.level or "", "info"),
    ),
    TableColumn("event", "Event", 13, lambda r: r.event, term="event", muted=True),
    TableColumn("queue_id", "Queue ID", 16, lambda r: r.queue_id or "", mono=True, term="id", link=True),
    TableColumn(
        "message", "Message", 60, lambda r: r.message or r.raw, lambda r: r.raw, stretch=True,
        tone=lambda r: _TONES.get(r.level or "", "text"),
    ),
    TableColumn("host", "Host", 18, lambda r: r.host or "", hidden=True, term="server"),
    TableColumn("pid", "PID", 8, lambda r: str(r.pid or ""), hidden=True, right=True),
)  # fmt: skip
