"""The columns of the Logs page."""

from __future__ import annotations

from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.time_format import TIMES
from smtpadmin.model.log import LogRecord
from smtpadmin.services.log_severity import Severity, severity

_TONES = {Severity.WARNING: "warn", Severity.ERROR: "err"}
_ICONS = {Severity.WARNING: "warning", Severity.ERROR: "error"}


def is_problem(record: LogRecord) -> bool:
    """Whether F2 stops at it."""
    return severity(record) is not Severity.INFO


def _level(record: LogRecord) -> str:
    """The level that the line names; a problem that names none has one all the same."""
    return record.level or (severity(record).value if is_problem(record) else "")


def _time(record: LogRecord) -> str:
    """With seconds: many lines are of one minute."""
    return TIMES.to_second(record.time) if record.time else ""


LOG_TABLE: tuple[TableColumn[LogRecord], ...] = (
    TableColumn("time", "Time", 18, _time, lambda r: TIMES.full(r.time), mono=True),
    TableColumn(
        "level", "Level", 11, _level, pill=True,
        tone=lambda r: _TONES.get(severity(r), "info"),
        icon=lambda r: _ICONS.get(severity(r), "info"),
    ),
    TableColumn("event", "Event", 15, lambda r: r.event, term="event", muted=True),
    TableColumn("queue_id", "Queue ID", 18, lambda r: r.queue_id or "", mono=True, term="id", link=True),
    TableColumn(
        "message", "Message", 60, lambda r: r.message or r.raw, lambda r: r.raw, stretch=True,
        tone=lambda r: _TONES.get(severity(r), "text"),
    ),
    TableColumn("host", "Host", 18, lambda r: r.host or "", hidden=True, term="server"),
    TableColumn("pid", "PID", 8, lambda r: str(r.pid or ""), hidden=True, right=True),
)  # fmt: skip
