"""Everything that was sent from here before: the newest first; a click shows it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from smtpadmin.gui.icons import icon
from smtpadmin.gui.send.form_rows import name_it
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.services.send_test import KEPT, Sent
from smtpadmin.services.sent_history import read_history
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible

_LOOK = {"accepted": ("check", "ok"), "refused": ("error", "err"), "failed": ("warning", "warn")}
_WHAT = Qt.ItemDataRole.UserRole


class HistoryPane(QWidget):
    """``chosen`` is one that was sent before."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.list, self.filter = QListWidget(), QLineEdit()
        self.list.setAccessibleName(self.tr("Sent before"))
        self.list.itemClicked.connect(self._on_item)
        self.list.itemActivated.connect(self._on_item)
        self.filter.setPlaceholderText(self.tr("Filter"))
        self.filter.setClearButtonEnabled(False)
        name_it(self.filter, self.tr("Filter what was sent before"))
        self.filter.textChanged.connect(self._on_filter)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.addWidget(self.filter)
        column.addWidget(self.list, 1)

    async def load(self, path: Path) -> None:
        """Read the file; what was sent meanwhile stays above. Raises StorageError."""
        for sent in await run_blocking(read_history, path):
            self.list.addItem(self._item(sent))
        self._on_filter(self.filter.text())

    def add(self, sent: Sent) -> None:
        """One more, at the top."""
        self.list.insertItem(0, self._item(sent))
        while self.list.count() > KEPT:
            self.list.takeItem(self.list.count() - 1)
        self._on_filter(self.filter.text())

    def shown(self) -> Sequence[Sent]:
        """Those that the filter lets through."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.data(_WHAT) for item in items if not item.isHidden()]

    def _item(self, sent: Sent) -> QListWidgetItem:
        result = sent.result
        parts = (
            TIMES.time(sent.time),
            result.result,
            ", ".join(sent.recipients),
            result.host,
            sent.subject,
        )
        item = QListWidgetItem(
            icon(*_LOOK.get(result.result, ("dot", "muted"))),
            visible("  ".join(part for part in parts if part), 300),
        )  # fmt: skip
        item.setData(_WHAT, sent)
        item.setToolTip(tooltip(visible(result.error) or TIMES.full(sent.time)))
        return item

    def _on_item(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(_WHAT))

    def _on_filter(self, text: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(text.strip().casefold() not in item.text().casefold())
