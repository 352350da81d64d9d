"""Draws a row of the sidebar."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from smtpadmin.gui.icons import pixmap
from smtpadmin.gui.sidebar import BADGE_ROLE, ICON_ROLE, KEY_ROLE, TONE_ROLE
from smtpadmin.gui.theme.theme import current_theme


class SidebarRow(QStyledItemDelegate):
    """Icon, name and badge on one line, so that the badge never pushes the name out."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        theme = current_theme()
        rect = option.rect
        painter.save()
        key = index.data(KEY_ROLE)
        if not key:
            font = QFont(option.font)
            font.setPointSizeF(8.5)
            font.setWeight(QFont.Weight.DemiBold)
            painter.setFont(font)
            painter.setPen(theme.color("muted"))
            inner = rect.adjusted(4, 4, 0, 0)
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, index.data())
            painter.restore()
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("select"))
            painter.drawRoundedRect(rect.adjusted(0, 1, -2, -1), 5, 5)
        self._paint_row(painter, rect, index, option)
        painter.restore()

    def _paint_row(
        self,
        painter: QPainter,
        rect: QRect,
        index: QModelIndex | QPersistentModelIndex,
        option: QStyleOptionViewItem,
    ) -> None:
        theme, direction = current_theme(), option.direction
        ratio = painter.device().devicePixelRatioF()
        tone = index.data(TONE_ROLE)

        def place(left: int, top: int, width: int, height: int) -> QRect:
            at = QRect(rect.left() + left, rect.center().y() + top, width, height)
            return QStyle.visualRect(direction, rect, at)

        painter.drawPixmap(place(6, -7, 16, 16), pixmap(index.data(ICON_ROLE), "muted", 16, ratio))
        if tone:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(tone))
            painter.drawEllipse(place(17, 3, 7, 7))
        badge = str(index.data(BADGE_ROLE) or "")
        width = painter.fontMetrics().horizontalAdvance(badge)
        height = rect.height()
        painter.setPen(theme.color("err" if tone == "err" else "muted"))
        painter.drawText(
            place(rect.width() - width - 10, -height // 2, width, height),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            badge,
        )
        painter.setPen(theme.color("text"))
        inner = place(32, -height // 2, max(0, rect.width() - width - 50), height)
        name = painter.fontMetrics().elidedText(
            index.data(), Qt.TextElideMode.ElideMiddle, inner.width()
        )
        side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(inner, QStyle.visualAlignment(direction, side), name)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(120, option.fontMetrics.height() + 12)
