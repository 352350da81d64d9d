"""Asks for a time in the log: ``14:03``, ``2026-11-25 14:03:10`` or ``20m`` ago."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from smtpadmin.formats.times import parse_clock
from smtpadmin.gui.ask import ask
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.label import Label
from smtpadmin.model.errors import UsageError


class GoToTime(QDialog):
    """``when`` is the time that was typed, once it is accepted."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Go to a time in the log"))
        self.when: datetime | None = None
        self.edit = QLineEdit()
        self.edit.setPlaceholderText("14:03   2026-11-25 14:03   20m")
        self.edit.setAccessibleName(self.tr("Time"))
        self.problem = Label()
        self.problem.setObjectName("muted")
        self.problem.setText(
            self.tr("Times are {0}; 20m is twenty minutes ago.").format(TIMES.name)
        )
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        buttons.accepted.connect(self._try)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for widget in (self.edit, self.problem, buttons):
            column.addWidget(widget)

    def _try(self) -> None:
        try:
            self.when = parse_clock(self.edit.text(), datetime.now(UTC).astimezone(TIMES.tz()))
        except UsageError as error:
            self.problem.setText(str(error))
            return
        self.accept()


async def ask_for_time(parent: QWidget) -> datetime | None:
    """The time, or None when the user thinks better of it."""
    dialog = GoToTime(parent)
    accepted = await ask(dialog) == QDialog.DialogCode.Accepted
    return dialog.when if accepted else None
