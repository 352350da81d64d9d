"""The Logs page: histogram, lines, live follow that lets go when the user scrolls up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QTextOption
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
)

from smtpadmin.connectors.api import LogSource, WholeLog, ability
from smtpadmin.gui.icons import tint
from smtpadmin.gui.models.log_columns import LOG_TABLE
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.filter_box import FilterBox
from smtpadmin.gui.widgets.histogram import BARS, Histogram
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.filter import Filter
from smtpadmin.model.log import LogRecord
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.services.columns import LOG_COLUMNS
from smtpadmin.services.log_follow import FollowStatus, LogFollow
from smtpadmin.services.row_store import Keep, Packing, RowStore, Spread
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible

LIMIT = 1_000_000
BACKLOG = timedelta(hours=4)
ALL = timedelta(days=365 * 60)
HISTOGRAM_EVERY_MS = 1_000
COUNTING = "count lines over time"
SHOWN_EVERY_MS = 25
"""More pictures a second nobody can read; a log that is loaded has better use of the time."""


def _packing() -> Packing[LogRecord]:
    """Loaded with the first lines, not with the window."""
    from smtpadmin.services.log_packing import LogPacking

    return LogPacking()


class LogsPage(Page):
    """The server's log, from some hours ago until now and on."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Logs")
        self.store: RowStore[LogRecord] = RowStore(
            LOG_COLUMNS, limit=LIMIT, keep=Keep.LAST, packing=_packing
        )
        self.table = Table(RowModel(self.store, LOG_TABLE), self.tr("Log"))
        self.box = FilterBox(self.tr("Filter, e.g. event:reject to:@partner.example"), self._values)
        self.follow_button = QPushButton(self.tr("Following"))
        self.histogram = Histogram(self.tr("lines"))
        self.banner = Banner()
        self.empty = EmptyState()
        self._line = QPlainTextEdit()
        self._foot = QLabel()
        self._following = True
        self._started = False
        self._dirty = False
        source = ability(context.session.connector, LogSource)
        self._whole = ability(context.session.connector, WholeLog)
        backlog = ALL if self._whole else BACKLOG
        self._follow = LogFollow(source, self._on_records, backlog=backlog) if source else None
        self._timer = QTimer(self)
        self._timer.setInterval(HISTOGRAM_EVERY_MS)
        self._timer.timeout.connect(self._count)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SHOWN_EVERY_MS)
        self._soon.timeout.connect(self._show_arrived)
        self._lay_out()
        self._connect()
        self._show_following()
        self._show_emptiness()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 4)
        row.setSpacing(6)
        row.addWidget(self.box, 1)
        for words, name, step in ((self.tr("Previous problem (Shift+F2)"), "chevron-up", -1),
                                  (self.tr("Next problem (F2)"), "chevron-down", 1)):  # fmt: skip
            button = QPushButton()
            tint(button, name)
            button.setToolTip(words)
            button.setAccessibleName(words)
            button.clicked.connect(self._problem_before if step < 0 else self._problem_after)
            row.addWidget(button)
        self.follow_button.setCheckable(True)
        self.follow_button.clicked.connect(self._on_follow)
        row.addWidget(self.follow_button)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        self._line.setAccessibleName(self.tr("The line as the server wrote it"))
        self._line.setReadOnly(True)
        self._line.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self._line.setFixedHeight(4 * self.fontMetrics().lineSpacing() + 14)
        self._line.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.histogram)
        column.addWidget(self.banner)
        column.addWidget(self._stack, 1)
        column.addWidget(self._line)
        self._foot.setContentsMargins(12, 2, 12, 2)
        self._foot.hide()
        column.addWidget(self._foot)

    def _connect(self) -> None:
        self.box.changed.connect(self._on_filter)
        self.table.filter_wanted.connect(self.box.add)
        self.table.picked.connect(self._on_picked)
        self.table.letter.connect(self._on_letter)
        self.table.activated_row.connect(self._track)
        self.table.followed.connect(self._track)
        self.table.menu_opening.connect(self._add_to_menu)
        bar = self.table.verticalScrollBar()
        bar.valueChanged.connect(self._on_moved)  # by keys, too
        bar.actionTriggered.connect(self._on_scrolled)
        self.histogram.chosen.connect(self.go_to)
        TIMES.changed.connect(self.table.rows.refresh_texts)
        if self._follow is not None:
            self._follow.changed.connect(self._on_status)

    def activate(self) -> None:
        super().activate()
        self._timer.start()
        self._count()
        if not self._started and self._follow is not None:
            self._started = True
            self.scope.spawn("follow", self._follow.run())
        self.table.setFocus()

    def deactivate(self) -> None:
        super().deactivate()
        self._timer.stop()

    def focus_filter(self) -> None:
        self.box.setFocus()

    def escape(self) -> bool:
        """Clear the filter, then the selection."""
        if self.box.text:
            self.box.set_text("")
        elif self.table.selected_positions():
            self.table.clearSelection()
        else:
            return False
        return True

    def refresh(self) -> None:
        """Try again now."""
        if self._follow is not None:
            self._follow.retry_now()

    # Lines.

    def _on_records(self, records: list[LogRecord]) -> None:
        self.store.append(records)
        self._dirty = True
        if not self._soon.isActive():
            self._soon.start()

    def _show_arrived(self) -> None:
        self._show_emptiness()
        if self._foot.isHidden():
            self._show_left_out()
        if self._following and self.is_active:
            self.table.scrollToBottom()

    def _on_status(self, status: FollowStatus) -> None:
        error = status.error
        unread = self._whole.unread() if self._whole else ()
        if error is not None:
            self._show_error(error)
        elif unread and status.following:
            self.banner.show_unread(unread)
        else:
            self.banner.hide()

    def _show_error(self, error: SmtpadminError) -> None:
        self.banner.show_message(
            "warn", self.tr("The log is not followed at the moment"), str(error),
            button=self.tr("Try now"), action=self.refresh, details=str(error),
        )  # fmt: skip

    def _on_filter(self, wanted: Filter) -> None:
        self.store.set_filter(wanted, datetime.now(UTC))
        self._dirty = True
        self._count()
        self._show_emptiness()
        if self._following:
            self.table.scrollToBottom()

    def _values(self) -> dict[str, list[str]]:
        return {"event": [value for value, _ in self.store.facet("event")]}

    def show_queue_id(self, queue_id: str) -> None:
        """Only lines of one queue ID."""
        self.box.set_text(f"id:{queue_id}")

    def _show_emptiness(self) -> None:
        if len(self.store):
            self._stack.setCurrentWidget(self.table)
            return
        self._stack.setCurrentWidget(self.empty)
        if self.store.total:
            self.empty.show_state(
                "filter", self.tr("0 of {0} lines match").format(self.store.total),
                self._left_out_words() if self.store.left_out else self.tr("No line fits the filter."),
                (self.tr("Clear filter"), self._clear),
            )  # fmt: skip
        else:
            self.empty.show_state(
                "log", self.tr("No lines yet"),
                self.tr("Lines appear here as the server writes them."),
            )  # fmt: skip

    def _show_left_out(self) -> None:
        if not self.store.left_out:
            return
        self._foot.setText(self._left_out_words())
        self._foot.show()

    def _left_out_words(self) -> str:
        return self.tr(
            "The newest {0:,} lines are kept; {1:,} older ones were left out."
        ).format(self.store.total, self.store.left_out)  # fmt: skip

    def _clear(self) -> None:
        self.box.set_text("")

    def _count(self) -> None:
        if not self._dirty or COUNTING in self.scope.running:
            return
        self._dirty = False
        self._show_left_out()
        counting = self.store.spreading("time", "problem", BARS)
        self.scope.spawn(COUNTING, self._show_counts(counting))

    async def _show_counts(self, counting: Callable[[], Spread | None]) -> None:
        self.histogram.show_spread(await run_blocking(counting))

    # Following.

    def _on_moved(self) -> None:
        bar = self.table.verticalScrollBar()
        if self._following and bar.value() < bar.maximum():
            self._following = False
            self._show_following()

    def _on_scrolled(self) -> None:
        bar = self.table.verticalScrollBar()
        self._following = bar.sliderPosition() >= bar.maximum()
        self._show_following()

    def _on_follow(self) -> None:
        self._following = self.follow_button.isChecked()
        self._show_following()
        if self._following:
            self.table.scrollToBottom()

    def _show_following(self) -> None:
        self.table.keeps_end = self._following
        self.follow_button.setChecked(self._following)
        self.follow_button.setText(
            self.tr("Following") if self._following else self.tr("Go back to the end")
        )
        tint(self.follow_button, "play" if self._following else "incoming")

    # Finding.

    def next_problem(self, step: int) -> None:
        """Go to the next (1) or previous (-1) problem."""
        position = self.table.currentIndex().row()
        if position < 0:
            position = len(self.store) if step < 0 else -1
        found = self.store.nearest("problem", 1.0, start=position + step, step=step)
        if found is not None:
            self._select(found)
            return
        self.context.notice.emit(self.tr("No further problem"), None)

    def _problem_before(self) -> None:
        self.next_problem(-1)

    def _problem_after(self) -> None:
        self.next_problem(1)

    def go_to(self, when: datetime) -> None:
        """Select the first line at or after a time."""
        position = self.store.nearest("time", when.timestamp())
        if position is not None:
            self._select(position)

    def ask_for_time(self) -> None:
        """Go to a time that is typed."""
        self.scope.spawn("go to a time", self._go_to_typed())

    async def _go_to_typed(self) -> None:
        from smtpadmin.gui.dialogs.go_to_time import ask_for_time

        when = await ask_for_time(self)
        if when is not None:
            self.go_to(when)

    def copy_lines(self) -> None:
        """The selected lines as the server wrote them onto the clipboard."""
        lines = [visible(record.raw, 100_000) for record in self.table.selected_rows()]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def _add_to_menu(self, menu: QMenu) -> None:
        menu.addAction(self.tr("Copy log lines"), self.copy_lines)
        if self.box.text:
            menu.addAction(self.tr("Show among all lines"), self.show_in_context)
            menu.addSeparator()

    def show_in_context(self) -> None:
        """Clear the filter and stay at the current line, with what came before and after it."""
        current = self.table.currentIndex().row()
        mark = self.store.mark(current) if 0 <= current < len(self.store) else None
        self.box.set_text("")
        position = self.store.position_of_mark(mark) if mark is not None else None
        if position is not None:
            self._select(position)

    def _select(self, position: int) -> None:
        self._following = False
        self._show_following()
        self.table.selectRow(position)
        self.table.updateGeometries()  # the bar may still end where the filtered rows did
        self.table.scrollTo(self.table.rows.index(position, 0), Table.ScrollHint.PositionAtCenter)

    def _on_picked(self) -> None:
        chosen = self.table.selected_rows()
        self._line.setVisible(len(chosen) == 1)
        if len(chosen) == 1:
            self._line.setPlainText(visible(chosen[0].raw, 4_000))

    def _on_letter(self, letter: str) -> None:
        if letter == "t":
            self._track(self.table.current_row())

    def _track(self, record: object) -> None:
        if isinstance(record, LogRecord) and record.queue_id:
            self.context.track(TrackCriteria(queue_id=record.queue_id))

    def track_selected(self) -> None:
        """Track the current line's queue ID."""
        self._track(self.table.current_row())

    def export(self) -> None:
        """Save the visible lines."""
        from smtpadmin.gui.dialogs.export import export_rows

        self.scope.spawn("export", export_rows(self, self.table, "log"))
