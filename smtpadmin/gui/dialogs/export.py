"""Saves the visible rows of a table: CSV, JSON Lines or text."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog

from smtpadmin.formats.csv_export import to_csv
from smtpadmin.gui.ask import ask
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.errors import StorageError
from smtpadmin.settings.files import write_private
from smtpadmin.util.tasks import run_blocking


async def export_rows(page: Page, table: Table, name: str) -> None:
    """Ask for a file, write it, say so."""
    dialog = QFileDialog(page, page.tr("Export"), f"{name}.csv")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(["CSV (*.csv)", "JSON Lines (*.jsonl)", "Text (*.txt)"])
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
    if await ask(dialog) != QDialog.DialogCode.Accepted:
        return
    path = Path(dialog.selectedFiles()[0])
    text = as_text(table, path.suffix.lower())
    try:
        await run_blocking(write_private, path, text.encode())
    except OSError as error:
        raise StorageError(
            f"the file cannot be written ({error.strerror})", where=str(path)
        ) from error
    page.context.notice.emit(
        page.tr("{0} rows saved to {1}").format(len(table.rows.store), path.name), None
    )


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
