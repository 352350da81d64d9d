"""Everything that was sent from here before: the newest first; a click shows it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QListWidgetItem, QVBoxLayout, QWidget

from smtpadmin.gui.send.form_rows import name_it
from smtpadmin.gui.send.outcome_list import WHAT, OutcomeList
from smtpadmin.gui.time_format import TIMES
from smtpadmin.services.send_test import KEPT, Sent
from smtpadmin.services.sent_history import read_history
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible


class HistoryPane(QWidget):
    """``chosen`` is one that was sent before."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.list = OutcomeList(self.tr("Sent before"), KEPT)
        self.filter = QLineEdit()
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
            self._put(sent, last=True)
        self._on_filter(self.filter.text())

    def add(self, sent: Sent) -> None:
        """One more, at the top."""
        self._put(sent)
        self._on_filter(self.filter.text())

    def shown(self) -> Sequence[Sent]:
        """Those that the filter lets through."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.data(WHAT) for item in items if not item.isHidden()]

    def _put(self, sent: Sent, *, last: bool = False) -> None:
        result = sent.result
        to = ", ".join(sent.recipients)
        parts = (TIMES.time(sent.time), result.result, to, result.host, sent.subject)
        words = "  ".join(part for part in parts if part)
        tip = visible(result.error) or TIMES.full(sent.time)
        self.list.add(result.result, words, tip, sent, last=last)

    def _on_item(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(WHAT))

    def _on_filter(self, text: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(text.strip().casefold() not in item.text().casefold())
