"""A small line of counts over time, for the header and the Overview."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from smtpadmin.gui.theme.theme import current_theme


def downsample(values: Sequence[float], most: int) -> list[float]:
    """At most ``most`` values, each the maximum of its bucket, so that no peak is lost."""
    if most <= 0 or len(values) <= most:
        return list(values)
    size = len(values) / most
    return [
        max(values[int(i * size) : max(int(i * size) + 1, int((i + 1) * size))])
        for i in range(most)
    ]


class Sparkline(QWidget):
    """Paints the last values; tells its figures as accessible text and tooltip."""

    clicked = Signal()

    def __init__(self, title: str, tone: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._tone = title, tone
        self._values: list[float] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        current_theme().changed.connect(self.update)
        self.set_values([])

    def set_values(self, values: Sequence[float]) -> None:
        """Show these; the newest is the last."""
        self._values = list(values)
        last = f"{self._values[-1]:g}" if self._values else self.tr("no data")
        words = self.tr("{0}: now {1}, highest {2}").format(
            self._title, last, f"{max(self._values):g}" if self._values else "0"
        )
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(84, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        values = downsample(self._values, max(2, self.width() // 2))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = current_theme()
        height, top = self.height() - 3, max(values, default=0) or 1
        if len(values) < 2:
            painter.setPen(theme.color("line"))
            painter.drawLine(0, height, self.width(), height)
            return
        step = self.width() / (len(values) - 1)
        points = [QPointF(i * step, 1 + (height - 1) * (1 - v / top)) for i, v in enumerate(values)]
        ground = QColor(theme.color(f"{self._tone}_ground"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        edges = [QPointF(0, height + 1), *points, QPointF(self.width(), height + 1)]
        painter.drawPolygon(QPolygonF(edges))
        painter.setPen(QPen(theme.color(self._tone), 1.6))
        painter.drawPolyline(QPolygonF(points))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.clicked.emit()
