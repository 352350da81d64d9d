"""What stands in for a page while its server is being reached: grey rows, the step, and Cancel."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import Label
from smtpadmin.util.text import visible

PATIENCE_MS = 700
"""What is over sooner needs no words."""
ROW_PX = 30
WIDTHS = (0.08, 0.06, 0.2, 0.4, 0.2)
"""Of the grey bars of a row, as parts of the whole."""


class Connecting(QWidget):
    """``cancelled`` when the user does not want to wait."""

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._words = Label()
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.clicked.connect(self.cancelled)
        self._card = QWidget()
        self._card.setObjectName("card")
        self._card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        inside = QHBoxLayout(self._card)
        inside.setContentsMargins(16, 10, 12, 10)
        inside.setSpacing(16)
        inside.addWidget(self._words)
        inside.addWidget(self._cancel)
        row = QHBoxLayout(self)
        row.addWidget(self._card, 0, Qt.AlignmentFlag.AlignCenter)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._card.show)
        self._card.hide()
        current_theme().changed.connect(self.update)

    def show_step(self, step: str) -> None:
        """What is being done now, for example ``mx1.example:25``."""
        words = self.tr("Connecting to {0}…").format(visible(step, 80))
        self._words.setText(words if step else self.tr("Connecting…"))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._patience.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._patience.stop()
        self._card.hide()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current_theme().color("line"))
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        for top in range(ROW_PX, self.height() - ROW_PX, ROW_PX):
            fade = 1.0 - top / max(1, self.height())
            painter.setOpacity(0.15 + 0.6 * fade)
            left = 16.0
            for part in WIDTHS:
                width = part * (self.width() - 32) - 24
                at = self.width() - left - width if mirrored else left
                painter.drawRoundedRect(QRectF(at, top + 9, max(8.0, width), 10), 5, 5)
                left += part * (self.width() - 32) + 16
