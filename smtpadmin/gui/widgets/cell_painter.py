"""Paints the rows of a table: elided text with 12 px on each side, status pills with icon and word.

A followed log repaints every visible cell with every batch, and a delegate called for each cell costs
more than the cell itself. So rows are asked for once a paint, and painted column by column: the cells
of one column share font, colour and width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QFontMetricsF, QPainter
from PySide6.QtWidgets import QTableView

from smtpadmin.gui.models.row_model import Cell, RowModel, cell_of
from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.pill import pill

PADDING = 12
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class CellFont:
    """A font with what is asked of it for each cell."""

    def __init__(self, font: QFont) -> None:
        self.font = QFont(font)
        self.metrics = QFontMetrics(font)
        self._widest = self.metrics.horizontalAdvance("W")
        exact = QFontMetricsF(font)
        self._height, self._ascent = exact.ascent() + exact.descent(), exact.ascent()

    def surely_fits(self, text: str, width: int) -> bool:
        """Whether nothing need be measured: short text of this very font, left to right."""
        return len(text) * self._widest <= width and text.isascii()

    def fitted(self, text: str, width: int) -> str:
        """``text``, elided when it is wider than ``width`` pixels."""
        if self.surely_fits(text, width):
            return text
        return self.metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)

    def baseline(self, height: int) -> float:
        """Where text stands that is centred in a row of that height, from the row's top."""
        return (height - self._height) / 2 + self._ascent


@dataclass(frozen=True, slots=True)
class Line:
    """A visible row: where it lies in the viewport, and what it shows."""

    top: int
    height: int
    row: Any


@dataclass(frozen=True, slots=True)
class Strip:
    """A visible column: where it lies in the viewport, and on which side its words stand."""

    left: int
    width: int
    column: TableColumn[Any]
    to_right: bool


def _plain_tone(column: TableColumn[Any]) -> str:
    if column.link:
        return "accent"
    return "muted" if column.muted else "text"


class CellPainter:
    """Paints the cells of one table, whose model is a RowModel."""

    def __init__(self, table: QTableView, model: RowModel[Any]) -> None:
        self._table, self._model = table, model
        self._theme = current_theme()
        self._colors: dict[str, QColor] = {}
        self._theme.changed.connect(self._colors.clear)
        self._set_fonts(table.font())

    def _set_fonts(self, font: QFont) -> None:
        mono = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        mono.setPointSizeF(font.pointSizeF() - 0.5)
        small = QFont(font)
        small.setPointSizeF(max(8.5, font.pointSizeF() - 1))
        small.setWeight(QFont.Weight.DemiBold)
        self._text, self._mono, self._pill_font = CellFont(font), CellFont(mono), small

    def _color(self, token: str) -> QColor:
        if token not in self._colors:
            self._colors[token] = self._theme.color(token)
        return self._colors[token]

    def paint(self, painter: QPainter, area: QRect) -> None:
        """Paint the cells that touch an area of the viewport."""
        table = self._table
        first, last = table.rowAt(area.top()), table.rowAt(area.bottom())
        strips = self._strips(area)
        if first < 0 or not strips:
            return
        if self._text.font != table.font():
            self._set_fonts(table.font())
        lines = self._lines(first, last if last >= 0 else self._model.rowCount() - 1)
        self._paint_grounds(painter, first, lines, strips)
        # Wire text keeps its own direction; only its place is mirrored.
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        for strip in strips:
            if strip.column.pill:
                self._paint_pills(painter, strip, lines)
            else:
                self._paint_texts(painter, strip, lines)
        self._paint_focus(painter)

    def _strips(self, area: QRect) -> list[Strip]:
        table, mirrored = self._table, self._table.isRightToLeft()
        found = []
        for number, column in enumerate(self._model.columns):
            left, width = table.columnViewportPosition(number), table.columnWidth(number)
            if width and left <= area.right() and left + width > area.left():
                found.append(Strip(left, width, column, column.right != mirrored))
        return found

    def _lines(self, first: int, last: int) -> list[Line]:
        top, height = self._table.rowViewportPosition, self._table.rowHeight
        rows = self._model.rows(first, last)
        return [Line(top(at), height(at), row) for at, row in enumerate(rows, first)]

    def _paint_grounds(
        self, painter: QPainter, first: int, lines: list[Line], strips: list[Strip]
    ) -> None:
        left = min(strip.left for strip in strips)
        width = sum(strip.width for strip in strips)
        select, alternate = self._color("select"), self._color("alternate")
        is_selected = self._table.selectionModel().rowIntersectsSelection
        for position, line in enumerate(lines, first):
            if is_selected(position):
                painter.fillRect(left, line.top, width, line.height, select)
            elif position % 2:
                painter.fillRect(left, line.top, width, line.height, alternate)

    def _paint_texts(self, painter: QPainter, strip: Strip, lines: list[Line]) -> None:
        column = strip.column
        font, plain = self._mono if column.mono else self._text, _plain_tone(column)
        left, width = strip.left + PADDING, strip.width - 2 * PADDING
        painter.setFont(font.font)
        for line in lines:
            cell = cell_of(column, line.row)
            if not cell.text:
                continue
            painter.setPen(self._color(cell.tone or plain))
            if not strip.to_right and font.surely_fits(cell.text, width):
                painter.drawText(QPointF(left, line.top + font.baseline(line.height)), cell.text)
            else:
                inner = QRect(left, line.top, width, line.height)
                side = _RIGHT if strip.to_right else _LEFT
                painter.drawText(inner, side, font.fitted(cell.text, width))

    def _paint_pills(self, painter: QPainter, strip: Strip, lines: list[Line]) -> None:
        ratio = painter.device().devicePixelRatioF()
        for line in lines:
            cell = cell_of(strip.column, line.row)
            if cell.text:
                self._paint_pill(painter, strip, line, cell, ratio)

    def _paint_pill(
        self, painter: QPainter, strip: Strip, line: Line, cell: Cell, ratio: float
    ) -> None:
        tone = cell.tone or "info"
        drawn = pill(
            cell.text,
            tone,
            self._color(f"{tone}_ground").name(),
            self._color(tone).name(),
            cell.icon or "dot",
            self._pill_font,
            ratio,
            strip.width - PADDING,
        )
        size = drawn.deviceIndependentSize().toSize()
        left = strip.left + PADDING - 2
        if self._table.isRightToLeft():
            left = strip.left + strip.width - PADDING + 2 - size.width()
        middle = line.top + (line.height - 1) // 2
        painter.drawPixmap(QPoint(left, middle - size.height() // 2 + 1), drawn)

    def _paint_focus(self, painter: QPainter) -> None:
        table, current = self._table, self._table.currentIndex()
        if current.isValid() and (table.hasFocus() or table.viewport().hasFocus()):
            painter.setPen(self._color("accent"))
            painter.drawRect(table.visualRect(current).adjusted(0, 0, -1, -1))
