"""The Tracking page: criteria, results that fill as answers come, journey and exact log lines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
)

from smtpadmin.connectors.api import WholeLog, ability
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.models.tracking_columns import TRACKING_TABLE
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.pages.tracking_detail import TrackingDetail
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.histogram import Histogram
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.services.columns import TRACKED_COLUMNS
from smtpadmin.services.row_store import RowStore
from smtpadmin.tracking.tracker import tracker_of

BATCH = 200
PERIODS = (
    ("Last hour", 1),
    ("Last 4 hours", 4),
    ("Last 24 hours", 24),
    ("Last 7 days", 168),
    ("All", 0),
)
_FIELDS = (("sender", "Sender"), ("recipient", "Recipient"), ("message_id", "Message-ID or queue ID"),
           ("subject", "Subject"), ("client", "Client"))  # fmt: skip
_TROUBLE = frozenset(DeliveryStatus) - {
    DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.QUEUED, DeliveryStatus.UNKNOWN
}  # fmt: skip
"""What the histogram marks."""


class TrackingPage(Page):
    """What became of messages."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Tracking")
        self.store: RowStore[TrackedMessage] = RowStore(TRACKED_COLUMNS)
        self.table = Table(RowModel(self.store, TRACKING_TABLE), self.tr("Tracking results"))
        self.edits = {name: self._edit(title) for name, title in _FIELDS}
        self.status, self.period = QComboBox(), QComboBox()
        self.go = QPushButton(self.tr("Search"))
        self.banner = Banner()
        self.empty = EmptyState()
        self.histogram = Histogram(self.tr("messages"))
        self.detail = TrackingDetail()
        self._search: asyncio.Task[None] | None = None
        self._searched = False
        self._fill_choices()
        self._lay_out()
        self.table.picked.connect(self._on_picked)
        self.table.letter.connect(self._on_letter)
        self.detail.copied.connect(self._on_copied)
        self.histogram.chosen.connect(self.go_to)
        self.table.sort_by("arrived", descending=True)
        self._show_emptiness()

    def _edit(self, title: str) -> QLineEdit:
        edit = QLineEdit()
        edit.setPlaceholderText(self.tr(title))
        edit.setAccessibleName(self.tr(title))
        edit.setClearButtonEnabled(True)
        edit.returnPressed.connect(self.start_search)
        return edit

    def _fill_choices(self) -> None:
        self.status.addItem(self.tr("Any status"), None)
        for status in DeliveryStatus:
            self.status.addItem(status.value, status)
        self.status.setAccessibleName(self.tr("Status"))
        for title, hours in PERIODS:
            self.period.addItem(self.tr(title), hours)
        self.period.setAccessibleName(self.tr("Period"))
        if self.context.has("whole-log"):
            self.period.setCurrentIndex(len(PERIODS) - 1)
        self.go.setObjectName("primary")
        self.go.clicked.connect(self.start_search)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(6)
        for edit in self.edits.values():
            row.addWidget(edit, 2)
        for widget in (self.status, self.period, self.go):
            row.addWidget(widget)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        self.detail.hide()
        self.histogram.hide()
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self._stack)
        splitter.addWidget(self.detail)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.histogram)
        column.addWidget(self.banner)
        column.addWidget(splitter, 1)

    # Searching.

    def focus_filter(self) -> None:
        self.edits["sender"].setFocus()

    def activate(self) -> None:
        super().activate()
        if not self._searched:
            self.start_search()

    def refresh(self) -> None:
        """Search again."""
        self.start_search()

    def search(self, criteria: TrackCriteria) -> None:
        """Show these criteria and search."""
        for name, edit in self.edits.items():
            edit.setText(str(getattr(criteria, name, None) or ""))
            edit.setCursorPosition(0)
        if criteria.queue_id:
            self.edits["message_id"].setText(criteria.queue_id)
        self.status.setCurrentIndex(0)
        self.period.setCurrentIndex(len(PERIODS) - 1)
        self.start_search()

    def criteria(self) -> TrackCriteria:
        """What the row of criteria says."""
        typed = {name: edit.text().strip() or None for name, edit in self.edits.items()}
        identity = typed.pop("message_id")
        hours = int(self.period.currentData())
        status = self.status.currentData()
        found = TrackCriteria(
            sender=typed["sender"],
            recipient=typed["recipient"],
            subject=typed["subject"],
            client=typed["client"],
            status=DeliveryStatus(status) if status else None,
            since=datetime.now(UTC) - timedelta(hours=hours) if hours else None,
            lines=True,
        )
        if identity is None:
            return found
        if "@" in identity or "<" in identity:
            return replace(found, message_id=identity)
        return replace(found, queue_id=identity)

    def start_search(self) -> None:
        """Search; a search that still runs is ended."""
        if self._search is not None:
            self._search.cancel()
        self._searched = True
        self._search = self.scope.spawn("search", self._run(self.criteria()))

    async def _run(self, criteria: TrackCriteria) -> None:
        tracker = tracker_of(self.context.session.connector)
        if tracker is None:
            return
        self.banner.hide()
        self.store.clear()
        self.histogram.hide()
        self.context.busy.emit(self.tr("tracking…"), 0, 0)
        batch: list[TrackedMessage] = []
        try:
            async for message in tracker.track(criteria):
                batch.append(message)
                if len(batch) >= BATCH:
                    self.store.append(batch)
                    batch = []
            self.store.append(batch)
            whole = ability(self.context.session.connector, WholeLog)
            if whole is not None and (unread := whole.unread()):
                self.banner.show_unread(unread)
        except SmtpadminError as error:
            self.store.append(batch)
            self.banner.show_message("err", error.what, error.remedy, button=self.tr("Try again"),
                                     action=self.start_search, details=str(error))  # fmt: skip
        finally:
            self.context.busy.emit(self.tr("{0} messages found").format(self.store.total), 1, 1)
        self._show_emptiness()
        self._show_times()
        if len(self.store) == 1:
            self.table.selectRow(0)

    def _show_emptiness(self) -> None:
        if len(self.store):
            self._stack.setCurrentWidget(self.table)
            return
        self.detail.hide()
        self._stack.setCurrentWidget(self.empty)
        if not self._searched:
            self.empty.show_state("route", self.tr("What happened to a message?"),
                                  self.tr("Type a sender, a recipient, a Message-ID or a subject."))  # fmt: skip
            return
        self.empty.show_state(
            "route", self.tr("No message fits"),
            self.tr("Nothing in the log of this period matches all criteria. Try a longer period, a "
                    "part of the address, or fewer criteria."),
            (self.tr("Clear the criteria"), self._clear)
            if self.period.currentIndex() == len(PERIODS) - 1
            else (self.tr("Search all of the log"), self._widen),
        )  # fmt: skip

    def _widen(self) -> None:
        self.period.setCurrentIndex(len(PERIODS) - 1)
        self.start_search()

    def _clear(self) -> None:
        for edit in self.edits.values():
            edit.clear()
        self.status.setCurrentIndex(0)
        self.start_search()

    def _show_times(self) -> None:
        when = [(m.arrived.timestamp(), m.status) for m in self.store.all_rows() if m.arrived]
        self.histogram.setVisible(len(when) > 1)
        self.histogram.show_times(
            [time for time, _ in when], [time for time, status in when if status in _TROUBLE]
        )

    def go_to(self, when: datetime) -> None:
        """Select the message that arrived nearest to a time."""
        rows = [(m.arrived, at) for at, m in enumerate(self.store.visible_rows()) if m.arrived]
        if rows:
            _, position = min((abs(arrived - when), at) for arrived, at in rows)
            self.table.selectRow(position)
            self.table.scrollTo(self.table.rows.index(position, 0))

    # One message.

    def _on_picked(self) -> None:
        self.detail.show_messages(self.table.selected_rows())

    def _on_letter(self, letter: str) -> None:
        chosen = self.table.selected_rows()
        if letter == "t" and chosen and chosen[0].queue_ids:
            self.context.log_wanted.emit(chosen[0].queue_ids[0])

    def _on_copied(self) -> None:
        self.context.notice.emit(self.tr("Copied for the ticket"), None)

    def export(self) -> None:
        """Save the results: a page to hand on, a table, JSON or text."""
        from smtpadmin.gui.dialogs.export import export_tracked

        messages = list(self.store.visible_rows())
        self.scope.spawn("export", export_tracked(self, messages, self._asked()))

    def _asked(self) -> str:
        """The criteria in words, for the head of a report."""
        typed = [f"{name.replace('_', '-')} {edit.text().strip()}"
                 for name, edit in self.edits.items() if edit.text().strip()]  # fmt: skip
        if self.status.currentData():
            typed.append(self.status.currentText())
        where = f"{self.context.profile.name}, {self.period.currentText().lower()}"
        return ", ".join([*typed, where])
