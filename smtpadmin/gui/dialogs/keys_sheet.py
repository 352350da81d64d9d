"""The sheet of keys (``?``, F1)."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.commands import COMMANDS, TABLE_KEYS, plain_title
from smtpadmin.gui.widgets.label import Label


class KeysSheet(QDialog):
    """All shortcuts in two columns."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        inner = QWidget()
        inner.setObjectName("scrolled")
        grid = QGridLayout(inner)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(5)
        rows = [(c.key, plain_title(c)) for c in COMMANDS if c.key]
        rows += [(key, self.tr(words)) for key, words in TABLE_KEYS]
        half = (len(rows) + 1) // 2
        for number, (key, words) in enumerate(rows):
            column = 0 if number < half else 2
            shown = Label(key)
            font = shown.font()
            font.setBold(True)
            shown.setFont(font)
            grid.addWidget(shown, number % half, column)
            grid.addWidget(Label(words), number % half, column + 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column_layout = QVBoxLayout(self)
        column_layout.addWidget(area)
        column_layout.addWidget(buttons)
        em = self.fontMetrics().averageCharWidth()
        self.resize(140 * em, 32 * self.fontMetrics().height())
