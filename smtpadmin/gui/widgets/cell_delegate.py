"""Paints cells: elided text with 12 px on each side, status pills with icon and word."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontDatabase, QPainter
from PySide6.QtWidgets import (
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from smtpadmin.gui.icons import pixmap
from smtpadmin.gui.models.row_model import ICON_ROLE, TONE_ROLE, RowModel
from smtpadmin.gui.theme.theme import current_theme

PADDING = 12


class CellDelegate(QStyledItemDelegate):
    """For every table of the window."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._mono = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        model = index.model()
        assert isinstance(model, RowModel)
        column = model.columns[index.column()]
        theme = current_theme()
        painter.save()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        rect: QRect = option.rect
        if selected:
            painter.fillRect(rect, theme.color("select"))
        elif index.row() % 2:
            painter.fillRect(rect, theme.color("alternate"))
        text = index.data()
        tone = index.data(TONE_ROLE)
        if column.pill and text:
            self._paint_pill(painter, rect, text, tone or "info", index.data(ICON_ROLE))
        else:
            token = tone or ("muted" if column.muted else "text")
            painter.setPen(theme.color(token))
            font: QFont = option.font
            if column.mono:
                font = QFont(self._mono)
                font.setPointSizeF(option.font.pointSizeF() - 0.5)
            painter.setFont(font)
            inner = rect.adjusted(PADDING, 0, -PADDING, 0)
            elided = painter.fontMetrics().elidedText(
                text, Qt.TextElideMode.ElideRight, inner.width()
            )
            # Wire text keeps its own direction; only its place is mirrored.
            painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
            side = index.data(Qt.ItemDataRole.TextAlignmentRole)
            painter.drawText(inner, QStyle.visualAlignment(option.direction, side), elided)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(theme.color("accent"))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        painter.restore()

    def _paint_pill(
        self, painter: QPainter, rect: QRect, text: str, tone: str, icon: str | None
    ) -> None:
        theme = current_theme()
        font = QFont(painter.font())
        font.setPointSizeF(max(8.5, font.pointSizeF() - 1))
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        size = metrics.height() - 3
        width = metrics.horizontalAdvance(text) + size + 20
        height = metrics.height() + 4
        pill = QRect(rect.left() + PADDING - 2, rect.center().y() - height // 2 + 1, width, height)
        pill.setRight(min(pill.right(), rect.right() - 2))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(f"{tone}_ground"))
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.drawPixmap(
            pill.left() + 6,
            pill.center().y() - size // 2,
            pixmap(icon or "dot", tone, size, painter.device().devicePixelRatioF()),
        )
        painter.setPen(theme.color(tone))
        words = pill.adjusted(size + 10, 0, -4, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, text)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(80, option.fontMetrics.height() + 14)
