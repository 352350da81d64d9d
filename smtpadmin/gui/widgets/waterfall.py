"""The stages of a session as bars on one line of time: which one took how long, and after what."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import tooltip

MOST_STAGES = 24
_LEAST_WIDTH = 2.0


class Waterfall(QWidget):
    """Paints a row for each stage; tells its figures as accessible text and tooltip. ``failed_at`` is
    the stage where it ended badly."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stages: list[tuple[str, float, float]] = []
        self._total = 0.0
        self._failed_at = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        current_theme().changed.connect(self.update)
        self.show_stages({})

    def show_stages(self, timings_ms: Mapping[str, float], failed_at: str = "") -> None:
        """Show these, in their order; none hides the widget."""
        start = 0.0
        self._stages = []
        for name, ms in list(timings_ms.items())[:MOST_STAGES]:
            self._stages.append((name, start, ms))
            start += ms
        self._total, self._failed_at = start, failed_at
        self.setAccessibleName(self.tr("Time of each stage"))
        self.setAccessibleDescription(self.words())
        self.setToolTip(tooltip(self.words()))
        self.setVisible(bool(self._stages))
        self.updateGeometry()
        self.update()

    def words(self) -> str:
        """What the bars show, for who does not see them: ``connect 3 ms, … 41 ms in all``."""
        parts = [f"{name} {ms:.0f} ms" for name, _, ms in self._stages]
        return ", ".join([*parts, self.tr("{0} ms in all").format(round(self._total))])

    def _row_height(self) -> int:
        return self.fontMetrics().height() + 4

    def sizeHint(self) -> QSize:
        return QSize(240, len(self._stages) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, len(self._stages) * self._row_height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, measure = QPainter(self), self.fontMetrics().horizontalAdvance
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # places are mirrored here
        names = max((measure(name) for name, _, _ in self._stages), default=0) + 12
        figures = measure("00000 ms") + 8
        room = max(20.0, float(self.width() - names - figures))
        for row, (name, start, ms) in enumerate(self._stages):
            rect = QRectF(0, row * self._row_height(), self.width(), self._row_height())
            self._paint_row(painter, rect, (name, start, ms), float(names), room)

    def _paint_row(
        self,
        painter: QPainter,
        rect: QRectF,
        stage: tuple[str, float, float],
        names: float,
        room: float,
    ) -> None:
        name, start, ms = stage
        total = self._total or 1.0
        left = names + min(room * start / total, room - _LEAST_WIDTH)
        wide = max(_LEAST_WIDTH, room * ms / total)
        self._text(painter, QRectF(0, rect.top(), names, rect.height()), name, "text")
        bar = QRectF(left, rect.top() + 4, wide, rect.height() - 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color("err" if name == self._failed_at else "accent"))
        painter.drawRoundedRect(self._mirrored(bar), 2, 2)
        figure = QRectF(names + room, rect.top(), self.width() - names - room, rect.height())
        self._text(painter, figure, f"{ms:.0f} ms", "muted", right=True)

    def _text(
        self, painter: QPainter, rect: QRectF, words: str, token: str, *, right: bool = False
    ) -> None:
        painter.setPen(self._color(token))
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            side = Qt.AlignmentFlag.AlignLeft if right else Qt.AlignmentFlag.AlignRight
        painter.drawText(self._mirrored(rect), side | Qt.AlignmentFlag.AlignVCenter, words)

    def _mirrored(self, rect: QRectF) -> QRectF:
        if self.layoutDirection() == Qt.LayoutDirection.LeftToRight:
            return rect
        return QRectF(self.width() - rect.right(), rect.top(), rect.width(), rect.height())

    @staticmethod
    def _color(token: str) -> QColor:
        return current_theme().color(token)
