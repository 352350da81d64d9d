"""A rate over the time of a run: a filled line with a scale, told in words as well."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.sparkline import downsample

MOST_POINTS = 20_000
LINES = 2
"""Lines of the scale above the ground."""


def scale_top(value: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) at which a scale ends."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if value <= step * power)


class RatePlot(QWidget):
    """Values of equal spans of time; ``title`` names them. Every point is kept up to a limit, from
    which on two are drawn as their maximum."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._values: list[float] = []
        self._seconds = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(5 * self.fontMetrics().height())
        current_theme().changed.connect(self.update)
        self.clear()

    @property
    def values(self) -> tuple[float, ...]:
        """What is drawn."""
        return tuple(self._values)

    def clear(self) -> None:
        """Forget the last run."""
        self._values = []
        self._seconds = 0.0
        self._tell()

    def add(self, seconds: float, value: float) -> None:
        """One more value, ``seconds`` after the beginning."""
        self._values.append(value)
        self._seconds = seconds
        if len(self._values) > MOST_POINTS:
            self._values = downsample(self._values, MOST_POINTS // 2)
        self._tell()

    def _tell(self) -> None:
        if self._values:
            words = self.tr("{0}: now {1}, highest {2}, after {3} s").format(
                self._title, f"{self._values[-1]:g}", f"{max(self._values):g}",
                f"{self._seconds:.0f}",
            )  # fmt: skip
        else:
            words = self.tr("{0}: no data yet").format(self._title)
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, 9 * self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = scale_top(max(self._values, default=0.0))
        area = self._area(top)
        self._paint_scale(painter, area, top)
        points = downsample(self._values, max(2, int(area.width()) // 2))
        if len(points) > 1:
            self._paint_line(painter, area, points, top)

    def _area(self, top: float) -> QRectF:
        metrics = self.fontMetrics()
        widest = max(metrics.horizontalAdvance(f"{top * n / LINES:g}") for n in range(LINES + 1))
        left = widest + 10.0
        head, foot = metrics.height() + 6.0, metrics.height() + 4.0
        size = self.rect()
        return QRectF(left, head, size.width() - left - 8.0, size.height() - head - foot)

    def _paint_scale(self, painter: QPainter, area: QRectF, top: float) -> None:
        theme, metrics = current_theme(), self.fontMetrics()
        painter.setPen(theme.color("muted"))
        painter.drawText(QPointF(area.left(), metrics.ascent() + 1.0), self._title)
        base = area.bottom() + metrics.height()
        painter.drawText(QPointF(area.left(), base), "0 s")
        if self._seconds:
            right = QRectF(area.left(), area.bottom() + 2, area.width(), metrics.height())
            painter.drawText(right, Qt.AlignmentFlag.AlignRight, f"{self._seconds:.0f} s")
        for number in range(LINES + 1):
            y = area.bottom() - area.height() * number / LINES
            painter.setPen(theme.color("line"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(theme.color("muted"))
            place = QRectF(0, y - metrics.height() / 2, area.left() - 6, metrics.height())
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, flags, f"{top * number / LINES:g}")

    def _paint_line(self, painter: QPainter, area: QRectF, points: list[float], top: float) -> None:
        theme = current_theme()
        step = area.width() / (len(points) - 1)
        line = [
            QPointF(area.left() + n * step, area.bottom() - area.height() * value / top)
            for n, value in enumerate(points)
        ]
        ends = [QPointF(area.left(), area.bottom()), *line, QPointF(area.right(), area.bottom())]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.color("info_ground")))
        painter.drawPolygon(QPolygonF(ends))
        painter.setPen(QPen(theme.color("info"), 1.8))
        painter.drawPolyline(QPolygonF(line))
