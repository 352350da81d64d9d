"""A one-line strip of chips with counts; those that do not fit hide behind "+N"."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from smtpadmin.gui.widgets.label import Label, tooltip
from smtpadmin.util.text import visible

MOST = 40
GAP = 8


class ChipStrip(QWidget):
    """``chosen`` tells the value of a chip that was clicked, ``more_wanted`` a click on "+N"."""

    chosen = Signal(str)
    more_wanted = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self._items: list[tuple[str, int]] = []
        self._active = ""
        self._title = Label(title.upper())
        self._title.setObjectName("section")
        self._chips: list[QToolButton] = []
        self._more = QToolButton()
        self._more.setObjectName("flat")
        self._more.clicked.connect(self.more_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 3, 12, 3)
        row.setSpacing(GAP)
        row.addWidget(self._title)
        row.addWidget(self._more)
        row.addStretch(1)

    def set_title(self, title: str) -> None:
        """What the chips are."""
        self._title.setText(title.upper())

    def set_items(self, items: Sequence[tuple[str, int]], active: str = "") -> None:
        """Values with counts, the most frequent first; ``active`` is shown as chosen."""
        if list(items[:MOST]) == self._items and active == self._active:
            return
        self._items, self._active = list(items[:MOST]), active
        layout = self.layout()
        assert isinstance(layout, QHBoxLayout)
        while len(self._chips) < len(self._items):
            chip = QToolButton()
            chip.setObjectName("chip")
            chip.setCheckable(True)
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            chip.clicked.connect(functools.partial(self._on_chip, len(self._chips)))
            layout.insertWidget(1 + len(self._chips), chip)
            self._chips.append(chip)
        for chip, (value, count) in zip(self._chips, self._items, strict=False):
            words = f"{visible(value, 40)}  {count}"
            chip.setText(words)
            chip.setAccessibleName(self.tr("{0}, {1} messages").format(visible(value), count))
            chip.setToolTip(tooltip(self.tr("Show only {0}").format(visible(value))))
            chip.setChecked(value == active)
        self._fit()

    def _on_chip(self, number: int) -> None:
        self._chips[number].setChecked(self._items[number][0] == self._active)
        self.chosen.emit(self._items[number][0])

    def more_place(self) -> QPoint:
        """Where a popup of "+N" begins, on the screen."""
        return self._more.mapToGlobal(self._more.rect().bottomLeft())

    def _fit(self) -> None:
        room = self.width() - self._title.sizeHint().width() - 24 - GAP - 60
        hidden = 0
        for number, chip in enumerate(self._chips):
            wanted = number < len(self._items)
            room -= chip.sizeHint().width() + GAP if wanted else 0
            shown = wanted and room > 0
            chip.setVisible(shown)
            hidden += wanted and not shown
        self._more.setVisible(hidden > 0)
        self._more.setText(f"+{hidden}")
        self._more.setAccessibleName(self.tr("{0} more").format(hidden))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(200, super().minimumSizeHint().height())
