"""An icon as a label that follows the palette."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from smtpadmin.gui.icons import pixmap
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import Label


class Picture(Label):
    """Draws one of our icons in a token's colour, now and after the colours change."""

    def __init__(
        self, name: str, token: str, size: int = 16, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent=parent)
        self._name, self._token, self._size = name, token, size
        self._draw()
        current_theme().changed.connect(self._draw)

    def _draw(self) -> None:
        ratio = self.devicePixelRatioF()
        self.setPixmap(pixmap(self._name, self._token, self._size, ratio))
