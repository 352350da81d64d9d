"""What a load test has measured so far: figures, percentiles, and errors that say why when chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label, tooltip
from smtpadmin.model.load import LoadErrors, LoadFigures
from smtpadmin.services.explain import explain_reply
from smtpadmin.util.text import visible

_FIGURES = (
    ("accepted", "Accepted"), ("failed", "Failed"), ("rate", "Now /s"), ("mean", "Mean /s"),
    ("open", "Open"), ("p50", "50 % ms"), ("p95", "95 % ms"), ("p99", "99 % ms"), ("max", "Max ms"),
    ("connect", "Connect 95 %"),
)  # fmt: skip
_COLUMNS = 5


class LoadFiguresView(QWidget):
    """Ten numbers, each under its name; latency is from MAIL to the answer to the final dot."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.values: dict[str, Label] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 4)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        for number, (name, title) in enumerate(_FIGURES):
            head, value = Label(self.tr(title)), Label("—")
            head.setObjectName("section")
            value.setObjectName("subtitle")
            row, column = divmod(number, _COLUMNS)
            grid.addWidget(head, 3 * row, column)
            grid.addWidget(value, 3 * row + 1, column)
            grid.setColumnStretch(column, 1)
            self.values[name] = value
        grid.setRowMinimumHeight(2, 4)
        self.setToolTip(
            self.tr("Latency is the time from MAIL to the answer to the final dot; connect is TCP, "
                    "greeting, TLS and login together.")
        )  # fmt: skip

    def show_figures(self, figures: LoadFigures) -> None:
        """Show these."""
        latency = figures.latency
        texts = {
            "accepted": f"{figures.accepted:,}", "failed": f"{figures.failed:,}",
            "rate": f"{figures.rate:,.0f}", "mean": f"{figures.mean_rate:,.0f}",
            "open": f"{figures.open_connections:,}", "p50": _ms(latency.p50),
            "p95": _ms(latency.p95), "p99": _ms(latency.p99), "max": _ms(latency.max),
            "connect": _ms(figures.connect.p95),
        }  # fmt: skip
        for name, title in _FIGURES:
            self.values[name].setText(texts[name])
            self.values[name].setAccessibleName(f"{self.tr(title)}: {texts[name]}")


def _ms(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


class LoadErrorsView(QWidget):
    """Errors that say the same, counted. The chosen one is explained below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[LoadErrors, ...] = ()
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels([self.tr(title) for title in ("Times", "At", "Reply")])
        self.table.setAccessibleName(self.tr("Errors"))
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        for column in (0, 1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.none = Label(self.tr("No errors so far."))
        self.none.setObjectName("muted")
        self.banner = Banner(closable=False)
        column_ = QVBoxLayout(self)
        column_.setContentsMargins(0, 0, 0, 0)
        column_.addWidget(self.none)
        column_.addWidget(self.table, 1)
        column_.addWidget(self.banner)
        self.table.itemSelectionChanged.connect(self._explain)
        self.table.hide()

    def clear(self) -> None:
        """A new run."""
        self.show_errors(())
        self.banner.hide()

    def show_errors(self, errors: Sequence[LoadErrors]) -> None:
        """Show these, the most frequent first; the chosen one stays chosen."""
        if tuple(errors) == self._shown:
            return
        row = self.table.currentRow()
        chosen = self._shown[row] if 0 <= row < len(self._shown) else None
        self._shown = tuple(errors)
        self.none.setVisible(not errors)
        self.table.setVisible(bool(errors))
        self.table.blockSignals(True)
        self.table.setRowCount(len(errors))
        for number, error in enumerate(errors):
            for column, text in enumerate((f"{error.count:,}", error.stage, error.reply)):
                item = QTableWidgetItem(visible(text, 300))
                item.setToolTip(tooltip(visible(text, 1_000)))
                self.table.setItem(number, column, item)
            if chosen is not None and (error.stage, error.reply) == (chosen.stage, chosen.reply):
                self.table.selectRow(number)
        self.table.blockSignals(False)

    def _explain(self) -> None:
        row = self.table.currentRow()
        if not 0 <= row < len(self._shown):
            self.banner.hide()
            return
        found = explain_reply(self._shown[row].reply)
        tone = "err" if found.permanent else "warn"
        who = self.tr("Who acts: {0}.").format(found.who_acts)
        self.banner.show_message(tone, found.summary, f"{who} {found.remedy}")
