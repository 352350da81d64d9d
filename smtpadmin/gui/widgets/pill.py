"""The status pill: a word with an icon on a tinted ground, drawn once and kept."""

from __future__ import annotations

import functools

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap

from smtpadmin.gui.icons import pixmap

KEPT = 512


@functools.lru_cache(KEPT)
def pill(
    text: str, tone: str, ground: str, ink: str, icon: str, font: QFont, ratio: float, most: int
) -> QPixmap:
    """A pill at most ``most`` pixels wide; ``ground`` and ``ink`` are colours, ``ratio`` the
    screen's. The word is cut off where it does not fit: the column is then too narrow to read."""
    metrics = QFontMetrics(font)
    size, height = metrics.height() - 3, metrics.height() + 4
    width = max(1, min(metrics.horizontalAdvance(text) + size + 20, most))
    drawn = QPixmap(QSize(round(width * ratio), round(height * ratio)))
    drawn.setDevicePixelRatio(ratio)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(QRect(0, 0, width, height), height / 2, height / 2)
    painter.drawPixmap(6, (height - size) // 2, pixmap(icon, tone, size, ratio))
    painter.setPen(QColor(ink))
    painter.setFont(font)
    words = QRect(size + 10, 0, width - size - 14, height)
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, text)
    painter.end()
    return drawn
