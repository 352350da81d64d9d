"""Log lines, or messages, over time: bars, problems marked at their foot; a click goes to that time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.time_format import TIMES
from smtpadmin.services.row_store import Spread

BARS = 120


def buckets(
    times: Sequence[float], problems: Sequence[float], bars: int
) -> tuple[list[int], list[int]]:
    """Lines and problems in equal spans between the first and the last time."""
    if not times:
        return [0] * bars, [0] * bars
    first, last = min(times), max(times)
    span = max(last - first, 1e-9)
    counts, bad = [0] * bars, [0] * bars
    for values, target in ((times, counts), (problems, bad)):
        for value in values:
            target[min(bars - 1, max(0, int((value - first) / span * bars)))] += 1
    return counts, bad


class Histogram(QWidget):
    """``what`` is counted; ``chosen`` tells the time that was clicked."""

    chosen = Signal(object)

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what = what
        self._counts: list[int] = []
        self._bad: list[int] = []
        self._range = (0.0, 0.0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMouseTracking(True)
        current_theme().changed.connect(self.update)

    def show_times(self, times: Sequence[float], problems: Sequence[float]) -> None:
        """Show these (seconds since the epoch)."""
        if not times:
            self.show_spread(None)
            return
        self.show_spread(Spread(min(times), max(times), *buckets(times, problems, BARS)))

    def show_spread(self, spread: Spread | None) -> None:
        """Show :data:`BARS` counts; None: there is nothing."""
        self._counts, self._bad = (spread.counts, spread.flagged) if spread else ([], [])
        self._range = (spread.first, spread.last) if spread else (0.0, 0.0)
        words = self.tr("{0} {1}, {2} problems")
        self.setAccessibleName(words.format(sum(self._counts), self._what, sum(self._bad)))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, 3 * self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = current_theme()
        painter.fillRect(self.rect(), theme.color("panel"))
        top = max(self._counts, default=0)
        if not top:
            return
        width, height = (self.width() - 24) / BARS, self.height() - 8
        for number, (count, bad) in enumerate(zip(self._counts, self._bad, strict=True)):
            if not count:
                continue
            tall = max(2.0, height * count / top)
            left = 12 + number * width
            painter.fillRect(
                QRectF(left, 4 + height - tall, max(1.0, width - 1), tall), theme.color("info")
            )
            if bad:
                wrong = max(3.0, tall * bad / count)
                painter.fillRect(
                    QRectF(left, 4 + height - wrong, max(1.0, width - 1), wrong), theme.color("err")
                )

    def _time_at(self, x: float) -> datetime | None:
        first, last = self._range
        if last <= 0:
            return None
        share = min(1.0, max(0.0, (x - 12) / max(1, self.width() - 24)))
        return datetime.fromtimestamp(first + share * (last - first), UTC)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        when = self._time_at(event.position().x())
        if when is not None:
            number = min(
                BARS - 1,
                max(0, int((event.position().x() - 12) / max(1, self.width() - 24) * BARS)),
            )
            words = self.tr("{0}: {1} {2}, {3} problems")
            found = self._counts[number], self._what, self._bad[number]
            self.setToolTip(words.format(TIMES.time(when), *found))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        when = self._time_at(event.position().x())
        if when is not None:
            self.chosen.emit(when)
