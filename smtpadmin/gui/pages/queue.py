"""The Queue page: filter, strip, table, selection bar, detail."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from smtpadmin.connectors.api import never_said
from smtpadmin.gui.models.queue_columns import QUEUE_TABLE
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.pages.queue_actions import QueueActions
from smtpadmin.gui.pages.queue_detail import QueueDetail
from smtpadmin.gui.pages.queue_filter_row import QueueFilterRow
from smtpadmin.gui.pages.selection_bar import SelectionBar
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.chips import ChipStrip
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.filter import Filter, NumberTerm, TextTerm
from smtpadmin.model.queue import QueueAction
from smtpadmin.services.session import SessionState

AGE_EVERY_MS = 1_000
STRIP_TITLES = {"domain": "Top destinations", "sender": "Top senders", "reason": "Top reasons"}
FACET_TITLES = {"domain": "Destinations", "sender": "Senders", "reason": "Reasons"}
STRIP_FIELDS = {"domain": "domain", "sender": "from", "reason": "reason"}


class QueuePage(Page):
    """Everything about one server's queue."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Queue")
        self.filter_row = QueueFilterRow(self._filter_values)
        self.strip = ChipStrip(self.tr(STRIP_TITLES["domain"]))
        self.banner = Banner()
        self.model = RowModel(context.queue, QUEUE_TABLE)
        self.table = Table(self.model, self.tr("Queue"))
        self.empty = EmptyState()
        self.bar = SelectionBar()
        self.queue_actions = QueueActions(self, self.banner, self.refresh)
        self.detail = QueueDetail(context)
        self.detail.hide()
        self._states: frozenset[str] = frozenset()
        self._group = "domain"
        self._listed = False
        self._lay_out()
        self._connect()
        self._timer = QTimer(self)
        self._timer.setInterval(AGE_EVERY_MS)
        self._timer.timeout.connect(self._tick)
        self.table.hide_columns(never_said(context.session.connector))
        self.table.sort_by("arrived")
        self._show_emptiness()

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        top = QWidget()
        above = QVBoxLayout(top)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(0)
        above.addWidget(self._stack, 1)
        above.addWidget(self.bar)
        upper = QSplitter(Qt.Orientation.Vertical)
        upper.addWidget(top)
        upper.addWidget(self.detail)
        upper.setStretchFactor(0, 3)
        upper.setStretchFactor(1, 2)
        upper.setChildrenCollapsible(False)
        self.splitter = upper
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.filter_row, self.strip, self.banner):
            column.addWidget(widget)
        column.addWidget(upper, 1)

    def _connect(self) -> None:
        context, row = self.context, self.filter_row
        row.box.changed.connect(self._on_filter)
        row.states_changed.connect(self._on_states)
        row.group_changed.connect(self._on_group)
        row.columns_wanted.connect(self._on_columns)
        row.export_wanted.connect(self.export)
        row.save_wanted.connect(self.save_view)
        self.strip.chosen.connect(self._on_chip)
        self.strip.more_wanted.connect(self.show_facets)
        self.table.picked.connect(self._on_picked)
        self.table.letter.connect(self._on_letter)
        self.table.filter_wanted.connect(row.box.add)
        self.bar.wanted.connect(self.act)
        self.bar.copy_wanted.connect(self.copy_ids)
        context.counts_changed.connect(self._on_counts)
        context.watch_changed.connect(self._on_watch)
        context.status_changed.connect(self._on_status)
        context.queue.changed.connect(self._on_rows)
        TIMES.changed.connect(self.model.refresh_texts)

    def activate(self) -> None:
        super().activate()
        self._timer.start()
        self._tick()
        self.table.setFocus()

    def deactivate(self) -> None:
        super().deactivate()
        self._timer.stop()

    def focus_filter(self) -> None:
        self.filter_row.box.setFocus()

    def escape(self) -> bool:
        """Clear the filter, then the selection."""
        if self.filter_row.box.text or self._states:
            self.clear_filter()
        elif self.table.selected_positions():
            self.table.clearSelection()
        else:
            return False
        return True

    # Filter and strip.

    def set_filter(self, text: str) -> None:
        """Show this filter, as if it was typed."""
        self.filter_row.box.set_text(text)

    def clear_filter(self) -> None:
        """Show everything."""
        self.filter_row.show_all()
        self.filter_row.box.set_text("")

    def _filter_values(self) -> dict[str, list[str]]:
        facet = self.context.queue.facet
        return {
            "domain": [value for value, _ in facet("domain")[:20]],
            "from": [value for value, _ in facet("sender")[:20]],
            "state": [value for value, _ in facet("state")],
            "code": [value for value, _ in facet("code")[:20]],
        }

    def _on_filter(self, wanted: Filter) -> None:
        self._apply(wanted)

    def _on_states(self, states: frozenset[str]) -> None:
        self._states = states
        self._apply(self.filter_row.box.filter)

    def _apply(self, wanted: Filter) -> None:
        terms: tuple[TextTerm | NumberTerm, ...] = wanted.terms
        if self._states:
            hidden = {"deferred", "active", "hold", "incoming"} - self._states
            terms = (*terms, *(TextTerm("state", state, negated=True) for state in sorted(hidden)))
        self.context.queue.set_filter(Filter(terms, wanted.source), datetime.now(UTC))
        self._show_emptiness()
        self._fill_strip()

    def _on_group(self, name: str) -> None:
        self._group = name
        self.strip.set_title(self.tr(STRIP_TITLES[name]))
        self._fill_strip()

    def _fill_strip(self) -> None:
        self.strip.set_items(self.context.queue.facet(self._group)[:40])

    def show_facets(self) -> None:
        """Every destination (or sender, or reason) with its count, below "+N"."""
        from smtpadmin.gui.widgets.facet_popup import FacetPopup
        from smtpadmin.services.qshape import store_shape

        by_domain = self._group == "domain"
        popup = FacetPopup(
            self.tr(FACET_TITLES[self._group]),
            self.context.queue.facet(self._group),
            store_shape(self.context.queue, datetime.now(UTC)) if by_domain else None,
            self,
        )
        popup.chosen.connect(self._on_chip)
        popup.open_at(self.strip.more_place())

    def _on_chip(self, value: str) -> None:
        self.filter_row.box.add(TextTerm(STRIP_FIELDS[self._group], value))

    # Rows.

    def _on_counts(self, counts: object) -> None:
        from smtpadmin.model.queue import QueueCounts

        assert isinstance(counts, QueueCounts)
        self._listed = True
        self.filter_row.show_counts(counts)
        self._fill_strip()
        self._show_emptiness()

    def _on_rows(self, change: object) -> None:
        self._show_emptiness()

    def _tick(self) -> None:
        now = datetime.now(UTC)
        self.context.queue.grow_older(now)
        self.model.refresh_texts()
        chosen = self.table.selected_rows()
        if len(chosen) == 1:
            self.detail.show_entries(chosen)

    def _show_emptiness(self) -> None:
        store = self.context.queue
        if len(store):
            self._stack.setCurrentWidget(self.table)
            return
        self._stack.setCurrentWidget(self.empty)
        if store.total:
            self.empty.show_state(
                "filter",
                self.tr("0 of {0} match").format(store.total),
                self.tr("No message in the queue fits the filter and the states chosen above."),
                (self.tr("Clear filter"), self.clear_filter),
            )
        elif self._listed:
            stats = self.context.stats
            last = TIMES.time(stats.last_delivered) if stats and stats.last_delivered else ""
            words = self.tr("Every message was delivered or has ended.")
            if last:
                words = self.tr("Last message delivered {0}.").format(last)
            self.empty.show_state(
                "check",
                self.tr("The queue is empty"),
                words,
                (self.tr("Send a test…"), self.context.send_wanted.emit),
                tone="ok",
            )
        elif self.context.status.error is not None:
            self.empty.show_state(
                "error",
                self.tr("Not connected"),
                self.tr("The queue appears here as soon as the server answers."),
            )
        else:
            self.empty.show_state(
                "refresh",
                self.tr("Reading the queue…"),
                self.tr("The first rows appear as soon as the server sends them."),
            )

    def _on_watch(self, status: object) -> None:
        from smtpadmin.services.queue_watch import WatchStatus

        assert isinstance(status, WatchStatus)
        connected = self.context.status.state is SessionState.CONNECTED
        if status.error is None or not connected:  # the view's own banner tells of the connection
            if self.banner.property("about") == "watch":
                self.banner.hide()
            return
        when = TIMES.time(status.updated_at)
        self.banner.setProperty("about", "watch")
        self.banner.show_message(
            "warn",
            self.tr("The rows below are of {0}").format(when)
            if when
            else self.tr("The queue could not be read"),
            str(status.error),
            button=self.tr("Try now"),
            action=self.refresh,
            details=f"{status.error}\n{status.error.detail}",
        )

    def _on_status(self, status: object) -> None:
        self._show_emptiness()
        if self.context.watch is not None:
            self._on_watch(self.context.watch.status)

    def refresh(self) -> None:
        """List the queue now."""
        if self.context.watch is not None:
            self.context.watch.refresh_now()

    # Selection.

    def _on_picked(self) -> None:
        chosen = self.table.selected_rows()
        self.bar.show_selection(chosen, self.context.actions.offers())
        self.detail.show_entries(chosen)

    def _on_letter(self, letter: str) -> None:
        if letter == "r":
            self.act(QueueAction.RETRY)
        elif letter == "h":
            held = [e.queue == "hold" for e in self.table.selected_rows()]
            self.act(QueueAction.RELEASE if held and all(held) else QueueAction.HOLD)
        elif letter == "delete":
            self.act(QueueAction.DELETE)
        elif letter == "t":
            self.detail.track()

    def copy_ids(self) -> None:
        """The queue IDs of the selection onto the clipboard, one a line."""
        ids = [entry.queue_id for entry in self.table.selected_rows()]
        QGuiApplication.clipboard().setText("\n".join(ids))
        self.context.notice.emit(self.tr("{0} queue IDs copied").format(len(ids)), None)

    # Actions.

    def act(self, action: QueueAction) -> None:
        """Do an action to the selection; asks first when it must."""
        self.queue_actions.act(action, self.table.selected_rows())

    def undo_last(self) -> None:
        """Take the last action back (Ctrl+Z)."""
        self.queue_actions.undo_last()

    def _say(self, words: str) -> None:
        self.context.notice.emit(words, None)

    # Views, columns, export.

    def save_view(self) -> None:
        """Keep the filter as a saved view in the sidebar."""
        text = self.filter_row.box.text.strip()
        if not text:
            self._say(self.tr("Type a filter first, then save it as a view"))
            return
        kept: list[str] = self.context.workspace.preferences.get("views", [])
        views = [view for view in kept if view != text]
        self.context.workspace.preferences.set("views", [*views, text])
        self.context.workspace.profiles_changed.emit()
        self._say(self.tr("Saved in the sidebar"))

    def _on_columns(self) -> None:
        menu = QMenu(self)
        self.table.fill_columns_menu(menu)
        menu.popup(self.filter_row.mapToGlobal(self.filter_row.rect().bottomRight()))

    def export(self) -> None:
        """Save the visible rows as CSV, JSON Lines or text."""
        from smtpadmin.gui.dialogs.export import export_rows

        self.scope.spawn("export", export_rows(self, self.table, "queue"))

    def track_selected(self) -> None:
        """Open the selected message in Tracking."""
        self.detail.track()

    def toggle_detail(self) -> None:
        """Detail below, at the right, off (F8)."""
        if self.detail.isVisible() and self.splitter.orientation() == Qt.Orientation.Vertical:
            self.splitter.setOrientation(Qt.Orientation.Horizontal)
        elif self.detail.isVisible():
            self.splitter.setOrientation(Qt.Orientation.Vertical)
            self.detail.hide()
        else:
            self.detail.show_entries(self.table.selected_rows())
