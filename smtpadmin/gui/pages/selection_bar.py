"""The bar over the detail pane while messages are selected: what they are, what can be done."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from smtpadmin.gui.icons import tint
from smtpadmin.gui.time_format import octets
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.gui.widgets.label import Label, tooltip
from smtpadmin.model.queue import ActionOffer, QueueAction, QueueEntry
from smtpadmin.services.columns import domain_of

_BUTTONS = (
    (QueueAction.RETRY, "Retry now", "refresh", "R"),
    (QueueAction.HOLD, "Hold", "pause", "H"),
    (QueueAction.RELEASE, "Release", "release", "H"),
    (QueueAction.REQUEUE, "Requeue", "requeue", ""),
    (QueueAction.BOUNCE, "Bounce…", "bounce", ""),
    (QueueAction.DELETE, "Delete…", "trash", "Del"),
)


class SelectionBar(QWidget):
    """``wanted`` tells the action that was chosen."""

    wanted = Signal(object)
    copy_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("selectionBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._words, self._more = Label(), ElidedLabel()
        font = self._words.font()
        font.setBold(True)
        self._words.setFont(font)
        self.buttons: dict[QueueAction, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 12, 6)
        row.setSpacing(6)
        row.addWidget(self._words)
        row.addWidget(self._more, 1)
        for action, title, _, key in _BUTTONS:
            button = QPushButton(self.tr(title))
            button.clicked.connect(functools.partial(self.wanted.emit, action))
            button.setAccessibleName(self.tr(title))
            button.setToolTip(f"{self.tr(title)} ({key})" if key else self.tr(title))
            self.buttons[action] = button
            row.addWidget(button)
        self.buttons[QueueAction.DELETE].setObjectName("danger")
        self._copy = QPushButton(self.tr("Copy IDs"))
        self._copy.setAccessibleName(self.tr("Copy IDs"))
        self._copy.setToolTip(self.tr("Copy IDs"))
        self._copy.clicked.connect(self.copy_wanted)
        row.insertWidget(row.count() - 2, self._copy)
        self._set_icons()
        self.hide()

    def show_selection(self, entries: Sequence[QueueEntry], offers: Sequence[ActionOffer]) -> None:
        """Count, destinations and size; buttons that are not possible say why."""
        self.setVisible(bool(entries))
        if not entries:
            return
        domains = {domain_of(r.address) for e in entries for r in e.recipients if not r.delivered}
        size = octets(sum(entry.size or 0 for entry in entries))
        count = len(entries)
        self._words.setText(
            self.tr("1 message selected")
            if count == 1
            else self.tr("{0} messages selected").format(count)
        )
        destinations = (
            next(iter(domains))
            if len(domains) == 1
            else self.tr("{0} destinations").format(len(domains))
        )
        self._more.setText(f"{destinations} · {size}")
        held = [entry.queue == "hold" for entry in entries]
        for offer in offers:
            self._enable(offer, held)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Words where there is room, else icons with tooltips."""
        narrow = self.width() < 130 * self.fontMetrics().averageCharWidth()
        for action, title, _, _ in _BUTTONS:
            important = action in (QueueAction.RETRY, QueueAction.DELETE)
            self.buttons[action].setText("" if narrow and not important else self.tr(title))
        self._copy.setText("" if narrow else self.tr("Copy IDs"))

    def minimumSizeHint(self) -> QSize:
        return QSize(70 * self.fontMetrics().averageCharWidth(), super().minimumSizeHint().height())

    def _enable(self, offer: ActionOffer, held: Sequence[bool]) -> None:
        button = self.buttons[offer.action]
        button.setEnabled(offer.available)
        if offer.why_not:
            button.setToolTip(tooltip(self.tr("Not possible: {0}").format(offer.why_not)))
        if offer.action is QueueAction.HOLD:
            button.setVisible(not all(held))
        if offer.action is QueueAction.RELEASE:
            button.setVisible(any(held))

    def _set_icons(self) -> None:
        for action, _, name, _ in _BUTTONS:
            token = "err" if action is QueueAction.DELETE else "text"
            tint(self.buttons[action], name, token)
        tint(self._copy, "copy")
