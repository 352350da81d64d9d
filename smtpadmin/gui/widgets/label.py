"""Labels and tooltips that take every text as it is: what a server says is never markup."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget


class Label(QLabel):
    """A QLabel guesses whether its text is HTML; this one does not."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)


def tooltip(text: str) -> str:
    """What to hand to ``setToolTip`` so that ``text`` is shown as it is. Tooltips have no plain
    format: a text that could pass for HTML is escaped, and so shown letter by letter."""
    if "<" not in text and "&" not in text:
        return text
    return f"<qt>{html.escape(text)}</qt>".replace("\n", "<br>")
