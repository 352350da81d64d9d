"""The main window: menu, sidebar, the view of the chosen server, status bar. It delegates the rest."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QCloseEvent, QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.ask import ask
from smtpadmin.gui.commands import CHECKABLE, COMMANDS, MENUS, Command
from smtpadmin.gui.errors import Problem, set_presenter
from smtpadmin.gui.sidebar import SavedView, Sidebar
from smtpadmin.gui.status_bar import StatusBar
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.theme.theme import Scheme, current_theme
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.toast import Toast
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import KeyringError, SmtpadminError
from smtpadmin.util.tasks import run_blocking

if TYPE_CHECKING:
    from smtpadmin.gui.server_view import ServerView
    from smtpadmin.gui.widgets.table import Table

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
        self.sidebar.setMinimumWidth(36 * em)
        self.splitter.setSizes([32 * em, 140 * em])
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
            action.triggered.connect(functools.partial(self._run, command))
            menus[command.menu].addAction(action)
            self.actions_by_name[command.name] = action
        self.actions_by_name["sidebar"].setChecked(True)
        self.actions_by_name["detail"].setChecked(True)

    def _connect(self) -> None:
        self.sidebar.chosen.connect(self._on_chosen)
        self.sidebar.view_chosen.connect(self._on_view)
        self.sidebar.view_removed.connect(self._on_view_removed)
        self.sidebar.add_wanted.connect(self.do_add_server)
        self.sidebar.edit_wanted.connect(self._edit)
        self.sidebar.remove_wanted.connect(self._remove)
        self.workspace.profiles_changed.connect(self._fill_sidebar)

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
            await self._start_demo()
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
                (self.tr("Add server…"), self.do_add_server),
                (self.tr("Try with demo server"), self.do_demo),
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

    def _on_chosen(self, uuid: str) -> None:
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
        context.send_wanted.connect(self.do_send_test)
        context.retry_wanted.connect(session.retry_now)
        context.edit_wanted.connect(functools.partial(self._edit, uuid))
        context.card_wanted.connect(self.do_card)
        context.remove_wanted.connect(functools.partial(self._remove, uuid))
        context.status_changed.connect(functools.partial(self._on_server_news, uuid))
        context.counts_changed.connect(functools.partial(self._on_server_news, uuid))
        view.palette_wanted.connect(self.do_palette)
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

    def _on_view(self, text: str) -> None:
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

    def _run(self, command: Command) -> None:
        getattr(self, f"do_{command.name}")()

    def _enable(self) -> None:
        view = self.current_view()
        page = view.current_page() if view else None
        on_queue = page is not None and page.accessibleName() == "Queue"
        for command in COMMANDS:
            possible = {"": True, "server": view is not None, "queue": on_queue}[command.needs]
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

    def _table(self) -> Table | None:
        from smtpadmin.gui.widgets.table import Table

        view = self.current_view()
        table = getattr(view.current_page(), "table", None) if view else None
        return table if isinstance(table, Table) else None

    def _page_do(self, method: str, *arguments: object) -> None:
        view = self.current_view()
        call = getattr(view.current_page(), method, None) if view else None
        if call is not None:
            call(*arguments)

    def do_add_server(self) -> None:
        self.scope.spawn("add server", self._add_server())

    async def _add_server(self) -> None:
        from smtpadmin.gui.wizard.wizard import ServerWizard

        dialog = ServerWizard(self.workspace, self)
        if await ask(dialog) == QDialog.DialogCode.Accepted and dialog.saved is not None:
            await self.workspace.reload()
            await self.open_server(dialog.saved.uuid)

    def do_demo(self) -> None:
        self.scope.spawn("demo", self._start_demo())

    async def _start_demo(self) -> None:
        self.welcome.show_state(
            "beaker",
            self.tr("Starting the demo…"),
            self.tr("A mail server, an outside world, and people who write mail."),
        )
        profile = await self.workspace.start_demo()
        await self.open_server(profile.uuid)

    def _edit(self, uuid: str) -> None:
        self.scope.spawn("edit server", self._edit_server(uuid))

    async def _edit_server(self, uuid: str) -> None:
        from smtpadmin.gui.dialogs.edit_server import EditServer

        profile = next((p for p in self.workspace.known if p.uuid == uuid), None)
        if profile is None:
            return
        store = self.workspace.store_of(profile)
        dialog = EditServer(await store.get(uuid), store, self.views.get(uuid), self)
        if await ask(dialog) == QDialog.DialogCode.Accepted:
            await self._reopen(uuid)

    async def _reopen(self, uuid: str) -> None:
        view = self.views.pop(uuid, None)
        if view is not None:
            await view.close_view()
            self.stack.removeWidget(view)
            view.deleteLater()
        await self.workspace.drop_session(uuid)
        await self.workspace.reload()
        await self.open_server(uuid)

    def _remove(self, uuid: str) -> None:
        self.scope.spawn("remove server", self._remove_server(uuid))

    async def _remove_server(self, uuid: str) -> None:
        from smtpadmin.gui.dialogs.remove_server import RemoveServer
        from smtpadmin.services.servers import secret_names

        profile = next((p for p in self.workspace.known if p.uuid == uuid), None)
        if profile is None:
            return
        if await ask(RemoveServer(profile, self)) != QDialog.DialogCode.Accepted:
            return
        await self.workspace.store_of(profile).remove(uuid, secret_names(profile.kind))
        view = self.views.pop(uuid, None)
        if view is not None:
            await view.close_view()
            self.stack.removeWidget(view)
            view.deleteLater()
        await self.workspace.drop_session(uuid)
        self.status.follow(None)
        self.stack.setCurrentWidget(self.welcome)
        await self.workspace.reload()

    def do_edit_server(self) -> None:
        self._edit(self.sidebar.current())

    def do_remove_server(self) -> None:
        self._remove(self.sidebar.current())

    def do_export(self) -> None:
        self._page_do("export")

    def do_quit(self) -> None:
        self.close()

    def do_undo(self) -> None:
        self._page_do("undo_last")

    def do_copy(self) -> None:
        focus = QApplication.focusWidget()
        if isinstance(focus, QLineEdit | QPlainTextEdit):
            focus.copy()
        elif (table := self._table()) is not None:
            table.copy_rows()

    def do_copy_cell(self) -> None:
        if (table := self._table()) is not None:
            table.copy_cell()

    def do_select_all(self) -> None:
        focus = QApplication.focusWidget()
        if isinstance(focus, QLineEdit | QPlainTextEdit):
            focus.selectAll()
        elif (table := self._table()) is not None:
            table.selectAll()

    def do_filter(self) -> None:
        self._page_do("focus_filter")

    def do_save_view(self) -> None:
        self._page_do("save_view")

    def do_palette(self) -> None:
        self._open_palette("")

    def do_go_server(self) -> None:
        self._open_palette("@")

    def _open_palette(self, start: str) -> None:
        from smtpadmin.gui.command_palette import Choice, CommandPalette

        choices = [
            Choice(">", action.text().replace("&", ""), c.key, functools.partial(self._run, c))
            for c in COMMANDS
            if (action := self.actions_by_name[c.name]).isEnabled() and action.isVisible()
        ]
        choices += [
            Choice("@", p.name, p.environment.value, functools.partial(self._on_chosen, p.uuid))
            for p in self.workspace.known
        ]
        view = self.current_view()
        if view is not None:
            choices += [
                Choice("#", e.queue_id, e.sender, functools.partial(self._show_entry, e.queue_id))
                for e in view.context.queue.all_rows()
            ]
        self.scope.spawn("palette", ask(CommandPalette(choices, start, self)))

    def _show_entry(self, queue_id: str) -> None:
        self._on_view(f"id:{queue_id}")
        if (table := self._table()) is not None:
            table.selectRow(0)

    def _tab(self, number: int) -> None:
        view = self.current_view()
        if view is not None:
            view.show_number(number)

    do_tab_1 = functools.partialmethod(_tab, 0)
    do_tab_2 = functools.partialmethod(_tab, 1)
    do_tab_3 = functools.partialmethod(_tab, 2)
    do_tab_4 = functools.partialmethod(_tab, 3)
    do_tab_5 = functools.partialmethod(_tab, 4)
    do_tab_6 = functools.partialmethod(_tab, 5)
    do_tab_7 = functools.partialmethod(_tab, 6)

    def do_next_pane(self) -> None:
        panes = [self.sidebar, self.stack.currentWidget(), self.status]
        focusable = [w for pane in panes if pane for w in _first_focusable(pane)]
        focus = QApplication.focusWidget()
        inside = [n for n, w in enumerate(focusable) if focus is not None and w is focus]
        focusable[(inside[0] + 1) % len(focusable) if inside else 0].setFocus()

    def do_detail(self) -> None:
        self._page_do("toggle_detail")

    def do_sidebar(self) -> None:
        self.sidebar.setVisible(not self.sidebar.isVisible())

    def do_compact(self) -> None:
        if (table := self._table()) is not None:
            table.set_compact(self.actions_by_name["compact"].isChecked())

    def do_zone(self) -> None:
        TIMES.switch()

    def _scheme(self, scheme: Scheme) -> None:
        current_theme().apply(scheme)
        self.workspace.preferences.set("scheme", scheme.value)

    do_scheme_system = functools.partialmethod(_scheme, Scheme.SYSTEM)
    do_scheme_light = functools.partialmethod(_scheme, Scheme.LIGHT)
    do_scheme_dark = functools.partialmethod(_scheme, Scheme.DARK)

    def do_refresh(self) -> None:
        self._page_do("refresh")

    def do_pause(self) -> None:
        self.status.toggle_pause()

    def do_card(self) -> None:
        view = self.current_view()
        if view is not None:
            from smtpadmin.gui.dialogs.settings_card import SettingsCard

            self.scope.spawn("card", ask(SettingsCard(view.context.session.connector, self)))

    def _act(self, name: str) -> None:
        from smtpadmin.model.queue import QueueAction

        self._page_do("act", QueueAction(name))

    do_retry = functools.partialmethod(_act, "retry")
    do_hold = functools.partialmethod(_act, "hold")
    do_release = functools.partialmethod(_act, "release")
    do_requeue = functools.partialmethod(_act, "requeue")
    do_bounce = functools.partialmethod(_act, "bounce")
    do_delete = functools.partialmethod(_act, "delete")

    def do_track(self) -> None:
        self._page_do("track_selected")

    def do_send_test(self) -> None:
        from smtpadmin.gui.dialogs.send_test import SendTest

        view = self.current_view()
        dialog = SendTest(self.workspace, view.context if view else None, self)
        self.scope.spawn("send test", ask(dialog))

    def do_explain(self) -> None:
        from smtpadmin.gui.dialogs.explain import ExplainDialog

        self.scope.spawn("explain", ask(ExplainDialog(self)))

    def do_next_problem(self) -> None:
        self._page_do("next_problem", 1)

    def do_previous_problem(self) -> None:
        self._page_do("next_problem", -1)

    def do_keys(self) -> None:
        from smtpadmin.gui.dialogs.keys_sheet import KeysSheet

        self.scope.spawn("keys", ask(KeysSheet(self)))

    def do_about(self) -> None:
        from smtpadmin.gui.dialogs.about import About

        store = self.workspace.store
        secrets = store.describe() if store is not None else self.tr("not opened")
        self.scope.spawn("about", ask(About(secrets, self)))

    # Keys that must not disturb typing: an edit takes them before a shortcut does.

    def _make_shortcuts(self) -> None:
        for key, do in (("/", self.do_filter), ("?", self.do_keys)):
            QShortcut(QKeySequence(key), self).activated.connect(do)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        view = self.current_view()
        page = view.current_page() if view else None
        if event.key() != Qt.Key.Key_Escape or page is None or not page.escape():
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.toast.place()


def _first_focusable(pane: QWidget) -> Sequence[QWidget]:
    found = [
        w
        for w in pane.findChildren(QWidget)
        if w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.isVisible() and w.isEnabled()
    ]
    views = [w for w in found if isinstance(w, QAbstractItemView)]
    return (views or found)[:1]
