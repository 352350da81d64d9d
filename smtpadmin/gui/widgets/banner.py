"""A banner near its cause: what happened, why, and one button that helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from smtpadmin.gui.icons import pixmap
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.restyle import set_style_property
from smtpadmin.util.text import visible

_ICONS = {"ok": "check", "warn": "warning", "err": "error", "hold": "pause", "info": "info"}

MOST_NAMED = 3
"""Files that are named; all are in the details."""


class Banner(QWidget):
    """Hidden until :meth:`show_message`. Text of a server is shown plain, never as markup."""

    def __init__(self, parent: QWidget | None = None, *, closable: bool = True) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._action: Callable[[], None] | None = None
        self._details = ""
        self._tone = "info"
        self._icon = Label()
        self._title, self._text = Label(), Label()
        self._title.setObjectName("bannerTitle")
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._button = QPushButton()
        self._button.clicked.connect(self._on_action)
        self._copy = QPushButton(self.tr("Copy details"))
        self._copy.clicked.connect(self._on_copy)
        self._close = QPushButton(self.tr("Close"))
        self._close.setObjectName("flat")
        self._close.clicked.connect(self.hide)
        self._close.setVisible(closable)
        self._lay_out()
        current_theme().changed.connect(self._retint)
        self.hide()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._text)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(10)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        for button in (self._button, self._copy, self._close):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

    def show_message(
        self,
        tone: str,
        title: str,
        text: str = "",
        *,
        button: str = "",
        action: Callable[[], None] | None = None,
        details: str = "",
    ) -> None:
        """Show it; ``details`` enables Copy details."""
        self._tone, self._action, self._details = tone, action, details
        self._title.setText(visible(f"{title[:1].upper()}{title[1:]}"))
        self.set_text(text)
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self._copy.setVisible(bool(details))
        self.setAccessibleName(title)
        self._retint()
        set_style_property(self, "tone", tone)
        self.show()

    def show_unread(self, problems: Sequence[Exception]) -> None:
        """Files that could not be read to their end, while all others were."""
        words = [str(problem) for problem in problems]
        more = [self.tr("and {0} more").format(len(words) - MOST_NAMED)]
        title = self.tr("Not all files could be read to their end: {0}").format(len(words))
        text = "\n".join(words[:MOST_NAMED] + (more if len(words) > MOST_NAMED else []))
        self.show_message("warn", title, text, details="\n".join(words))

    def set_text(self, text: str) -> None:
        """Other words below the title; nothing else changes."""
        self._text.setText("\n".join(visible(line) for line in text.split("\n")))
        self._text.setVisible(bool(text))

    def _retint(self) -> None:
        self._icon.setPixmap(pixmap(_ICONS[self._tone], self._tone, 18, self.devicePixelRatioF()))

    def _on_action(self) -> None:
        if self._action is not None:
            self._action()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
