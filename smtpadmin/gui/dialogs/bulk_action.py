"""One action over several servers: what fits where, then one button that says what it will do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.connectors.api import abilities_of
from smtpadmin.connectors.registry import connectors
from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.time_format import TIMES, octets
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import DESTRUCTIVE, QueueAction
from smtpadmin.services.actions import QueueActions
from smtpadmin.services.bulk import BulkAction, BulkServer, Done, Found
from smtpadmin.services.session import ServerSession, SessionState
from smtpadmin.util.text import visible

CONNECT_S = 30.0
_ENDED = (SessionState.CONNECTED, SessionState.OFFLINE, SessionState.AUTHENTICATION_FAILED,
          SessionState.UNTRUSTED, SessionState.PERMISSION_DENIED)  # fmt: skip
_TITLES = ("Server", "Messages", "Oldest", "Size", "How it went")


class BulkDialog(QDialog):
    """Look, then act. Nothing is done before the number of messages was typed, when some would
    leave the queue."""

    def __init__(self, workspace: Workspace, start: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Act on several servers"))
        self._workspace = workspace
        self._scope = TaskScope(self, self._on_error)
        self._found: dict[str, Found] = {}
        self._bulk: BulkAction | None = None
        self.filter = QLineEdit(start)
        self.filter.setPlaceholderText("age>1d to:*@example.org code:4.4.1")
        self.filter.setAccessibleName(self.tr("Which messages"))
        self.filter.textChanged.connect(self._forget)
        self.action = QComboBox()
        self.action.setAccessibleName(self.tr("Action"))
        for action in QueueAction:
            self.action.addItem(action.value.capitalize(), action)
        self.action.currentIndexChanged.connect(self._forget)
        self.look = QPushButton(self.tr("&Look"))
        self.look.clicked.connect(self._on_look)
        self.servers = QTableWidget(0, len(_TITLES))
        self.typed = QLineEdit()
        self.typed.setAccessibleName(self.tr("Number of messages"))
        self.typed.textChanged.connect(self._enable)
        self.typed_label = Label()
        self.banner = Banner(closable=False)
        self.go = QPushButton()
        self.go.setAutoDefault(False)
        self.go.clicked.connect(self._on_go)
        self._lay_out()
        self._list_servers()
        self._forget()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for widget, stretch in ((self.action, 0), (self.filter, 1), (self.look, 0)):
            row.addWidget(widget, stretch)
        table = self.servers
        table.setHorizontalHeaderLabels([self.tr(title) for title in _TITLES])
        table.setAccessibleName(self.tr("Servers"))
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        confirm = QHBoxLayout()
        confirm.addWidget(self.typed_label)
        confirm.addWidget(self.typed, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        column.addLayout(row)
        column.addWidget(self.banner)
        column.addWidget(table, 1)
        column.addLayout(confirm)
        column.addWidget(buttons)
        em = self.fontMetrics().averageCharWidth()
        self.resize(110 * em, 26 * self.fontMetrics().height())

    def _list_servers(self) -> None:
        self._profiles = [p for p in self._workspace.known if _can_act(p)]
        self.servers.setRowCount(len(self._profiles))
        for row, profile in enumerate(self._profiles):
            item = QTableWidgetItem(visible(f"{profile.name}  ({profile.environment})"))
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            item.setCheckState(Qt.CheckState.Checked)
            self.servers.setItem(row, 0, item)
        self.servers.itemChanged.connect(self._on_checked)

    def _on_checked(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            self._forget()

    def _checked(self) -> list[Profile]:
        items = [self.servers.item(row, 0) for row in range(len(self._profiles))]
        return [
            profile
            for profile, item in zip(self._profiles, items, strict=True)
            if item is not None and item.checkState() == Qt.CheckState.Checked
        ]

    # Looking.

    def _forget(self) -> None:
        """What was found holds for one action, one filter and these servers."""
        self._scope.cancel_all()
        self._found, self._bulk = {}, None
        for row in range(self.servers.rowCount()):
            for column in range(1, len(_TITLES)):
                self.servers.setItem(row, column, QTableWidgetItem(""))
        self.banner.hide()
        self._enable()

    def _on_look(self) -> None:
        self._forget()
        self._scope.spawn("look", self._look())

    async def _look(self) -> None:
        if not self.filter.text().strip():
            raise UsageError("say which messages", remedy="Type a filter, for example age>1d.")
        wanted = parse_filter(self.filter.text())
        self.banner.show_message(
            "info", self.tr("Asking {0} servers…").format(len(self._checked()))
        )
        servers = await self._opened(self._checked())
        self._bulk = BulkAction(servers, QueueAction(self.action.currentData()), wanted)
        async for found in self._bulk.look():
            self._found[found.server] = found
            self._show_found(found)
        self.banner.hide()
        self._enable()

    async def _opened(self, profiles: Sequence[Profile]) -> list[BulkServer]:
        sessions = [await self._workspace.session_for(profile) for profile in profiles]
        await asyncio.gather(*(self._settled(session) for session in sessions))
        journal = self._workspace.journal
        return [
            BulkServer(s.profile.name, s.connector, QueueActions(s.connector, s.profile, journal))
            for s in sessions
            if s.state is SessionState.CONNECTED
        ]

    async def _settled(self, session: ServerSession) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                status = await session.wait_for(*_ENDED)
        except TimeoutError:
            self._say(session.profile.name, 4, self.tr("no connection in time"))
            return
        if status.state is not SessionState.CONNECTED:
            words = status.error.what if status.error else status.state.value
            self._say(session.profile.name, 4, words)

    def _show_found(self, found: Found) -> None:
        preview = found.preview
        if found.error is not None:
            self._say(found.server, 4, found.error.what)
        elif preview is not None:
            self._say(found.server, 1, str(preview.count))
            self._say(found.server, 2, TIMES.time(preview.oldest))
            self._say(found.server, 3, octets(preview.size) if preview.count else "")

    def _say(self, server: str, column: int, words: str) -> None:
        row = [profile.name for profile in self._profiles].index(server)
        item = QTableWidgetItem(visible(words, 200))
        item.setToolTip(visible(words))
        if column in (1, 3):
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.servers.setItem(row, column, item)

    # Acting.

    @property
    def count(self) -> int:
        """Messages that would be acted on."""
        return sum(found.count for found in self._found.values())

    def _enable(self) -> None:
        action = QueueAction(self.action.currentData())
        count, hosts = self.count, sum(bool(found.count) for found in self._found.values())
        leaves = action in DESTRUCTIVE
        words = self.tr("{0} {1} messages on {2} servers")
        self.go.setText(words.format(action.value.capitalize(), count, hosts))
        self.go.setObjectName("dangerPrimary" if leaves else "primary")
        self.go.style().polish(self.go)
        self.typed.setVisible(leaves and count > 0)
        self.typed_label.setVisible(leaves and count > 0)
        self.typed_label.setText(self.tr("Type {0} to go on:").format(count))
        self.go.setEnabled(count > 0 and (not leaves or self.typed.text().strip() == str(count)))

    def _on_go(self) -> None:
        self.go.setEnabled(False)
        self._scope.spawn("act", self._act())

    async def _act(self) -> None:
        assert self._bulk is not None
        found, self._found = list(self._found.values()), {}
        self.typed.clear()
        ok = failed = 0
        async for done in self._bulk.run(found):
            self._show_done(done)
            if done.outcome is not None:
                ok, failed = ok + done.outcome.ok, failed + len(done.outcome.failed)
        words = self.tr("{0} done, {1} not. Undo is on each server's Activity page.")
        self.banner.show_message("warn" if failed else "ok", words.format(ok, failed))
        self._enable()

    def _show_done(self, done: Done) -> None:
        if done.outcome is not None:
            self._say(done.server, 4, done.outcome.activity.result)
        elif done.error is not None:
            self._say(done.server, 4, done.error.what)

    def _on_error(self, name: str, error: BaseException) -> None:
        if not isinstance(error, SmtpadminError):
            raise error
        self.banner.show_message("err", error.what, error.remedy, details=str(error))

    def reject(self) -> None:
        """Close; what runs is stopped after the messages now being handled."""
        if self._bulk is not None:
            self._bulk.cancel()
        super().reject()


def _can_act(profile: Profile) -> bool:
    kind = connectors().get(profile.kind)
    return kind is not None and "queue-control" in abilities_of(kind)
