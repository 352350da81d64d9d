"""The columns of the Activity page."""

from __future__ import annotations

from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.time_format import TIMES
from smtpadmin.model.activity import Activity
from smtpadmin.services.columns import Column, Kind

ACTIVITY_COLUMNS: tuple[Column[Activity], ...] = (
    Column("time", Kind.TIME, lambda a: a.time),
    Column("server", Kind.TEXT, lambda a: a.server, anywhere=True),
    Column("action", Kind.TEXT, lambda a: a.action, anywhere=True),
    Column("ok", Kind.NUMBER, lambda a: a.ok),
    Column("failed", Kind.NUMBER, lambda a: a.failed),
    Column("result", Kind.TEXT, lambda a: a.result, anywhere=True),
)


def _tone(activity: Activity) -> str:
    return "err" if activity.failed and not activity.ok else "warn" if activity.failed else "ok"


def _icon(activity: Activity) -> str:
    return {"ok": "check", "warn": "warning", "err": "error"}[_tone(activity)]


def _word(activity: Activity) -> str:
    return {"ok": "done", "warn": "partly", "err": "failed"}[_tone(activity)]


ACTIVITY_TABLE: tuple[TableColumn[Activity], ...] = (
    TableColumn("time", "Time", 14, lambda a: TIMES.time(a.time), lambda a: TIMES.full(a.time)),
    TableColumn("outcome", "Outcome", 12, _word, pill=True, tone=_tone, icon=_icon),
    TableColumn("action", "Action", 12, lambda a: f"undo ({a.action})" if a.undo_of else a.action),
    TableColumn("server", "Server", 22, lambda a: a.server),
    TableColumn("ok", "Done", 7, lambda a: str(a.ok), right=True),
    TableColumn("failed", "Not", 6, lambda a: str(a.failed), right=True),
    TableColumn("copies", "Copies", 8, lambda a: str(len(a.copies) or ""), right=True),
    TableColumn("result", "Result", 40, lambda a: a.result, stretch=True, muted=True),
)  # fmt: skip
