"""Runs of a repeated test over time: how long each took, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.time_format import TIMES, seconds
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.model.repeat import Run

MOST_SHOWN = 500
_TONES = {"accepted": "ok", "refused": "err", "failed": "warn"}
_MARGIN = 6.0


class OutcomePlot(QWidget):
    """A stem for each run: its height is the time it took, its foot tells by colour and form how it
    ended (a dot: accepted; a square: refused; a cross: failed). The figures are accessible text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: list[Run] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        current_theme().changed.connect(self.update)
        self.show_runs([])

    def show_runs(self, runs: Sequence[Run]) -> None:
        """The newest is the last."""
        self._runs = list(runs)[-MOST_SHOWN:]
        self.setAccessibleName(self.tr("Outcomes over time"))
        self.setAccessibleDescription(self.words())
        self.setToolTip(tooltip(self.words()))
        self.update()

    def words(self) -> str:
        """What the plot shows, for who does not see it."""
        if not self._runs:
            return self.tr("no run yet")
        well = sum(run.outcome.ok for run in self._runs)
        last = self._runs[-1]
        slowest = max(run.outcome.took_ms for run in self._runs)
        return self.tr("{0} runs, {1} accepted, slowest {2}; last {3} at {4}").format(
            len(self._runs), well, seconds(slowest / 1000), last.outcome.result,
            TIMES.time(last.began),
        )  # fmt: skip

    def sizeHint(self) -> QSize:
        return QSize(240, 5 * self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # places are mirrored here
        line = self.fontMetrics().height()
        area = QRectF(_MARGIN, line, self.width() - 2 * _MARGIN, self.height() - 2 * line - 4)
        painter.setPen(theme.color("line"))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        if not self._runs:
            painter.setPen(theme.color("muted"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self.words())
            return
        self._paint_axis(painter, area, line)
        for run in self._runs:
            self._paint_run(painter, area, run)

    def _paint_axis(self, painter: QPainter, area: QRectF, line: int) -> None:
        painter.setPen(current_theme().color("muted"))
        first, last = self._runs[0].began, self._runs[-1].began
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            left, right = right, left
        below = QRectF(area.left(), area.bottom() + 4, area.width(), line)
        painter.drawText(below, left, TIMES.time(first))
        if last != first:
            painter.drawText(below, right, TIMES.time(last))
        top = QRectF(area.left(), 0, area.width(), line)
        painter.drawText(top, left, seconds(self._highest() / 1000))

    def _highest(self) -> float:
        return max((run.outcome.took_ms for run in self._runs), default=0.0) or 1.0

    def _place(self, area: QRectF, run: Run) -> QPointF:
        first, last = self._runs[0].began, self._runs[-1].began
        span = (last - first).total_seconds()
        share = (run.began - first).total_seconds() / span if span > 0 else 0.5
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            share = 1 - share
        height = area.height() * min(1.0, run.outcome.took_ms / self._highest())
        return QPointF(area.left() + 4 + (area.width() - 8) * share, area.bottom() - height)

    def _paint_run(self, painter: QPainter, area: QRectF, run: Run) -> None:
        colour = current_theme().color(_TONES.get(run.outcome.result, "info"))
        at, foot = self._place(area, run), area.bottom()
        painter.setPen(QPen(colour, 1.6))
        painter.drawLine(QPointF(at.x(), foot), at)
        painter.setBrush(colour)
        if run.outcome.ok:
            painter.drawEllipse(at, 2.2, 2.2)
        elif run.outcome.result == "refused":
            painter.drawRect(QRectF(at.x() - 3, at.y() - 3, 6, 6))
        else:
            painter.drawLine(at + QPointF(-3, -3), at + QPointF(3, 3))
            painter.drawLine(at + QPointF(-3, 3), at + QPointF(3, -3))
