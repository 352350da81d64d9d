"""What each command of the window does: a method ``do_NAME`` for every entry of ``commands.COMMANDS``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLineEdit, QPlainTextEdit, QWidget

from smtpadmin.gui.ask import ask
from smtpadmin.gui.commands import COMMANDS
from smtpadmin.gui.theme.theme import Scheme, current_theme
from smtpadmin.gui.time_format import TIMES

if TYPE_CHECKING:
    from smtpadmin.gui.main_window import MainWindow
    from smtpadmin.gui.widgets.table import Table


class WindowCommands:
    """Acts on the window and on whatever page it shows."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def _table(self) -> Table | None:
        from smtpadmin.gui.widgets.table import Table

        view = self._window.current_view()
        table = getattr(view.current_page(), "table", None) if view else None
        return table if isinstance(table, Table) else None

    def _page_do(self, method: str, *arguments: object) -> None:
        view = self._window.current_view()
        call = getattr(view.current_page(), method, None) if view else None
        if call is not None:
            call(*arguments)

    def do_add_server(self) -> None:
        self._window.servers.add()

    def do_open_logs(self) -> None:
        self._window.servers.open_logs()

    def do_demo(self) -> None:
        self._window.scope.spawn("demo", self._window.start_demo())

    def do_edit_server(self) -> None:
        self._window.servers.edit(self._window.sidebar.current())

    def do_remove_server(self) -> None:
        self._window.servers.remove(self._window.sidebar.current())

    def do_export(self) -> None:
        self._page_do("export")

    def do_quit(self) -> None:
        self._window.close()

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
            Choice(
                ">",
                action.text().replace("&", ""),
                c.key,
                functools.partial(self._window.run, c.name),
            )
            for c in COMMANDS
            if (action := self._window.actions_by_name[c.name]).isEnabled() and action.isVisible()
        ]
        choices += [
            Choice(
                "@",
                p.name,
                p.environment.value,
                functools.partial(self._window.choose_server, p.uuid),
            )
            for p in self._window.workspace.known
        ]
        view = self._window.current_view()
        if view is not None:
            choices += [
                Choice("#", e.queue_id, e.sender, functools.partial(self._show_entry, e.queue_id))
                for e in view.context.queue.all_rows()
            ]
        self._window.scope.spawn("palette", ask(CommandPalette(choices, start, self._window)))

    def _show_entry(self, queue_id: str) -> None:
        self._window.show_filtered(f"id:{queue_id}")
        if (table := self._table()) is not None:
            table.selectRow(0)

    def _tab(self, number: int) -> None:
        view = self._window.current_view()
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
        panes = [self._window.sidebar, self._window.stack.currentWidget(), self._window.status]
        focusable = [w for pane in panes if pane for w in _first_focusable(pane)]
        focus = QApplication.focusWidget()
        inside = [n for n, w in enumerate(focusable) if focus is not None and w is focus]
        focusable[(inside[0] + 1) % len(focusable) if inside else 0].setFocus()

    def do_detail(self) -> None:
        self._page_do("toggle_detail")

    def do_sidebar(self) -> None:
        self._window.sidebar.setVisible(not self._window.sidebar.isVisible())

    def do_compact(self) -> None:
        if (table := self._table()) is not None:
            table.set_compact(self._window.actions_by_name["compact"].isChecked())

    def do_zone(self) -> None:
        TIMES.switch()

    def _scheme(self, scheme: Scheme) -> None:
        current_theme().apply(scheme)
        self._window.workspace.preferences.set("scheme", scheme.value)

    do_scheme_system = functools.partialmethod(_scheme, Scheme.SYSTEM)
    do_scheme_light = functools.partialmethod(_scheme, Scheme.LIGHT)
    do_scheme_dark = functools.partialmethod(_scheme, Scheme.DARK)

    def do_refresh(self) -> None:
        self._page_do("refresh")

    def do_pause(self) -> None:
        self._window.status.toggle_pause()

    def do_ask_server(self) -> None:
        from smtpadmin.connectors.api import RoutingTester, ability
        from smtpadmin.gui.dialogs.ask_server import AskServer

        view = self._window.current_view()
        tester = ability(view.context.session.connector, RoutingTester) if view else None
        if view is not None and tester is not None:
            dialog = AskServer(tester, view.context.profile.name, self._window)
            self._window.scope.spawn("ask server", ask(dialog))

    def do_card(self) -> None:
        view = self._window.current_view()
        if view is not None:
            from smtpadmin.gui.dialogs.settings_card import SettingsCard

            self._window.scope.spawn(
                "card", ask(SettingsCard(view.context.session.connector, self._window))
            )

    def _act(self, name: str) -> None:
        from smtpadmin.model.queue import QueueAction

        self._page_do("act", QueueAction(name))

    do_retry = functools.partialmethod(_act, "retry")
    do_hold = functools.partialmethod(_act, "hold")
    do_release = functools.partialmethod(_act, "release")
    do_requeue = functools.partialmethod(_act, "requeue")
    do_bounce = functools.partialmethod(_act, "bounce")
    do_delete = functools.partialmethod(_act, "delete")

    def do_bulk(self) -> None:
        from smtpadmin.gui.dialogs.bulk_action import BulkDialog

        view = self._window.current_view()
        page = view.current_page() if view else None
        start = getattr(getattr(page, "filter_row", None), "box", None)
        dialog = BulkDialog(self._window.workspace, start.text if start else "", self._window)
        self._window.scope.spawn("bulk", ask(dialog))

    def do_track(self) -> None:
        self._page_do("track_selected")

    def do_send_test(self) -> None:
        from smtpadmin.gui.dialogs.send_test import SendTest

        view = self._window.current_view()
        dialog = SendTest(self._window.workspace, view.context if view else None, self._window)
        self._window.scope.spawn("send test", ask(dialog))

    def do_send_similar(self) -> None:
        from smtpadmin.gui.dialogs.send_test import SendTest
        from smtpadmin.gui.pages.queue import QueuePage

        view = self._window.current_view()
        page = view.current_page() if view else None
        if view is None or not isinstance(page, QueuePage):
            return
        chosen = page.table.selected_positions()
        dialog = SendTest(self._window.workspace, view.context, self._window)
        if chosen:
            entry = page.model.row(chosen[0])
            dialog.fill_like(entry.sender, [one.address for one in entry.recipients[:20]])
        self._window.scope.spawn("send test", ask(dialog))

    def do_explain(self) -> None:
        from smtpadmin.gui.dialogs.explain import ExplainDialog

        self._window.scope.spawn("explain", ask(ExplainDialog(self._window)))

    def do_catch_server(self) -> None:
        self._window.servers.open_catch()

    def do_load_test(self) -> None:
        from smtpadmin.gui.dialogs.load_test import LoadTestDialog

        view = self._window.current_view()
        uuid = view.context.profile.uuid if view else ""
        dialog = LoadTestDialog(self._window.workspace, uuid, self._window)
        self._window.scope.spawn("load test", ask(dialog))

    def do_next_problem(self) -> None:
        self._page_do("next_problem", 1)

    def do_previous_problem(self) -> None:
        self._page_do("next_problem", -1)

    def do_go_to_time(self) -> None:
        self._page_do("ask_for_time")

    def do_keys(self) -> None:
        from smtpadmin.gui.dialogs.keys_sheet import KeysSheet

        self._window.scope.spawn("keys", ask(KeysSheet(self._window)))

    def do_about(self) -> None:
        from smtpadmin.gui.dialogs.about import About

        store = self._window.workspace.store
        secrets = store.describe() if store is not None else self._window.tr("not opened")
        self._window.scope.spawn("about", ask(About(secrets, self._window)))


def _first_focusable(pane: QWidget) -> Sequence[QWidget]:
    found = [
        w
        for w in pane.findChildren(QWidget)
        if w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.isVisible() and w.isEnabled()
    ]
    views = [w for w in found if isinstance(w, QAbstractItemView)]
    return (views or found)[:1]
