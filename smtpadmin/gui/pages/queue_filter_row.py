"""The Queue page's filter row: state toggles with counts, filter box, grouping, export."""

from __future__ import annotations

import functools

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolButton, QWidget

from smtpadmin.gui.icons import tint
from smtpadmin.gui.widgets.filter_box import FilterBox, Values
from smtpadmin.gui.widgets.restyle import set_style_property
from smtpadmin.model.queue import QueueCounts

STATES = (
    ("deferred", "Deferred", "warn", "clock"),
    ("active", "Active", "ok", "play"),
    ("hold", "Held", "hold", "pause"),
    ("incoming", "Incoming", "info", "incoming"),
)
GROUPS = (("domain", "Destinations"), ("sender", "Senders"), ("reason", "Reasons"))


class QueueFilterRow(QWidget):
    """``states_changed`` tells the states that are shown (empty: all)."""

    states_changed = Signal(object)
    group_changed = Signal(str)
    save_wanted = Signal()
    export_wanted = Signal()
    columns_wanted = Signal()

    def __init__(self, values: Values) -> None:
        super().__init__()
        self.setObjectName("filterRow")
        self.box = FilterBox(
            self.tr("Filter, e.g. age>1h to:*@branch-7.example code:4.2.2"), values
        )
        self.toggles: dict[str, QToolButton] = {}
        self._counts: QueueCounts | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 4)
        row.setSpacing(6)
        for state, title, tone, _ in STATES:
            row.addWidget(self._toggle(state, title, tone))
        row.addWidget(self.box, 1)
        self.group = QComboBox()
        self.group.setAccessibleName(self.tr("Count by"))
        for name, title in GROUPS:
            self.group.addItem(self.tr("Top: {0}").format(self.tr(title).lower()), name)
        self.group.currentIndexChanged.connect(self._on_group)
        row.addWidget(self.group)
        for name, words, signal in (
            ("bookmark", self.tr("Save view (Ctrl+S)"), self.save_wanted),
            ("columns", self.tr("Columns"), self.columns_wanted),
            ("export", self.tr("Export (Ctrl+E)"), self.export_wanted),
        ):
            row.addWidget(self._button(name, words, signal))
        self._set_icons()

    def _toggle(self, state: str, title: str, tone: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("toggle")
        button.setCheckable(True)
        button.setChecked(True)
        button.setText(self.tr(title))
        set_style_property(button, "tone", tone)
        button.toggled.connect(self._on_toggle)
        self.toggles[state] = button
        return button

    def _button(self, name: str, words: str, signal: SignalInstance) -> QToolButton:
        button = QToolButton()
        button.setProperty("iconName", name)
        button.setToolTip(words)
        button.setAccessibleName(words)
        button.clicked.connect(functools.partial(signal.emit))
        return button

    def show_counts(self, counts: QueueCounts) -> None:
        """Put the numbers on the toggles."""
        self._counts = counts
        self._word_toggles()

    def _word_toggles(self) -> None:
        """Word and number, or the number alone where there is no room."""
        narrow = self.width() < 150 * self.fontMetrics().averageCharWidth()
        for state, title, _, _ in STATES:
            number = "—" if self._counts is None else str(self._counts.by_queue.get(state, 0))
            button = self.toggles[state]
            button.setText(number if narrow else f"{self.tr(title)}  {number}")
            button.setToolTip(self.tr("Show or hide: {0}").format(self.tr(title)))
            button.setAccessibleName(self.tr("{0}: {1} messages").format(self.tr(title), number))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._word_toggles()

    def minimumSizeHint(self) -> QSize:
        return QSize(80 * self.fontMetrics().averageCharWidth(), super().minimumSizeHint().height())

    def shown_states(self) -> frozenset[str]:
        """States whose toggle is on; empty when all are."""
        on = {state for state, button in self.toggles.items() if button.isChecked()}
        return frozenset() if len(on) == len(self.toggles) else frozenset(on)

    def show_all(self) -> None:
        """All toggles on."""
        for button in self.toggles.values():
            button.setChecked(True)

    def _on_toggle(self) -> None:
        self.states_changed.emit(self.shown_states())

    def _on_group(self) -> None:
        self.group_changed.emit(str(self.group.currentData()))

    def _set_icons(self) -> None:
        for state, _, tone, name in STATES:
            tint(self.toggles[state], name, tone)
            self.toggles[state].setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for button in self.findChildren(QToolButton):
            name = button.property("iconName")
            if name:
                tint(button, str(name))
