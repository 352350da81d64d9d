"""What the pages of one server share: session, queue rows, actions, and ways to the other pages."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from smtpadmin.connectors.api import QueueSource, StatsSource, ability
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import QueueCounts, QueueEntry
from smtpadmin.model.stats import ServerStats
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.services.actions import QueueActions
from smtpadmin.services.columns import QUEUE_COLUMNS
from smtpadmin.services.queue_watch import QueueWatch, queue_key
from smtpadmin.services.row_store import RowStore
from smtpadmin.services.session import ServerSession, SessionState, SessionStatus

STATS_EVERY_S = 5.0


class ServerContext(QObject):
    """Lives as long as the server's view. Signals carry the session's news into Qt."""

    status_changed = Signal(object)
    counts_changed = Signal(object)
    watch_changed = Signal(object)
    stats_changed = Signal(object)
    notice = Signal(str, object)
    track_wanted = Signal(object)
    log_wanted = Signal(str)
    page_wanted = Signal(str)
    filter_wanted = Signal(str)
    send_wanted = Signal()
    retry_wanted = Signal()
    edit_wanted = Signal()
    card_wanted = Signal()
    remove_wanted = Signal()
    busy = Signal(str, int, int)

    def __init__(self, session: ServerSession, workspace: Workspace, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self.workspace = workspace
        self.queue: RowStore[QueueEntry] = RowStore(QUEUE_COLUMNS, key=queue_key)
        self.actions = QueueActions(session.connector, session.profile, workspace.journal)
        self.scope = TaskScope(self)
        self.stats: ServerStats | None = None
        self.counts: QueueCounts | None = None
        source = ability(session.connector, QueueSource)
        self.watch = QueueWatch(source, self.queue, interval=2.0) if source else None
        session.changed.connect(self._on_session)
        if self.watch is not None:
            self.watch.changed.connect(self.watch_changed.emit)
            self.watch.counted.connect(self._on_counts)
            self.watch.failed.connect(session.report)
            self.watch.listed.connect(session.report_success)
        self._watching = False

    @property
    def profile(self) -> Profile:
        """The server's profile."""
        return self.session.profile

    @property
    def status(self) -> SessionStatus:
        """How the connection is."""
        return self.session.status

    def has(self, ability_name: str) -> bool:
        """Whether the server's connector has an ability."""
        return ability_name in self.session.abilities

    def track(self, criteria: TrackCriteria) -> None:
        """Open Tracking with these criteria."""
        self.track_wanted.emit(criteria)

    def _on_session(self, status: SessionStatus) -> None:
        if status.state is SessionState.CONNECTED and not self._watching:
            self._watching = True
            if self.watch is not None:
                self.scope.spawn("queue", self.watch.run())
            source = ability(self.session.connector, StatsSource)
            if source is not None:
                self.scope.spawn("statistics", self._watch_stats(source))
        elif status.state is SessionState.CONNECTED and self.watch is not None:
            self.watch.refresh_now()  # it waits for us after a refused login
        self.status_changed.emit(status)

    async def _watch_stats(self, source: StatsSource) -> None:
        import asyncio

        while True:
            try:
                self.stats = await source.stats()
            except SmtpadminError as error:
                self.session.report(error)
            else:
                self.stats_changed.emit(self.stats)
            await asyncio.sleep(STATS_EVERY_S)

    def _on_counts(self, counts: QueueCounts) -> None:
        self.counts = counts
        self.counts_changed.emit(counts)

    async def close(self) -> None:
        """End the watching; the session belongs to the workspace."""
        await self.scope.close()
