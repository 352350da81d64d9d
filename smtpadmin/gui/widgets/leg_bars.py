"""The legs of a message as bars on one line of time: where it was, and how long it waited there."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from smtpadmin.formats.leg_spans import LegSpan
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.time_format import TIMES, seconds
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.gui.widgets.label import Label
from smtpadmin.util.text import visible

MOST_LEGS = 20
_LEAST_WIDTH = 3.0


class _Bar(QWidget):
    """One span; a leg that is under way is drawn with an open end."""

    def __init__(self, span: LegSpan) -> None:
        super().__init__()
        self._span = span
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(80, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, width = self.height() / 2, float(self.width())
        painter.fillRect(QRectF(0, middle + 4, width, 1), theme.color("line"))
        left, share = self._span.share
        wide = max(_LEAST_WIDTH, width * share)
        start = min(width * left, width - wide)
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            start = width - start - wide
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("warn" if self._span.length is None else "accent"))
        painter.drawRoundedRect(QRectF(start, middle - 4, wide, 7), 3, 3)


class LegBars(QWidget):
    """A row for each leg: its name, its bar, how long it took."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def show_spans(self, spans: Sequence[LegSpan]) -> None:
        """Show these legs; none hides the widget."""
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item else None
            if widget is not None:
                widget.deleteLater()
        for row, span in enumerate(spans[:MOST_LEGS]):
            self._add(row, span)
        if len(spans) > MOST_LEGS:
            more = self.tr("… {0} more legs").format(len(spans) - MOST_LEGS)
            self._grid.addWidget(Label(more), MOST_LEGS, 0, 1, 3)
        self.setVisible(bool(spans))

    def _add(self, row: int, span: LegSpan) -> None:
        leg = span.leg
        place = leg.server or leg.host or ""
        name = ElidedLabel(visible(f"{leg.queue_id}  {place}".strip(), 120))
        name.setMinimumWidth(18 * self.fontMetrics().averageCharWidth())
        name.setToolTip(visible(f"{leg.kind} {leg.queue_id} {place}", 200))
        took = self.tr("under way") if span.length is None else seconds(span.length)
        when = Label(f"+{seconds(span.start)}  {took}" if span.start else took)
        when.setObjectName("muted")
        when.setToolTip(TIMES.full(leg.arrived))
        for column, widget in enumerate((name, _Bar(span), when)):
            self._grid.addWidget(widget, row, column)
