"""The Tracking page: criteria, results that fill as answers come, journey and exact log lines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.connectors.api import Tracker, ability
from smtpadmin.formats.reason_text import short_reason
from smtpadmin.gui.icons import tint
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.models.tracking_columns import TRACKING_TABLE
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.journey_view import JourneyView
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.narrow_box import NarrowBox
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.services.columns import TRACKED_COLUMNS
from smtpadmin.services.explain import explain_reply
from smtpadmin.services.journey import journey_of
from smtpadmin.services.row_store import RowStore
from smtpadmin.util.text import visible

BATCH = 200
PERIODS = (
    ("Last hour", 1),
    ("Last 4 hours", 4),
    ("Last 24 hours", 24),
    ("Last 7 days", 168),
    ("All", 0),
)
_FIELDS = (("sender", "Sender"), ("recipient", "Recipient"), ("message_id", "Message-ID or queue ID"),
           ("subject", "Subject"))  # fmt: skip


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
        self._journey = JourneyView()
        self._diagnosis = Banner(closable=False)
        self._title = Label()
        self._lines = QPlainTextEdit()
        self._search: asyncio.Task[None] | None = None
        self._searched = False
        self._fill_choices()
        self._lay_out()
        self.table.picked.connect(self._on_picked)
        self.table.letter.connect(self._on_letter)
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
        self.detail = self._make_detail()
        self.detail.hide()
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
        column.addWidget(self.banner)
        column.addWidget(splitter, 1)

    def _make_detail(self) -> QWidget:
        inner = NarrowBox()
        left = QVBoxLayout(inner)
        left.setContentsMargins(14, 10, 14, 10)
        self._title.setObjectName("subtitle")
        self._title.setWordWrap(True)
        for widget in (self._title, self._diagnosis, self._journey):
            left.addWidget(widget)
        left.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setMinimumWidth(66 * self.fontMetrics().averageCharWidth())
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._lines.setReadOnly(True)
        self._lines.setAccessibleName(self.tr("Log lines"))
        self._lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._lines.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(8, 4, 8, 4)
        head = QHBoxLayout()
        title = Label(self.tr("LOG LINES"))
        title.setObjectName("section")
        copy = QPushButton(self.tr("Copy as text"))
        copy.setObjectName("flat")
        tint(copy, "copy")
        copy.clicked.connect(self._copy)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(copy)
        column.addLayout(head)
        column.addWidget(self._lines)
        splitter = QSplitter()
        splitter.addWidget(area)
        splitter.addWidget(right)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        return splitter

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
        tracker = ability(self.context.session.connector, Tracker)
        if tracker is None:
            return
        self.banner.hide()
        self.store.clear()
        self.context.busy.emit(self.tr("tracking…"), 0, 0)
        batch: list[TrackedMessage] = []
        try:
            async for message in tracker.track(criteria):
                batch.append(message)
                if len(batch) >= BATCH:
                    self.store.append(batch)
                    batch = []
            self.store.append(batch)
        except SmtpadminError as error:
            self.store.append(batch)
            self.banner.show_message("err", error.what, error.remedy, button=self.tr("Try again"),
                                     action=self.start_search, details=str(error))  # fmt: skip
        finally:
            self.context.busy.emit(self.tr("{0} messages found").format(self.store.total), 1, 1)
        self._show_emptiness()
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

    # One message.

    def _on_picked(self) -> None:
        chosen = self.table.selected_rows()
        self.detail.setVisible(bool(chosen))
        if len(chosen) == 1:
            self._show(chosen[0])
        elif chosen:
            self._title.setText(self.tr("{0} messages").format(len(chosen)))
            self._diagnosis.hide()
            self._journey.show_steps(())
            self._lines.setPlainText("\n".join(visible(x, 2_000) for m in chosen for x in m.lines))

    def _show(self, message: TrackedMessage) -> None:
        self._title.setText(visible(message.subject or message.message_id or "", 120))
        good_ends = (DeliveryStatus.SENT, DeliveryStatus.DELIVERED)
        by_trouble = sorted(message.recipients, key=lambda r: r.status in good_ends)
        reply = next((r.reply for r in by_trouble if r.reply), None)
        if reply:
            found = explain_reply(reply)
            good = message.status in good_ends
            tone = "ok" if good else "err" if found.permanent else "warn"
            words = self.tr("Delivered") if message.status is DeliveryStatus.DELIVERED else self.tr(
                "Handed to the next hop") if good else found.summary  # fmt: skip
            self._diagnosis.show_message(
                tone,
                words,
                visible(short_reason(reply), 400)
                if good
                else f"{found.remedy}\n{visible(short_reason(reply), 400)}",
            )
        else:
            self._diagnosis.hide()
        self._journey.show_steps(journey_of(message))
        self._lines.setPlainText("\n".join(visible(line, 2_000) for line in message.lines))

    def _on_letter(self, letter: str) -> None:
        chosen = self.table.selected_rows()
        if letter == "t" and chosen and chosen[0].queue_ids:
            self.context.log_wanted.emit(chosen[0].queue_ids[0])

    def _copy(self) -> None:
        chosen = self.table.selected_rows()
        texts = [as_text(message) for message in chosen]
        QGuiApplication.clipboard().setText("\n\n".join(texts))
        self.context.notice.emit(self.tr("Copied for the ticket"), None)

    def export(self) -> None:
        """Save the results."""
        from smtpadmin.gui.dialogs.export import export_rows

        self.scope.spawn("export", export_rows(self, self.table, "tracking"))


def as_text(message: TrackedMessage) -> str:
    """A message's story for a ticket: facts, recipients, log lines."""
    sender = "unknown" if message.sender is None else message.sender or "<>"
    head = [
        f"Message-ID: {message.message_id or 'none'}",
        f"Queue IDs: {', '.join(message.queue_ids) or 'none (refused before one was given)'}",
        f"From: {sender}",
        f"Subject: {message.subject or ''}",
        f"Arrived: {message.arrived.isoformat() if message.arrived else 'unknown'}",
        f"Status: {message.status}",
    ]
    recipients = [
        f"  {r.address}: {r.status} {r.dsn or ''} {r.reply or ''} ({r.attempts} tries)".rstrip()
        for r in message.recipients
    ]
    return "\n".join(
        visible(line, 4_000) for line in [*head, "Recipients:", *recipients, "", *message.lines]
    )
