"""The main window: menu, sidebar, the view of the chosen server, status bar. It delegates the rest."""

from __future__ import annotations

import asyncio
import functools
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.commands import CHECKABLE, COMMANDS, MENUS
from smtpadmin.gui.errors import Problem, set_presenter
from smtpadmin.gui.server_dialogs import ServerDialogs
from smtpadmin.gui.sidebar import SavedView, Sidebar
from smtpadmin.gui.status_bar import StatusBar
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.theme.theme import Scheme, current_theme
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.toast import Toast
from smtpadmin.gui.window_commands import WindowCommands
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import KeyringError, SmtpadminError
from smtpadmin.util.tasks import run_blocking

if TYPE_CHECKING:
    from smtpadmin.gui.server_view import ServerView

DEFAULT_SIZE = QSize(1280, 800)
MOST_TABS = 7


class MainWindow(QMainWindow):
    """``stop_requested`` is set when the user closes the window; the application then ends."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.stop_requested = asyncio.Event()
        self.scope = TaskScope(self)
        self.views: dict[str, ServerView] = {}
        self.actions_by_name: dict[str, QAction] = {}
        self.servers = ServerDialogs(self)
        self.commands = WindowCommands(self)
        self._may_close = False
        self.sidebar = Sidebar()
        self.banner = Banner()
        self.welcome = EmptyState()
        self.stack = QStackedWidget()
        self.status = StatusBar()
        self.setWindowTitle("smtpadmin")
        self._lay_out()
        self._make_menus()
        self._make_shortcuts()
        self.toast = Toast(self)
        self._connect()
        set_presenter(self.show_problem)
        self.setAcceptDrops(True)
        self.resize(DEFAULT_SIZE)
        self._enable()

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.stack, 1)
        self.stack.addWidget(self.welcome)
        self.splitter = QSplitter()
        self.splitter.addWidget(self.sidebar)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        em = self.fontMetrics().averageCharWidth()
        self.sidebar.setMinimumWidth(32 * em)
        self.splitter.setSizes([40 * em, 140 * em])
        self.setCentralWidget(self.splitter)
        self.setStatusBar(self.status)
        self.welcome.show_state("smtpadmin", self.tr("Opening your profiles…"), "")

    def _make_menus(self) -> None:
        menus = {name: self.menuBar().addMenu(f"&{self.tr(name)}") for name in MENUS}
        for command in COMMANDS:
            action = QAction(self.tr(command.title), self)
            if command.key:
                action.setShortcut(QKeySequence(command.key))
            action.setCheckable(command.name in CHECKABLE)
            action.triggered.connect(functools.partial(self.run, command.name))
            menus[command.menu].addAction(action)
            self.actions_by_name[command.name] = action
        self.actions_by_name["sidebar"].setChecked(True)
        self.actions_by_name["detail"].setChecked(True)

    def _connect(self) -> None:
        self.sidebar.chosen.connect(self.choose_server)
        self.sidebar.view_chosen.connect(self.show_filtered)
        self.sidebar.ordered.connect(self.workspace.order)
        self.sidebar.view_removed.connect(self._on_view_removed)
        self.sidebar.add_wanted.connect(self.servers.add)
        self.sidebar.edit_wanted.connect(self.servers.edit)
        self.sidebar.remove_wanted.connect(self.servers.remove)
        self.workspace.profiles_changed.connect(self._fill_sidebar)
        self.workspace.noticed.connect(self.toast.show_notice)

    # Start and end.

    async def start(self, *, demo: bool) -> None:
        """Fill the window: preferences, profiles, and the demo when it is wanted."""
        self.scope.spawn("load", run_blocking(import_module, "smtpadmin.services.row_index"))
        self.workspace.preferences.load()
        self._arrange()
        scheme = self.workspace.preferences.get("scheme", "system")
        if scheme in {one.value for one in Scheme}:
            current_theme().apply(Scheme(scheme))
        if demo:
            await self.start_demo()
        try:
            await self.workspace.open_profiles()
        except (KeyringError, SmtpadminError) as error:
            self.banner.show_message("warn", error.what, error.remedy, details=str(error))
        self._tell_where_profiles_are()
        for problem in self.workspace.problems:
            self.banner.show_message(
                "warn", self.tr("A profile cannot be read"), problem, details=problem
            )
        self._show_welcome()

    def _tell_where_profiles_are(self) -> None:
        store = self.workspace.store
        why = getattr(store, "why", "")
        if store is not None and not store.persistent and why and why != "chosen":
            self.banner.show_message(
                "info", self.tr("Servers that you add are kept for this session only"), why
            )

    def _show_welcome(self) -> None:
        if self.workspace.known:
            self.welcome.show_state(
                "server",
                self.tr("Choose a server"),
                self.tr("Its queue, log and tests appear here."),
            )
        else:
            self.welcome.show_state(
                "smtpadmin",
                self.tr("Welcome to smtpadmin"),
                self.tr(
                    "Add the mail servers that you run: Postfix, Exim, gateways, hosted relays. Or look "
                    "around first: the demo is a real mail server on this machine with real traffic."
                ),
                (self.tr("Add server…"), self.servers.add),
                (self.tr("Try with demo server"), self.commands.do_demo),
                (self.tr("Open log files…"), self.commands.do_open_logs),
            )

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.setEnabled(False)
        self.stop_requested.set()

    async def close_for_good(self) -> None:
        """End everything that runs, each with a time-out, then close."""
        await self.scope.close()
        self._keep_arrangement()
        for view in self.views.values():
            await view.close_view()
        self.close_now()

    def close_now(self) -> None:
        """Close without asking what still runs."""
        self._may_close = True
        self.close()

    def _arrange(self) -> None:
        from smtpadmin.gui.layout_memory import bring_back_panes, bring_back_window

        bring_back_window(self.workspace.preferences, self)
        bring_back_panes(self.workspace.preferences, "window", self.splitter)

    def _keep_arrangement(self) -> None:
        from smtpadmin.gui.layout_memory import keep_panes, keep_window

        keep_window(self.workspace.preferences, self)
        keep_panes(self.workspace.preferences, "window", self.splitter)

    # Servers.

    def _fill_sidebar(self) -> None:
        texts: list[str] = self.workspace.preferences.get("views", [])
        self.sidebar.fill(self.workspace.known, [SavedView(text, text) for text in texts])
        for uuid, view in self.views.items():
            self._show_in_sidebar(uuid, view)
        self._show_welcome()

    def current_view(self) -> ServerView | None:
        """The view of the chosen server."""
        shown = self.stack.currentWidget()
        return next((view for view in self.views.values() if view is shown), None)

    def choose_server(self, uuid: str) -> None:
        """Show a server, as a click in the sidebar does."""
        self.scope.spawn(f"open {uuid}", self.open_server(uuid))

    async def open_server(self, uuid: str, page: str = "") -> ServerView | None:
        """Show a server; connects when it is the first time."""
        profile = next((p for p in self.workspace.known if p.uuid == uuid), None)
        if profile is None:
            return None
        view = self.views.get(uuid)
        if view is None:
            session = await self.workspace.session_for(profile)
            view = self.views.get(uuid) or self._make_view(uuid, session)
        self.stack.setCurrentWidget(view)
        self.status.follow(view.context)
        self.sidebar.choose(uuid)
        view.show_page(page or view.entries[max(view.tabs.currentIndex(), 0)].name)
        self._enable()
        return view

    async def forget_view(self, uuid: str) -> None:
        """Close a server's view and its connection; the next :meth:`open_server` makes new ones."""
        view = self.views.pop(uuid, None)
        if view is not None:
            if view is self.stack.currentWidget():
                self.status.follow(None)
                self.stack.setCurrentWidget(self.welcome)
            await view.close_view()
            self.stack.removeWidget(view)
            view.deleteLater()
        await self.workspace.drop_session(uuid)

    async def start_demo(self) -> None:
        """Start the demo and show it."""
        self.welcome.show_state(
            "beaker",
            self.tr("Starting the demo…"),
            self.tr("A mail server, an outside world, and people who write mail."),
        )
        profile = await self.workspace.start_demo()
        await self.open_server(profile.uuid)

    def _make_view(self, uuid: str, session: object) -> ServerView:
        from smtpadmin.gui.server_context import ServerContext
        from smtpadmin.gui.server_view import ServerView
        from smtpadmin.services.session import ServerSession

        assert isinstance(session, ServerSession)
        context = ServerContext(session, self.workspace, self)
        view = ServerView(context)
        self.views[uuid] = view
        self.stack.addWidget(view)
        context.notice.connect(self._on_notice)
        context.send_wanted.connect(self.commands.do_send_test)
        context.retry_wanted.connect(session.retry_now)
        context.edit_wanted.connect(functools.partial(self.servers.edit, uuid))
        context.card_wanted.connect(self.commands.do_card)
        context.remove_wanted.connect(functools.partial(self.servers.remove, uuid))
        context.status_changed.connect(functools.partial(self._on_server_news, uuid))
        context.counts_changed.connect(functools.partial(self._on_server_news, uuid))
        view.palette_wanted.connect(self.commands.do_palette)
        view.page_changed.connect(self._enable)
        first = "queue" if context.has("queue") else view.entries[0].name
        view.tabs.setCurrentIndex([e.name for e in view.entries].index(first))
        session.changed.emit(session.status)
        return view

    def _on_server_news(self, uuid: str, news: object) -> None:
        view = self.views.get(uuid)
        if view is not None:
            self._show_in_sidebar(uuid, view)

    def _show_in_sidebar(self, uuid: str, view: ServerView) -> None:
        counts = view.context.counts
        deferred = counts.by_queue.get("deferred", 0) if counts is not None else None
        self.sidebar.show_state(uuid, view.context.status.state, deferred)

    def show_filtered(self, text: str) -> None:
        """The shown server's queue with this filter."""
        view = self.current_view()
        if view is not None:
            view.show_filtered(text)

    def _on_view_removed(self, text: str) -> None:
        kept: list[str] = self.workspace.preferences.get("views", [])
        self.workspace.preferences.set("views", [view for view in kept if view != text])
        self._fill_sidebar()

    # News and errors.

    def show_problem(self, problem: Problem) -> None:
        """An error that no page has taken."""
        tone = "err" if problem.is_bug else "warn"
        self.banner.show_message(tone, problem.title, problem.text, details=problem.details)

    def _on_notice(self, words: str, action: object) -> None:
        self.toast.show_notice(words, action if callable(action) else None)

    # Commands.

    def run(self, name: str) -> None:
        """Run a command of :data:`smtpadmin.gui.commands.COMMANDS`."""
        getattr(self.commands, f"do_{name}")()

    def _enable(self) -> None:
        view = self.current_view()
        page = view.current_page() if view else None
        on_queue = page is not None and page.accessibleName() == "Queue"
        for command in COMMANDS:
            possible = {
                "": True,
                "server": view is not None,
                "queue": on_queue,
                "routing": view is not None and view.context.has("routing"),
            }[command.needs]
            self.actions_by_name[command.name].setEnabled(possible)
        self._name_tabs(view)

    def _name_tabs(self, view: ServerView | None) -> None:
        """In the menu and the palette the pages have their names, as their tabs do."""
        titles = [entry.title for entry in view.entries] if view is not None else []
        for number in range(MOST_TABS):
            action = self.actions_by_name[f"tab_{number + 1}"]
            action.setVisible(number < len(titles))
            if number < len(titles):
                action.setText(self.tr(titles[number]))

    # Log files that are dropped on the window.

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
        event.acceptProposedAction()
        self.servers.open_logs(paths)

    # Keys that must not disturb typing: an edit takes them before a shortcut does.

    def _make_shortcuts(self) -> None:
        for key, do in (("/", self.commands.do_filter), ("?", self.commands.do_keys)):
            QShortcut(QKeySequence(key), self).activated.connect(do)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        view = self.current_view()
        page = view.current_page() if view else None
        if event.key() != Qt.Key.Key_Escape or page is None or not page.escape():
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.toast.place()
