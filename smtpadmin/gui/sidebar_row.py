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
        theme = current_theme()
        ratio = painter.device().devicePixelRatioF()
        tone = index.data(TONE_ROLE)
        picture = pixmap(index.data(ICON_ROLE), "muted", 16, ratio)
        painter.drawPixmap(rect.left() + 6, rect.center().y() - 7, picture)
        if tone:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(tone))
            painter.drawEllipse(rect.left() + 17, rect.center().y() + 3, 7, 7)
        badge = str(index.data(BADGE_ROLE) or "")
        width = painter.fontMetrics().horizontalAdvance(badge)
        painter.setPen(theme.color("err" if tone == "err" else "muted"))
        painter.drawText(
            rect.adjusted(0, 0, -10, 0),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
            badge,
        )
        painter.setPen(theme.color("text"))
        inner = rect.adjusted(32, 0, -width - 18, 0)
        name = painter.fontMetrics().elidedText(
            index.data(), Qt.TextElideMode.ElideMiddle, inner.width()
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, name)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(120, option.fontMetrics.height() + 12)
