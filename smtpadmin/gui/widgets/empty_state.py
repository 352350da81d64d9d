"""What a page shows when there is nothing to show: what this is, why, and the next step."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from smtpadmin.gui.icons import pixmap
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import Label


class EmptyState(QWidget):
    """A picture, a title, a sentence and up to two buttons, in the middle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._picture, self._title, self._text = Label(), Label(), Label()
        self._title.setObjectName("subtitle")
        self._text.setObjectName("muted")
        self._name, self._tone = "info", "muted"
        self._state: tuple[str, ...] = ()
        self._text.setWordWrap(True)
        self._text.setFixedWidth(64 * self.fontMetrics().averageCharWidth())
        self._buttons = QHBoxLayout()
        self._actions: list[QPushButton] = []
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(2)
        for label in (self._picture, self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(6)
        self._buttons.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addLayout(self._buttons)
        column.addStretch(3)
        current_theme().changed.connect(self._retint)

    def show_state(
        self,
        icon: str,
        title: str,
        text: str,
        *buttons: tuple[str, Callable[[], None]],
        tone: str = "muted",
    ) -> None:
        """Fill it; the first button is the one to press. The same words again change nothing, so
        that a button is not taken away under the pointer."""
        state = (icon, title, text, tone, *(words for words, _ in buttons))
        if state == self._state:
            return
        self._state = state
        self._name, self._tone = icon, tone
        self._title.setText(title)
        self._text.setText(text)
        self._text.setFixedHeight(max(0, self._text.heightForWidth(self._text.width())))
        for old in self._actions:
            self._buttons.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._actions = []
        for number, (words, action) in enumerate(buttons):
            button = QPushButton(words)
            button.clicked.connect(action)
            if number == 0:
                button.setObjectName("primary")
            self._buttons.addWidget(button)
            self._actions.append(button)
            button.show()
        self._retint()

    def _retint(self) -> None:
        self._picture.setPixmap(pixmap(self._name, self._tone, 40, self.devicePixelRatioF()))
