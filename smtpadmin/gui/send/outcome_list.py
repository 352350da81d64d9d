"""A list of outcomes, one line each with an icon in the colours of the palette; cut at its width."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from smtpadmin.gui.icons import icon
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.util.text import visible

WHAT = Qt.ItemDataRole.UserRole
_RESULT = Qt.ItemDataRole.UserRole + 1
_LOOK = {"accepted": ("check", "ok"), "refused": ("error", "err"), "failed": ("warning", "warn")}


class OutcomeList(QListWidget):
    """The newest is the first. ``result`` is ``accepted``, ``refused`` or ``failed``."""

    def __init__(self, name: str, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._most = most
        self.setAccessibleName(name)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        current_theme().changed.connect(self._retint)

    def add(self, result: str, words: str, tip: str, what: object, *, last: bool = False) -> None:
        """One more, at the top; or at the end with ``last``."""
        item = QListWidgetItem(_icon_of(result), visible(words, 400))
        item.setData(WHAT, what)
        item.setData(_RESULT, result)
        item.setToolTip(tooltip(tip))
        # As narrow as may be: the view gives it its own width, and cuts the text there.
        item.setSizeHint(QSize(1, self.fontMetrics().height() + 6))
        self.insertItem(self.count() if last else 0, item)
        while self.count() > self._most:
            self.takeItem(self.count() - 1)

    def _retint(self) -> None:
        for row in range(self.count()):
            item = self.item(row)
            item.setIcon(_icon_of(item.data(_RESULT)))


def _icon_of(result: str) -> QIcon:
    return icon(*_LOOK.get(result, ("dot", "muted")))
