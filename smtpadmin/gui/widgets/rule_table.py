"""The table in which rules of the catch server are written: one row a rule, the first that fits acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from smtpadmin.formats.rule_cells import RuleCells, cells_of, rule_of
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.model.catch import RULE_POINTS, CatchRule
from smtpadmin.model.errors import UsageError

COLUMNS = (
    ("at", "At", 10, "The point of the session at which the rule acts"),
    ("sender", "From", 11, "Envelope sender, * and ? stand for anything; <> is the null sender"),
    ("recipient", "To", 11, "Envelope recipient, * and ? stand for anything"),
    ("reply", "Reply", 24, "What is answered instead: a code and words; empty: the usual one"),
    ("delay", "Delay", 7, "Wait so long before the answer, as 500ms or 20s"),
    ("odds", "Odds %", 9, "Act in so many of a hundred cases; empty: always"),
    ("drop", "Drop", 6, "Close the connection after the answer, or without one"),
    ("more", "More", 22, "client=192.0.2.* (or its EHLO name)  user=anna  greylist=1m  tarpit=1s  "
                         "times=3  no-starttls  hide=SIZE  certificate=expired|wrong-name|self-signed"),
    ("acted", "Acted", 7, "How many times the rule has acted since it is in force"),
)  # fmt: skip
_NAMES = [name for name, *_ in COLUMNS]
DROP, ACTED = _NAMES.index("drop"), _NAMES.index("acted")
Index = QModelIndex | QPersistentModelIndex


class RuleTable(QTableWidget):
    """``edited`` when a person has changed a cell. Rows keep what was typed, right or wrong."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self._names: list[str] = []
        self.setAccessibleName(self.tr("Rules"))
        self.setHorizontalHeaderLabels([self.tr(title) for _, title, *_ in COLUMNS])
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 15)
        self.setShowGrid(True)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setItemDelegate(_CellEditor(self))
        self._set_header()
        self.itemChanged.connect(self._on_changed)
        current_theme().changed.connect(self.check)

    def _set_header(self) -> None:
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setHighlightSections(False)
        em = self.fontMetrics().averageCharWidth()
        header.setMinimumSectionSize(4 * em)
        for number, (name, _, width, words) in enumerate(COLUMNS):
            self.setColumnWidth(number, width * em + 24)
            item = self.horizontalHeaderItem(number)
            if item is not None:
                item.setToolTip(tooltip(self.tr(words)))
            if name in ("reply", "more"):
                header.setSectionResizeMode(number, QHeaderView.ResizeMode.Stretch)

    # Rules in and out.

    def show_rules(self, rules: Sequence[CatchRule]) -> None:
        """Show these instead."""
        self.show_cells([cells_of(rule) for rule in rules])

    def show_cells(self, rows: Sequence[RuleCells]) -> None:
        """Show these instead, as they were typed."""
        self.blockSignals(True)
        self.setRowCount(0)
        self._names = []
        for cells in rows:
            self._add(cells)
        self.blockSignals(False)
        self.check()

    def add_rule(self, rule: CatchRule) -> None:
        """A rule at the end, chosen."""
        self.blockSignals(True)
        self._add(cells_of(rule))
        self.blockSignals(False)
        self.setCurrentCell(self.rowCount() - 1, _NAMES.index("reply"))
        self.edited.emit()

    def _add(self, cells: RuleCells) -> None:
        row = self.rowCount()
        self.insertRow(row)
        self._names.append(cells.name)
        for number, name in enumerate(_NAMES):
            item = QTableWidgetItem()
            if number == DROP:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                item.setCheckState(Qt.CheckState.Checked if cells.drop else Qt.CheckState.Unchecked)
            elif number == ACTED:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            else:
                item.setText(getattr(cells, name))
            self.setItem(row, number, item)

    def _cell(self, row: int, number: int) -> QTableWidgetItem:
        item = self.item(row, number)
        assert item is not None
        return item

    def cells(self) -> list[RuleCells]:
        """All rows as they were typed."""
        return [self._row(row) for row in range(self.rowCount())]

    def _row(self, row: int) -> RuleCells:
        texts: dict[str, Any] = {
            name: self._cell(row, number).text()
            for number, name in enumerate(_NAMES)
            if number not in (DROP, ACTED)
        }
        drop = self._cell(row, DROP).checkState() == Qt.CheckState.Checked
        return RuleCells(**texts, drop=drop, name=self._names[row])

    def check(self) -> tuple[list[CatchRule], list[tuple[int, UsageError]]]:
        """The rules that are right, and what is wrong with the other rows, which are marked."""
        rules, wrong = [], []
        for row, cells in enumerate(self.cells()):
            try:
                rules.append(rule_of(cells))
            except UsageError as error:
                wrong.append((row, error))
        self._mark({row: error.what for row, error in wrong})
        return rules, wrong

    def _mark(self, wrong: dict[int, str]) -> None:
        theme = current_theme()
        self.blockSignals(True)
        for row in range(self.rowCount()):
            for number, name in enumerate(_NAMES):
                item = self._cell(row, number)
                tone = "err" if row in wrong else "muted" if number == ACTED else "text"
                item.setForeground(theme.color(tone))
                words = wrong.get(row) or self._names[row] or item.text()
                item.setToolTip(tooltip(words))
                item.setData(
                    Qt.ItemDataRole.AccessibleTextRole,
                    f"{name}: {item.text() or '-'}" + (f" ({words})" if row in wrong else ""),
                )
        self.blockSignals(False)

    def show_acted(self, counts: Sequence[int]) -> None:
        """How many times each rule has acted, in the order of the rows that are right."""
        self.blockSignals(True)
        for row in range(self.rowCount()):
            self._cell(row, ACTED).setText(str(counts[row]) if row < len(counts) else "")
        self.blockSignals(False)

    # Rows.

    def remove_row(self) -> None:
        """Take the current row out."""
        cells, row = self.cells(), self.currentRow()
        if 0 <= row < len(cells):
            del cells[row]
            self._reshow(cells, min(row, len(cells) - 1))

    def move_row(self, step: int) -> None:
        """Move the current row up (-1) or down (1)."""
        cells, row = self.cells(), self.currentRow()
        if 0 <= row < len(cells) and 0 <= row + step < len(cells):
            cells[row], cells[row + step] = cells[row + step], cells[row]
            self._reshow(cells, row + step)

    def _reshow(self, cells: Sequence[RuleCells], row: int) -> None:
        column = max(0, self.currentColumn())
        self.show_cells(cells)
        self.setCurrentCell(row, column)
        self.edited.emit()

    # Keys.

    def event(self, event: QEvent) -> bool:
        """F2 and letters edit the cell here, whatever they do elsewhere in the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (
                Qt.KeyboardModifier.NoModifier,
                Qt.KeyboardModifier.ShiftModifier,
            )
            if plain and (
                event.key() == Qt.Key.Key_F2 or (event.text() and event.text().isprintable())
            ):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        opens = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        # The Enter that ends an edit comes by here, too.
        if opens and self.state() != self.State.EditingState and self._is_text(self.currentIndex()):
            self.edit(self.currentIndex())
            return
        super().keyPressEvent(event)

    def _is_text(self, index: QModelIndex) -> bool:
        return index.isValid() and index.column() not in (DROP, ACTED)

    def _on_changed(self, item: QTableWidgetItem) -> None:
        if item.column() != ACTED:
            self.edited.emit()


class _CellEditor(QStyledItemDelegate):
    """A list of points in the first column, a line in the others; an editor fills its cell."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        if index.column() == 0:
            box = QComboBox(parent)
            box.addItems([stage.value for stage in RULE_POINTS])
            box.setStyleSheet("padding: 0 4px; border-radius: 0;")
            box.setAccessibleName(COLUMNS[0][1])
            return box
        editor = super().createEditor(parent, option, index)
        editor.setStyleSheet("padding: 0 8px; border-radius: 0;")
        editor.setAccessibleName(COLUMNS[index.column()][1])
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data()))
        else:
            super().setEditorData(editor, index)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())
        else:
            super().setModelData(editor, model, index)
