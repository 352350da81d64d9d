"""The detail pane: diagnosis and journey at the left; transcript, headers, body, log at the right."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.connectors.api import (
    MessageLogSource,
    MessageSource,
    TranscriptSource,
    ability,
)
from smtpadmin.formats.reason_text import short_reason
from smtpadmin.gui.icons import tint
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.gui.widgets.journey_view import JourneyView
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.message_views import VIEWS, MessageViews, text_view
from smtpadmin.gui.widgets.narrow_box import NarrowBox
from smtpadmin.gui.widgets.transcript_view import TranscriptView
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.queue import QueueEntry
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.services.explain import explain_reply
from smtpadmin.services.journey import journey_of, journey_of_entry
from smtpadmin.tracking.tracker import tracker_of
from smtpadmin.util.text import visible

_TABS = ("Transcript", *VIEWS, "Message log", "Related log")


class QueueDetail(QWidget):
    """Shows one entry, or what several have in common."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__()
        self._context = context
        self._scope = TaskScope(self)
        self._entry: QueueEntry | None = None
        self._loading: asyncio.Task[None] | None = None
        self._title, self._id = ElidedLabel(), Label()
        self._title.setObjectName("subtitle")
        self._id.setObjectName("muted")
        self._id.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._id.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._diagnosis = Banner(closable=False)
        self._journey = JourneyView()
        self._transcript = TranscriptView()
        self.message = MessageViews()
        self._message_log = text_view("Message log")
        self._log = text_view("Related log")
        self._tabs = QTabBar()
        self._tabs.setObjectName("tight")
        self._tabs.setAccessibleName(self.tr("Detail"))
        self._stack = QStackedWidget()
        self._note = Label()
        self._note.setObjectName("muted")
        self._note.setWordWrap(True)
        self._note.setContentsMargins(12, 6, 12, 6)
        self._lay_out()

    def _lay_out(self) -> None:
        splitter = QSplitter()
        splitter.addWidget(self._left())
        splitter.addWidget(self._right())
        splitter.setStretchFactor(1, 1)
        em = self.fontMetrics().averageCharWidth()
        splitter.setSizes([52 * em, 90 * em])
        splitter.setChildrenCollapsible(False)
        row = QVBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)

    def _left(self) -> QWidget:
        inner = NarrowBox()
        column = QVBoxLayout(inner)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._id)
        copy = QPushButton()
        copy.setObjectName("flat")
        tint(copy, "copy", "muted")
        copy.setToolTip(self.tr("Copy queue ID"))
        copy.setAccessibleName(self.tr("Copy queue ID"))
        copy.clicked.connect(self._copy_id)
        self._copy = copy
        head.addWidget(copy)
        column.addLayout(head)
        column.addWidget(self._diagnosis)
        label = Label(self.tr("JOURNEY"))
        label.setObjectName("section")
        self._journey_title = label
        column.addWidget(label)
        column.addWidget(self._journey)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(66 * self.fontMetrics().averageCharWidth())
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return area

    def _right(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 8, 0)
        for name in _TABS:
            self._tabs.addTab(self.tr(name))
        self._tabs.setTabVisible(0, self._context.has("transcript"))
        for name, needed in (("Message log", "message-log"), ("Related log", "track")):
            self._tabs.setTabVisible(_TABS.index(name), self._context.has(needed))
        self._tabs.currentChanged.connect(self._on_tab)
        self._tabs.setExpanding(False)
        self._tabs.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        head.addWidget(self._tabs, 1)
        self._track = QPushButton(self.tr("Track"))
        self._track.setObjectName("flat")
        tint(self._track, "route")
        self._track.setToolTip(self.tr("Track this message (T)"))
        self._track.clicked.connect(self.track)
        copy = QPushButton()
        copy.setObjectName("flat")
        tint(copy, "copy")
        copy.setToolTip(self.tr("Copy what is shown"))
        copy.setAccessibleName(self.tr("Copy what is shown"))
        copy.clicked.connect(self._copy_text)
        head.addWidget(self._track)
        head.addWidget(copy)
        column.addLayout(head)
        column.addWidget(self._note)
        self._stack.addWidget(self._transcript)
        for view in (*self.message.widgets.values(), self._message_log, self._log):
            self._stack.addWidget(view)
        self.message.structure.save_wanted.connect(self._on_save)
        column.addWidget(self._stack, 1)
        self._on_tab(self._tabs.currentIndex())
        return box

    # What is shown.

    def show_entries(self, entries: Sequence[QueueEntry]) -> None:
        """Nothing, one entry, or what several have in common."""
        self.setVisible(bool(entries))
        if len(entries) == 1:
            self._show_one(entries[0])
        elif entries:
            self._show_many(entries)

    def _show_one(self, entry: QueueEntry) -> None:
        same = self._entry is not None and self._entry.identity == entry.identity
        self._entry = entry
        waiting = [r.address for r in entry.recipients if not r.delivered]
        more = f"  +{len(waiting) - 1}" if len(waiting) > 1 else ""
        self._title.setText(visible(waiting[0] if waiting else entry.sender, 60) + more)
        self._id.setText(entry.queue_id)
        self._copy.show()
        self._journey_title.show()
        self._show_diagnosis(entry)
        if not same:
            self._journey.show_steps(journey_of_entry(entry))
            self._load()
        elif entry.reason:
            self._spawn_journey(entry)

    def _show_many(self, entries: Sequence[QueueEntry]) -> None:
        self._entry = None
        reasons = Counter(entry.reason or self.tr("no reason given") for entry in entries)
        self._title.setText(self.tr("{0} messages, {1} reasons").format(len(entries), len(reasons)))
        self._id.setText("")
        self._copy.hide()
        self._journey_title.hide()
        self._journey.show_steps(())
        lines = "\n".join(
            f"{count} x {visible(short_reason(reason), 140)}"
            for reason, count in reasons.most_common(5)
        )
        self._diagnosis.show_message("info", self.tr("Reasons"), lines)
        self._note.setText(self.tr("Select one message to see its transcript, headers and body."))
        self._note.show()
        self._clear()

    def _show_diagnosis(self, entry: QueueEntry) -> None:
        if entry.queue == "hold":
            self._diagnosis.show_message(
                "hold",
                self.tr("Held: nothing is tried until it is released"),
                self.tr("Release it (H) to have it delivered, or delete it."),
            )
            return
        if not entry.reason:
            self._diagnosis.show_message(
                "info", self.tr("Being delivered, or waiting for its first try"), ""
            )
            return
        found = explain_reply(
            entry.reason,
            expires=entry.expires,
            next_try=entry.next_try,
            sender=entry.sender,
            tries=entry.tries,
        )
        tone = "err" if found.permanent else "warn"
        self._diagnosis.show_message(
            tone, found.summary, f"{found.remedy}\n{visible(short_reason(entry.reason), 300)}"
        )

    # What is fetched.

    def _load(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
        self._clear()
        entry = self._entry
        if entry is not None:
            self._loading = self._scope.spawn(f"load {entry.queue_id}", self._fetch(entry))

    def _spawn_journey(self, entry: QueueEntry) -> None:
        if not any(name.endswith("journey") for name in self._scope.running):
            self._scope.spawn("journey", self._refresh_journey(entry))

    async def _refresh_journey(self, entry: QueueEntry) -> None:
        try:
            await self._fetch_journey(entry)
        except SmtpadminError as error:
            self._context.session.report(error)

    async def _fetch(self, entry: QueueEntry) -> None:
        try:
            await self._fetch_journey(entry)
            await self._fetch_transcript(entry)
            await self._fetch_message(entry)
            await self._fetch_message_log(entry)
        except SmtpadminError as error:
            if self._entry is entry:
                self._note.setText(visible(str(error)))
                self._note.show()

    async def _fetch_transcript(self, entry: QueueEntry) -> None:
        source = ability(self._context.session.connector, TranscriptSource)
        if source is None:
            return
        lines = await source.fetch_transcript(entry.queue_id)
        if self._is_shown(entry):
            self._transcript.lines.set_lines(lines)
            if not lines:
                self._note.setText(self.tr("Not tried yet: there is no delivery session to show."))
                self._note.setVisible(self._tabs.currentIndex() == 0)
            self._transcript.scrollToBottom()

    async def _fetch_message(self, entry: QueueEntry) -> None:
        source = ability(self._context.session.connector, MessageSource)
        if source is None:
            return
        message = await source.fetch_message(entry.queue_id)
        if not self._is_shown(entry):
            return
        await self.message.show_message(message.raw)

    async def _fetch_message_log(self, entry: QueueEntry) -> None:
        source = ability(self._context.session.connector, MessageLogSource)
        if source is None:
            return
        lines = await source.fetch_message_log(entry.queue_id)
        if self._is_shown(entry):
            self._message_log.setPlainText("\n".join(visible(line, 2_000) for line in lines))

    async def _fetch_journey(self, entry: QueueEntry) -> None:
        tracker = tracker_of(self._context.session.connector)
        if tracker is None:
            return
        async for tracked in tracker.track(TrackCriteria(queue_id=entry.queue_id, lines=True)):
            if self._is_shown(entry):
                self._journey.show_steps(journey_of(tracked))
                log = (visible(line, 2_000) for line in tracked.lines)
                self._log.setPlainText("\n".join(log))

    def _is_shown(self, entry: QueueEntry) -> bool:
        return self._entry is not None and self._entry.identity == entry.identity

    def _clear(self) -> None:
        self._transcript.lines.set_lines(())
        self.message.clear()
        self._log.clear()
        self._message_log.clear()
        if self._entry is not None:
            self._note.hide()

    # What can be done here.

    def _on_tab(self, number: int) -> None:
        self._stack.setCurrentIndex(number)

    def track(self) -> None:
        """Open this message in Tracking."""
        if self._entry is not None:
            self._context.track(TrackCriteria(queue_id=self._entry.queue_id))

    def _on_save(self, number: str, name: str) -> None:
        self._scope.spawn("save", self._save(number, name))

    async def _save(self, number: str, name: str) -> None:
        from smtpadmin.gui.dialogs.export import ask_for_file

        path = await ask_for_file(self, name, [self.tr("All files (*)")])
        if path is not None:
            await self.message.save(number, path)
            self._context.notice.emit(self.tr("Saved as {0}").format(path.name), None)

    def _copy_id(self) -> None:
        QGuiApplication.clipboard().setText(self._id.text())

    def _copy_text(self) -> None:
        view = self._stack.currentWidget()
        if isinstance(view, TranscriptView):
            QGuiApplication.clipboard().setText(view.text())
        elif isinstance(view, QPlainTextEdit):
            QGuiApplication.clipboard().setText(view.toPlainText())
