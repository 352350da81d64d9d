"""A growing list of checks: icon and word for the result, what was found, what to do, how long."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from smtpadmin.gui.icons import icon
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.services.checks import Check, CheckResult
from smtpadmin.util.text import visible

_LOOK = {
    CheckResult.PASS: ("check", "ok"),
    CheckResult.WARN: ("warning", "warn"),
    CheckResult.FAIL: ("error", "err"),
    CheckResult.INFO: ("info", "info"),
    CheckResult.UNTESTED: ("dot", "muted"),
}


class StageList(QTableWidget):
    """Checks in the order in which they ended."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 5, parent)
        titles = ("Result", "Check", "Detail", "Fix", "Took")
        self.setHorizontalHeaderLabels([self.tr(title) for title in titles])
        self.setAccessibleName(self.tr("Checks"))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setWordWrap(True)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        for column in (0, 1, 4):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Interactive)
        self.setColumnWidth(3, 34 * self.fontMetrics().averageCharWidth())
        self.checks: list[Check] = []
        current_theme().changed.connect(self._retint)

    def _retint(self) -> None:
        """The icons and words of the results in the colours of the palette in force."""
        for row, check in enumerate(self.checks):
            item = self.item(row, 0)
            if item is not None:
                _colour(item, check)

    def start(self) -> None:
        """Forget the last run."""
        self.checks = []
        self.setRowCount(0)

    def add(self, check: Check) -> None:
        """Add one."""
        self.checks.append(check)
        row = self.rowCount()
        self.insertRow(row)
        took = f"{check.took_ms:.0f} ms" if check.took_ms else ""
        words = (check.result.value, f"{check.name}  {check.target}", check.detail, check.fix, took)
        for column, text in enumerate(words):
            item = QTableWidgetItem(visible(text, 300))
            item.setToolTip(tooltip(visible(text)))
            if column == 0:
                _colour(item, check)
            self.setItem(row, column, item)
        self.resizeRowToContents(row)
        self.scrollToBottom()

    def as_text(self) -> str:
        """The selected lines, or all, for the clipboard: result, check, detail, what to do."""
        chosen = sorted({index.row() for index in self.selectedIndexes()})
        checks = [self.checks[row] for row in chosen] or self.checks
        return "\n".join(_line(check) for check in checks)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.as_text())
        else:
            super().keyPressEvent(event)


def _colour(item: QTableWidgetItem, check: Check) -> None:
    name, tone = _LOOK[check.result]
    item.setIcon(icon(name, tone))
    item.setForeground(current_theme().color(tone))


def _line(check: Check) -> str:
    head = f"{check.result.value}  {check.name}  {check.target}: {check.detail}"
    return visible(f"{head}  → {check.fix}" if check.fix else head, 4_000)
