"""Saves what a page shows: the visible rows of a table, or a report of tracked messages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from smtpadmin.formats.csv_export import to_csv
from smtpadmin.formats.track_report import REPORTS, report
from smtpadmin.gui.ask import ask
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.errors import StorageError
from smtpadmin.model.tracking import TrackedMessage
from smtpadmin.settings.files import write_private
from smtpadmin.util.tasks import run_blocking


async def export_rows(page: Page, table: Table, name: str) -> None:
    """Ask for a file, write the visible rows, say so."""
    filters = ["CSV (*.csv)", "JSON Lines (*.jsonl)", "Text (*.txt)"]
    path = await ask_for_file(page, f"{name}.csv", filters)
    if path is not None:
        await save_text(path, as_text(table, path.suffix.lower()))
        words = page.tr("{0} rows saved to {1}").format(len(table.rows.store), path.name)
        page.context.notice.emit(words, None)


async def export_tracked(page: Page, messages: Sequence[TrackedMessage], asked: str) -> None:
    """Ask for a file, write the report that its suffix names, say so."""
    path = await ask_for_file(page, "tracking.html", list(REPORTS.values()))
    if path is not None:
        made = datetime.now().astimezone()
        await save_text(path, report(messages, path.suffix.lower(), asked, made))
        words = page.tr("{0} messages saved to {1}").format(len(messages), path.name)
        page.context.notice.emit(words, None)


async def ask_for_file(parent: QWidget, name: str, filters: Sequence[str]) -> Path | None:
    """Where to save; a name without suffix gets that of the chosen filter."""
    dialog = QFileDialog(parent, parent.tr("Export"), name)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(filters))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
    if await ask(dialog) != QDialog.DialogCode.Accepted:
        return None
    path = Path(dialog.selectedFiles()[0])
    chosen = dialog.selectedNameFilter().partition("*")[2].rstrip(")")
    return path if path.suffix or not chosen.startswith(".") else path.with_suffix(chosen)


async def save_text(path: Path, text: str) -> None:
    """Write a file that only its owner can read. Raises StorageError."""
    try:
        await run_blocking(write_private, path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise StorageError(
            f"the file cannot be written ({error.strerror})", where=str(path)
        ) from error


def as_text(table: Table, suffix: str) -> str:
    """The visible rows and columns in the format that a file name ends with."""
    names = table.visible_names()
    columns = [column for column in table.rows.columns if column.name in names]
    rows = [[column.text(row) for column in columns] for row in table.rows.store.visible_rows()]
    titles = [column.title for column in columns]
    if suffix == ".jsonl":
        lines = (
            json.dumps(dict(zip(titles, row, strict=True)), ensure_ascii=False) for row in rows
        )
        return "".join(line + "\n" for line in lines)
    if suffix == ".txt":
        return "".join("\t".join(row) + "\n" for row in [titles, *rows])
    comment = f"filter: {table.rows.store.filter.source or 'none'}; times in {TIMES.name}"
    return to_csv(titles, rows, comment)
