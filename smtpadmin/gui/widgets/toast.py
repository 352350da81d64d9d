"""A short notice at the bottom of the window, with Undo where there is one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from smtpadmin.gui.widgets.label import Label
from smtpadmin.util.text import visible

SHOWN_MS = 6_000


class Toast(QWidget):
    """One notice at a time; a new one replaces the old."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._action: Callable[[], None] | None = None
        self._label = Label()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._button = QPushButton(self.tr("Undo"))
        self._button.clicked.connect(self._on_button)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.addWidget(self._label)
        row.addWidget(self._button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def show_notice(
        self,
        text: str,
        action: Callable[[], None] | None = None,
        button: str = "",
        shown_ms: int = SHOWN_MS,
    ) -> None:
        """Show a sentence; ``action`` belongs to the button."""
        self._action = action
        self._label.setText(visible(text, 160))
        self._button.setText(button or self.tr("Undo"))
        self._button.setVisible(action is not None)
        self.setAccessibleName(text)
        self.adjustSize()
        self.place()
        self.show()
        self.raise_()
        self._timer.start(shown_ms)

    def _on_button(self) -> None:
        self.hide()
        if self._action is not None:
            self._action()

    def place(self) -> None:
        """Go where the window's size wants it; the window says when that changes."""
        parent = self.parentWidget()
        assert parent is not None
        x = (parent.width() - self.width()) // 2
        self.move(max(8, x), parent.height() - self.height() - 44)
