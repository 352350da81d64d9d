"""Age by destination as a table whose cells are the darker the fuller; a click filters."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.services.qshape import MINUTES, Shape, ShapeRow
from smtpadmin.util.text import visible

MOST_ROWS = 12
Index = QModelIndex | QPersistentModelIndex


class _Heat(QStyledItemDelegate):
    """The style sheet's items take no background from the model."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        ground = index.data(Qt.ItemDataRole.BackgroundRole)
        if isinstance(ground, QBrush):
            painter.fillRect(option.rect.adjusted(1, 1, -1, -1), ground)
        super().paint(painter, option, index)


class HeatTable(QTableWidget):
    """``chosen`` tells a domain."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(MINUTES) + 3, parent)
        self._shape: Shape | None = None
        titles = ["Domain", "Total", *(f"{m}" for m in MINUTES), f"{MINUTES[-1]}+"]
        self.setHorizontalHeaderLabels([self.tr(title) for title in titles])
        self.setObjectName("heat")
        self.setItemDelegate(_Heat(self))
        self.setAccessibleName(self.tr("Age by destination"))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 7)
        self.cellActivated.connect(self._on_cell)
        self.cellClicked.connect(self._on_cell)
        current_theme().changed.connect(self._paint)

    def show_shape(self, shape: Shape) -> None:
        """Show the fullest domains and the sum."""
        self._shape = shape
        self._paint()

    def _paint(self) -> None:
        if self._shape is None:
            return
        rows = [self._shape.total, *self._shape.rows[:MOST_ROWS]]
        self.setRowCount(len(rows))
        most = max((max(row.by_age, default=0) for row in rows[1:]), default=0) or 1
        for number, row in enumerate(rows):
            self._paint_row(number, row, most)
        height = self.verticalHeader().defaultSectionSize() * len(rows)
        self.setFixedHeight(height + self.horizontalHeader().sizeHint().height() + 6)

    def _paint_row(self, number: int, row: ShapeRow, most: int) -> None:
        name = visible(row.domain, 60) if number else self.tr("All")
        self._put(number, 0, name, 0, left=True).setData(Qt.ItemDataRole.UserRole, row.domain)
        self._put(number, 1, str(row.total), 0)
        for column, count in enumerate(row.by_age, 2):
            self._put(
                number, column, str(count) if count else "", min(1.0, count / most) if number else 0
            )

    def _put(
        self, row: int, column: int, words: str, heat: float, *, left: bool = False
    ) -> QTableWidgetItem:
        item = QTableWidgetItem(words)
        side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignHCenter
        item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        if heat:
            colour = QColor(current_theme().color("warn"))
            colour.setAlphaF(0.12 + 0.38 * heat)
            item.setBackground(colour)
        self.setItem(row, column, item)
        return item

    def _on_cell(self, row: int, column: int) -> None:
        item = self.item(row, 0)
        domain = item.data(Qt.ItemDataRole.UserRole) if item else ""
        if domain:
            self.chosen.emit(str(domain))
