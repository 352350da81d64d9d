"""The status bar: connection, running task, counts, last update, time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QProgressBar, QPushButton, QStatusBar

from smtpadmin.gui.time_format import TIMES, age
from smtpadmin.gui.widgets.label import Label
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from smtpadmin.gui.server_context import ServerContext
    from smtpadmin.services.queue_watch import WatchStatus

TASK_SHOWN_MS = 2_000


class StatusBar(QStatusBar):
    """Follows the server that is shown."""

    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self._context: ServerContext | None = None
        self._connection, self._task, self._counts = Label(), Label(), Label()
        self._progress = QProgressBar()
        self._progress.setFixedWidth(100)
        self._progress.setTextVisible(False)
        self._progress.hide()
        self._cancel = _link(self.tr("Cancel"))
        self._cancel.hide()
        self._cancel.clicked.connect(self.cancel_wanted)
        self._updated = _link("")
        self._updated.setToolTip(self.tr("Click to pause or go on (Shift+F5)"))
        self._updated.clicked.connect(self.toggle_pause)
        self._zone = _link(TIMES.name)
        self._zone.setToolTip(self.tr("Switch the time zone (Ctrl+T)"))
        self._zone.clicked.connect(TIMES.switch)
        TIMES.changed.connect(self._on_zone)
        hint = Label(self.tr("Ctrl+K commands"))
        hint.setContentsMargins(0, 0, 10, 0)
        self._connection.setContentsMargins(8, 0, 8, 0)
        hint.setObjectName("muted")
        for left in (self._connection, self._task, self._progress, self._cancel):
            self.addWidget(left)
        for right in (self._counts, self._updated, self._zone, hint):
            self.addPermanentWidget(right)
        self._timer = QTimer(self)
        self._timer.setInterval(1_000)
        self._timer.timeout.connect(self._tick)
        self._hide_task = QTimer(self)
        self._hide_task.setSingleShot(True)
        self._hide_task.timeout.connect(self._end_task)

    def follow(self, context: ServerContext | None) -> None:
        """Show this server from now on."""
        if self._context is not None:
            self._context.busy.disconnect(self.show_task)
        self._context = context
        if context is None:
            self._timer.stop()
            for label in (self._connection, self._counts):
                label.setText("")
            self._updated.setText("")
            return
        context.busy.connect(self.show_task)
        self._timer.start()
        self._tick()

    def show_task(self, words: str, done: int, total: int) -> None:
        """A running task and how far it is; gone shortly after its end."""
        self._task.setText(words)
        self._progress.setRange(0, total)
        self._progress.setValue(done)
        running = done < total
        self._progress.setVisible(running)
        self._cancel.setVisible(running)
        if not running:
            self._hide_task.start(TASK_SHOWN_MS)

    def _end_task(self) -> None:
        self._task.setText("")

    def toggle_pause(self) -> None:
        """Stop asking the server, or go on."""
        watch = self._context.watch if self._context else None
        if watch is not None:
            if watch.status.paused:
                watch.resume()
            else:
                watch.pause()
            self._tick()

    def _tick(self) -> None:
        if self._context is None:
            return
        probed = self._context.session.probed
        software = f" · {probed.software} {probed.version}" if probed else ""
        self._connection.setText(visible(f"{self._context.profile.name}{software}", 90))
        store = self._context.queue
        watch = self._context.watch
        if watch is None or watch.status.updated_at is None:
            self._counts.setText("")
        else:
            shown = self.tr("{0} of {1} shown").format(len(store), store.total)
            why = self.tr(" (filter)") if len(store) < store.total else ""
            self._counts.setText(shown + why)
        self._updated.setText(self._freshness(watch.status) if watch is not None else "")

    def _freshness(self, status: WatchStatus) -> str:
        if status.paused:
            return self.tr("Paused")
        if status.updated_at is None:
            waits = status.error or not self._is_connected()
            return self.tr("Never read") if waits else self.tr("Reading…")
        if not self._is_connected():
            return self.tr("Last read {0}").format(TIMES.time(status.updated_at))
        ago = datetime.now(UTC) - status.updated_at
        if ago.total_seconds() > max(15.0, 4 * status.interval):
            return self.tr("Updated {0} ago").format(age(ago))
        return self.tr("Updated {0}, every {1} s").format(
            TIMES.time(status.updated_at), f"{status.interval:g}"
        )

    def _is_connected(self) -> bool:
        from smtpadmin.model.session_state import SessionState

        states = (SessionState.CONNECTING, SessionState.CONNECTED)
        return self._context is not None and self._context.status.state in states

    def _on_zone(self) -> None:
        self._zone.setText(TIMES.name)
        self._tick()


def _link(words: str) -> QPushButton:
    button = QPushButton(words)
    button.setObjectName("flat")
    return button
