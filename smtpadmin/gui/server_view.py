"""One server in the window: red edge, header, banner, tabs and pages."""

from __future__ import annotations

import importlib

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.connection_banner import TITLES, ConnectionBanner
from smtpadmin.gui.header import Header
from smtpadmin.gui.layout_memory import bring_back_panes, keep_panes
from smtpadmin.gui.pages import PageEntry, pages_for
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.widgets.connecting import Connecting
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.sparkline import Sparkline
from smtpadmin.model.profile import Environment
from smtpadmin.model.queue import QueueCounts
from smtpadmin.model.stats import ServerStats
from smtpadmin.services.session import SessionState, SessionStatus


class ServerView(QWidget):
    """Makes pages when they are first shown; only the shown one works."""

    palette_wanted = Signal()
    page_changed = Signal()

    def __init__(self, context: ServerContext) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.context = context
        self.entries = pages_for(context.session.abilities)
        self.pages: dict[str, Page] = {}
        self.header = Header(context.profile)
        self.header.palette_wanted.connect(self.palette_wanted)
        self.header.send_wanted.connect(context.send_wanted)
        self.banner = ConnectionBanner(context)
        self.tabs = QTabBar()
        self.tabs.setAccessibleName(self.tr("Pages"))
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.delivered = Sparkline(self.tr("Delivered, last hour"), "ok")
        self.deferred = Sparkline(self.tr("Deferred now"), "warn")
        self._stack = QStackedWidget()
        self.connecting = Connecting()
        self.connecting.cancelled.connect(context.session.give_up)
        self._body = QStackedWidget()
        self._body.addWidget(self._stack)
        self._body.addWidget(self.connecting)
        self._lay_out()
        for entry in self.entries:
            self.tabs.addTab(self.tr(entry.title))
        self.tabs.currentChanged.connect(self._on_tab)
        context.status_changed.connect(self._on_status)
        context.counts_changed.connect(self._on_counts)
        context.stats_changed.connect(self._on_stats)
        context.page_wanted.connect(self.show_page)
        context.track_wanted.connect(self._on_track)
        context.log_wanted.connect(self._on_log)
        context.filter_wanted.connect(self.show_filtered)
        self._on_status(context.status)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if self.context.profile.environment is Environment.PRODUCTION:
            edge = QFrame()
            edge.setFixedHeight(3)
            edge.setObjectName("productionEdge")
            edge.setStyleSheet("#productionEdge { background: #b42318; }")
            edge.setAccessibleName(self.tr("Production server"))
            column.addWidget(edge)
        column.addWidget(self.header)
        row = QHBoxLayout()
        row.setContentsMargins(12, 0, 12, 0)
        row.addWidget(self.tabs)
        row.addStretch(1)
        shown = self.context.has("stats")
        for title, line in (
            (self.tr("Delivered 1 h"), self.delivered),
            (self.tr("Deferred"), self.deferred),
        ):
            label = Label(title)
            label.setObjectName("muted")
            row.addSpacing(12)
            row.addWidget(label)
            row.addSpacing(4)
            line.clicked.connect(self._show_overview)
            row.addWidget(line)
            label.setVisible(shown)
            line.setVisible(shown)
        column.addLayout(row)
        rule = QFrame()
        rule.setObjectName("line")
        rule.setFixedHeight(1)
        column.addWidget(rule)
        column.addWidget(self.banner)
        column.addWidget(self._body, 1)

    # Pages.

    def page(self, name: str) -> Page | None:
        """The page of that name, made when it was not yet; None when this server has none."""
        entry = next((e for e in self.entries if e.name == name), None)
        if entry is None:
            return None
        if name not in self.pages:
            self.pages[name] = self._make(entry)
            self._stack.addWidget(self.pages[name])
        return self.pages[name]

    def _make(self, entry: PageEntry) -> Page:
        cls = getattr(importlib.import_module(entry.module), entry.cls)
        page = cls(self.context)
        assert isinstance(page, Page)
        bring_back_panes(self.context.workspace.preferences, self._layout_name(entry.name), page)
        return page

    def _layout_name(self, page: str) -> str:
        return f"{self.context.profile.kind}.{page}"

    def current_page(self) -> Page | None:
        """The shown page."""
        page = self._stack.currentWidget()
        return page if isinstance(page, Page) else None

    def show_page(self, name: str) -> None:
        """Show a page by name."""
        numbers = [n for n, e in enumerate(self.entries) if e.name == name]
        if numbers:
            self.tabs.setCurrentIndex(numbers[0])
            self._on_tab(numbers[0])

    def show_number(self, number: int) -> None:
        """Show the n-th page."""
        if 0 <= number < len(self.entries):
            self.show_page(self.entries[number].name)

    def _on_tab(self, number: int) -> None:
        before = self.current_page()
        page = self.page(self.entries[number].name)
        if page is None or (page is before and page.is_active):
            return
        if before is not None:
            before.deactivate()
        self._stack.setCurrentWidget(page)
        self._show_body()
        page.activate()
        self.page_changed.emit()

    def _show_overview(self) -> None:
        self.show_page("overview")

    def _on_track(self, criteria: object) -> None:
        self.show_page("tracking")
        page = self.page("tracking")
        if page is not None:
            page.search(criteria)  # type: ignore[attr-defined]

    def show_filtered(self, text: str) -> None:
        """Show the queue with this filter."""
        self.show_page("queue")
        page = self.page("queue")
        if page is not None:
            page.set_filter(text)  # type: ignore[attr-defined]

    def _on_log(self, queue_id: str) -> None:
        self.show_page("logs")
        page = self.page("logs")
        if page is not None:
            page.show_queue_id(queue_id)  # type: ignore[attr-defined]

    # News.

    def _on_status(self, status: SessionStatus) -> None:
        self.header.show_status(status, self.context.session.probed)
        self.banner.show_status(status)
        self._show_body()

    def _show_body(self) -> None:
        """The page, dimmed without a connection; grey rows while the first one is being made."""
        status, number = self.context.status, self.tabs.currentIndex()
        offline = number >= 0 and self.entries[number].offline
        waits = status.state is SessionState.CONNECTING and self.context.session.probed is None
        if waits:
            self.connecting.show_step(status.step)
        self._body.setCurrentWidget(self.connecting if waits and not offline else self._stack)
        lost = status.state in TITLES and status.state is not SessionState.STALE
        self._stack.setEnabled(offline or not lost)

    def _on_counts(self, counts: QueueCounts) -> None:
        for number, entry in enumerate(self.entries):
            if entry.name == "queue":
                self.tabs.setTabText(number, self.tr("Queue {0}").format(counts.total))
        watch = self.context.watch
        if watch is not None:
            self.deferred.set_values([c.by_queue.get("deferred", 0) for _, c in watch.history])

    def _on_stats(self, stats: ServerStats) -> None:
        series = stats.series.get("delivered")
        if series is not None:
            self.delivered.set_values(series.values[-60:])

    async def close_view(self) -> None:
        """End pages and watching."""
        for name, page in self.pages.items():
            keep_panes(self.context.workspace.preferences, self._layout_name(name), page)
            await page.close_page()
        await self.context.close()
