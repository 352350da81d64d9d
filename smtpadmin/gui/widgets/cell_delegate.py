"""Paints cells: elided text with 12 px on each side, status pills with icon and word.

A followed log repaints every visible cell with every batch, so what can be worked out once (fonts,
colours, pills) is, and the model is asked for a cell in one call instead of one for each role.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from smtpadmin.gui.models.row_model import Cell, RowModel
from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.pill import pill

PADDING = 12
Index = QModelIndex | QPersistentModelIndex
_SELECTED = QStyle.StateFlag.State_Selected
_FOCUSED = QStyle.StateFlag.State_HasFocus
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class CellFont:
    """A font with what is asked of it for each cell."""

    def __init__(self, font: QFont) -> None:
        self.font = QFont(font)  # an option's font ends with it
        self.metrics = QFontMetrics(font)
        self._widest = self.metrics.horizontalAdvance("W")

    def fitted(self, text: str, width: int) -> str:
        """``text``, elided when it is wider than ``width`` pixels."""
        if len(text) * self._widest <= width and text.isascii():
            return text
        return self.metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


def _plain_tone(column: TableColumn[object]) -> str:
    if column.link:
        return "accent"
    return "muted" if column.muted else "text"


class CellDelegate(QStyledItemDelegate):
    """For every table of the window."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._table_font = QFont()
        self._theme = current_theme()
        self._colors: dict[str, QColor] = {}
        self._theme.changed.connect(self._colors.clear)
        self._set_fonts(parent.font())

    def _set_fonts(self, font: QFont) -> None:
        mono = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        mono.setPointSizeF(font.pointSizeF() - 0.5)
        small = QFont(font)
        small.setPointSizeF(max(8.5, font.pointSizeF() - 1))
        small.setWeight(QFont.Weight.DemiBold)
        self._table_font = QFont(font)
        self._text, self._mono, self._pill_font = CellFont(font), CellFont(mono), small

    def _color(self, token: str) -> QColor:
        if token not in self._colors:
            self._colors[token] = self._theme.color(token)
        return self._colors[token]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, RowModel)
        row, number = index.row(), index.column()
        column, cell = model.columns[number], model.cell(row, number)
        if option.font != self._table_font:
            self._set_fonts(option.font)
        rect, state = option.rect, option.state
        if state & _SELECTED:
            painter.fillRect(rect, self._color("select"))
        elif row % 2:
            painter.fillRect(rect, self._color("alternate"))
        if not column.pill:
            self._paint_text(painter, rect, option.direction, column, cell)
        elif cell.text:
            self._paint_pill(painter, rect, option.direction, cell)
        if state & _FOCUSED:
            painter.setPen(self._color("accent"))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))

    def _paint_text(
        self,
        painter: QPainter,
        rect: QRect,
        direction: Qt.LayoutDirection,
        column: TableColumn[object],
        cell: Cell,
    ) -> None:
        font = self._mono if column.mono else self._text
        painter.setPen(self._color(cell.tone or _plain_tone(column)))
        painter.setFont(font.font)
        inner = rect.adjusted(PADDING, 0, -PADDING, 0)
        # Wire text keeps its own direction; only its place is mirrored.
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        side = _RIGHT if column.right else _LEFT
        if direction != Qt.LayoutDirection.LeftToRight:
            side = QStyle.visualAlignment(direction, side)
        painter.drawText(inner, side, font.fitted(cell.text, inner.width()))

    def _paint_pill(
        self, painter: QPainter, rect: QRect, direction: Qt.LayoutDirection, cell: Cell
    ) -> None:
        tone = cell.tone or "info"
        drawn = pill(
            cell.text,
            tone,
            self._color(f"{tone}_ground").name(),
            self._color(tone).name(),
            cell.icon or "dot",
            self._pill_font,
            painter.device().devicePixelRatioF(),
            rect.width() - PADDING,
        )
        size = drawn.deviceIndependentSize().toSize()
        left = rect.left() + PADDING - 2
        if direction != Qt.LayoutDirection.LeftToRight:
            left = rect.right() - PADDING + 3 - size.width()
        painter.drawPixmap(left, rect.center().y() - size.height() // 2 + 1, drawn)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, option.fontMetrics.height() + 14)
