"""The window, driven by real clicks and keys, on a real built-in server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QPushButton, QWidget

from smtpadmin.gui.dialogs.bulk_action import BulkDialog
from smtpadmin.gui.dialogs.confirm_action import ConfirmAction
from smtpadmin.gui.dialogs.go_to_time import GoToTime
from smtpadmin.gui.dialogs.send_test import SendTest
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.activity import ActivityPage
from smtpadmin.gui.pages.logs import LogsPage
from smtpadmin.gui.pages.queue import QueuePage
from smtpadmin.gui.pages.tests import TestsPage
from smtpadmin.gui.pages.tracking import TrackingPage
from smtpadmin.gui.wizard.wizard import ServerWizard
from smtpadmin.model.profile import Environment, SafetyLevel
from smtpadmin.model.queue import QueueAction
from smtpadmin.services.session import SessionState
from tests.support.window import Served, opened_window, served, until

pytestmark = [pytest.mark.gui, pytest.mark.live]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path / "server") as running:
        yield running


@pytest.fixture
async def window(server: Served) -> AsyncIterator[MainWindow]:
    await asyncio.to_thread(server.submit, 6)
    async with opened_window(server) as opened:
        yield opened


async def queue_page(window: MainWindow, rows: int = 6) -> QueuePage:
    view = window.current_view()
    assert view is not None
    page = view.page("queue")
    assert isinstance(page, QueuePage)
    await until(lambda: sum(e.queue == "deferred" for e in page.context.queue.all_rows()) >= rows)
    return page


def click_row(
    page: QueuePage, row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    rect = page.table.visualRect(page.model.index(row, 2))
    QTest.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, modifier, rect.center())


async def modal() -> QDialog:
    await until(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    return dialog


async def test_rows_of_the_server_appear_and_a_click_shows_one(window: MainWindow) -> None:
    page = await queue_page(window)
    click_row(page, 2)
    entry = page.model.row(2)
    await until(lambda: entry.queue_id in page.detail._id.text())
    await until(lambda: "Subject: message" in page.detail.message.texts["Headers"].toPlainText())
    assert "Connection refused" in page.model.row(2).reason
    assert page.bar.isVisible()
    await until(lambda: page.detail._transcript.lines.rowCount() > 0)


async def test_typing_filters_and_escape_clears(window: MainWindow) -> None:
    page = await queue_page(window)
    window.activateWindow()
    page.filter_row.box.edit.setFocus()
    QTest.keyClicks(page.filter_row.box.edit, "to:user3@")
    await until(lambda: len(page.context.queue) == 1)
    assert page.model.row(0).recipients[0].address == "user3@down.example"
    QTest.keyClicks(page.filter_row.box.edit, " size>")
    await until(lambda: page.filter_row.box._problem.isVisible())
    assert page.escape()
    await until(lambda: len(page.context.queue) == 6)


async def test_no_match_says_so_and_offers_the_way_back(window: MainWindow) -> None:
    page = await queue_page(window)
    page.set_filter("to:nobody")
    await until(lambda: page.empty.isVisible())
    (button,) = [b for b in page.empty.findChildren(QPushButton) if b.isVisible()]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    await until(lambda: len(page.context.queue) == 6)


async def test_delete_by_clicks_then_undo_brings_it_back(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await queue_page(window)
    click_row(page, 0)
    click_row(page, 1, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: page.bar.isVisible())
    QTest.mouseClick(page.bar.buttons[QueueAction.DELETE], Qt.MouseButton.LeftButton)
    dialog = await modal()
    assert isinstance(dialog, ConfirmAction)
    assert dialog.go.text() == "Delete 2 messages"
    QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    await until(lambda: page.queue_actions.pending is not None)
    assert page.queue_actions.pending is not None
    page.queue_actions.pending.delay = 0.0
    await until(lambda: page.context.queue.total == 4)
    window.run("undo")
    await until(lambda: page.context.queue.total == 6)
    activity = window.workspace.journal.read()
    assert [a.action for a in activity] == ["reinject", "delete"]
    assert len(activity[1].copies) == 2


async def test_a_delete_can_be_called_off_before_it_is_sent(window: MainWindow) -> None:
    page = await queue_page(window)
    click_row(page, 0)
    page.act(QueueAction.DELETE)
    dialog = await modal()
    assert isinstance(dialog, ConfirmAction)
    QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    await until(lambda: page.queue_actions.pending is not None)
    window.run("undo")
    await until(lambda: page.queue_actions.pending is None)
    assert page.context.queue.total == 6
    assert window.workspace.journal.read() == []


async def test_cancel_is_the_default_of_a_destructive_dialog(window: MainWindow) -> None:
    page = await queue_page(window)
    click_row(page, 0)
    page.act(QueueAction.DELETE)
    dialog = await modal()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    await until(lambda: QApplication.activeModalWidget() is None)
    await asyncio.sleep(0.1)
    assert page.queue_actions.pending is None
    assert page.context.queue.total == 6


async def test_one_action_on_two_servers_after_looking(window: MainWindow, tmp_path: Path) -> None:
    await queue_page(window)
    async with served(tmp_path / "second") as other:
        await asyncio.to_thread(other.submit, 3)
        profile = other.profile(name="mx2.acme.example")
        await window.workspace.demo_profiles.add(profile, {"token": other.token})
        await window.workspace.reload()
        window.run("bulk")
        dialog = await modal()
        assert isinstance(dialog, BulkDialog)
        dialog.filter.setText("domain:down.example")
        dialog.action.setCurrentIndex(dialog.action.findData(QueueAction.DELETE))
        QTest.mouseClick(dialog.look, Qt.MouseButton.LeftButton)
        await until(lambda: dialog.count == 9)
        assert dialog.go.text() == "Delete 9 messages on 2 servers"
        assert not dialog.go.isEnabled()
        QTest.keyClicks(dialog.typed, "9")
        QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
        await until(lambda: "9 done, 0 not" in dialog.banner.accessibleName())
        dialog.reject()
        await window.workspace.drop_session(profile.uuid)


async def test_h_holds_and_releases(window: MainWindow) -> None:
    page = await queue_page(window)
    page.set_filter("to:user1@")
    await until(lambda: len(page.context.queue) == 1)
    click_row(page, 0)
    QTest.keyClick(page.table, Qt.Key.Key_H)
    await until(lambda: len(page.context.queue) == 1 and page.model.row(0).queue == "hold")
    assert page.table.selected_positions() == [0]
    QTest.keyClick(page.table, Qt.Key.Key_H)
    await until(lambda: page.model.row(0).queue != "hold")


async def test_copy_gives_tsv_of_the_visible_columns(window: MainWindow) -> None:
    page = await queue_page(window)
    click_row(page, 0)
    page.table.copy_rows()
    head, row = QApplication.clipboard().text().split("\n")
    assert head.split("\t")[:3] == ["State", "Age", "Recipient"]
    assert "down.example" in row


async def test_track_from_the_queue_shows_the_journey_and_the_lines(window: MainWindow) -> None:
    page = await queue_page(window)
    click_row(page, 0)
    queue_id = page.model.row(0).queue_id
    QTest.keyClick(page.table, Qt.Key.Key_T)
    view = window.current_view()
    assert view is not None
    tracking = view.page("tracking")
    assert isinstance(tracking, TrackingPage)
    await until(lambda: len(tracking.store) == 1)
    assert tracking.store.row(0).queue_ids == (queue_id,)
    await until(lambda: queue_id in tracking.detail.lines.toPlainText())


async def test_the_log_is_followed_and_f2_finds_a_problem(
    window: MainWindow, server: Served
) -> None:
    view = window.current_view()
    assert view is not None
    view.show_page("logs")
    logs = view.page("logs")
    assert isinstance(logs, LogsPage)
    await until(lambda: logs.store.total > 20)
    before = logs.store.total
    await asyncio.to_thread(server.submit, 1, "acme.example")
    await until(lambda: logs.store.total > before)
    logs.next_problem(-1)
    record = logs.table.current_row()
    assert record is not None
    assert record.level == "warning"
    await filtered_line_among_all(logs)
    await link_of_a_line_tracks_it(window, logs)


async def filtered_line_among_all(logs: LogsPage) -> None:
    logs.box.set_text("event:message-id")
    await until(lambda: 0 < len(logs.store) < logs.store.total)
    logs.table.selectRow(1)
    chosen = logs.table.current_row()
    logs.show_in_context()
    assert logs.box.text == ""
    assert logs.table.current_row() == chosen
    when = logs.store.row(5).time
    assert when is not None
    logs.ask_for_time()
    dialog = await modal()
    assert isinstance(dialog, GoToTime)
    dialog.edit.setText("nonsense")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert "not a time" in dialog.problem.text()
    dialog.edit.setText(when.isoformat())
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    await until(lambda: logs.table.current_row().time == when)


async def link_of_a_line_tracks_it(window: MainWindow, logs: LogsPage) -> None:
    position = next(at for at in range(len(logs.store)) if logs.store.row(at).queue_id)
    logs.table.scrollTo(logs.table.rows.index(position, 0))
    link = logs.table.rows.column_number("queue_id")
    rect = logs.table.visualRect(logs.table.rows.index(position, link))
    QTest.mouseClick(logs.table.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    view = window.current_view()
    assert view is not None
    tracking = view.current_page()
    assert isinstance(tracking, TrackingPage)
    assert tracking.edits["message_id"].text() == logs.store.row(position).queue_id


async def test_a_test_message_is_sent_and_tracked(window: MainWindow) -> None:
    await queue_page(window)
    window.run("send_test")
    dialog = await modal()
    assert isinstance(dialog, SendTest)
    dialog.compose.letter.from_.setText("admin@acme.example")
    dialog.compose.letter.to.setText("anna@acme.example")
    QTest.mouseClick(dialog.compose.send, Qt.MouseButton.LeftButton)
    await until(lambda: dialog._result is not None)
    assert dialog._result is not None
    assert dialog._result.result == "accepted"
    assert dialog.session.view.lines.rowCount() > 10
    QTest.mouseClick(dialog.track, Qt.MouseButton.LeftButton)
    view = window.current_view()
    assert view is not None
    tracking = view.page("tracking")
    assert isinstance(tracking, TrackingPage)
    await until(lambda: len(tracking.store) == 1)
    assert tracking.store.row(0).message_id == dialog._result.message_id


async def test_the_wizard_adds_a_server(window: MainWindow, server: Served) -> None:
    await queue_page(window)
    window.run("add_server")
    dialog = await modal()
    assert isinstance(dialog, ServerWizard)
    dialog.kind.setCurrentIndex(dialog.kind.findData("builtin"))
    dialog.address.setText(str(server.ready["admin"]).removeprefix("http://"))
    QTest.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    await until(lambda: dialog.form is not None)
    assert dialog.form is not None
    QTest.keyClicks(dialog.form.editors["token"], "wrong")
    QTest.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    await until(lambda: "token" in dialog.banner._title.text())
    dialog.form.editors["token"].setText(server.token)  # type: ignore[union-attr]
    QTest.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    await until(lambda: "It works" in dialog.banner._title.text())
    QTest.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    await until(lambda: dialog._stack.currentIndex() == 2)
    dialog.name.setText("second")
    dialog.environment.setCurrentText("staging")
    assert SafetyLevel(dialog.safety.currentData()) is SafetyLevel.CONFIRM
    QTest.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    await until(lambda: dialog.saved is not None)
    await until(lambda: "second" in [p.name for p in window.workspace.known])


async def test_back_in_the_wizard_shows_what_was_there(window: MainWindow) -> None:
    await queue_page(window)
    window.run("add_server")
    dialog = await modal()
    assert isinstance(dialog, ServerWizard)
    dialog.address.setText("mail.example.org:2525")
    QTest.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    await until(lambda: dialog.form is not None)
    assert dialog.form is not None
    assert dialog.form.values()["host"] == "mail.example.org"
    assert dialog.form.values()["port"] == "2525"
    QTest.mouseClick(dialog.back, Qt.MouseButton.LeftButton)
    assert dialog.address.text() == "mail.example.org:2525"
    dialog.reject()


async def test_a_read_only_profile_disables_actions_and_says_why(server: Served) -> None:
    await asyncio.to_thread(server.submit, 1)
    profile = server.profile(safety=SafetyLevel.READ_ONLY, environment=Environment.PRODUCTION)
    async with opened_window(server, profile) as window:
        page = await queue_page(window, 1)
        click_row(page, 0)
        await until(lambda: page.bar.isVisible())
        button = page.bar.buttons[QueueAction.DELETE]
        assert not button.isEnabled()
        assert "read-only" in button.toolTip()
        view = window.current_view()
        assert view is not None
        assert view.header._lock.isVisible()
        assert view.findChild(QWidget, "productionEdge") is not None


async def test_a_wrong_token_is_a_banner_with_its_remedy(server: Served) -> None:
    profile = server.profile()
    async with opened_window() as window:
        await window.workspace.demo_profiles.add(profile, {"token": "wrong"})
        await window.workspace.reload()
        view = await window.open_server(profile.uuid)
        assert view is not None
        await until(lambda: view.context.status.state is SessionState.AUTHENTICATION_FAILED)
        assert view.banner.isVisible()
        assert "token" in view.banner._text.text()


async def test_first_run_offers_add_demo_and_log_files() -> None:
    async with opened_window() as window:
        await until(lambda: len(window.welcome.findChildren(QPushButton)) == 3)
        texts = [button.text() for button in window.welcome.findChildren(QPushButton)]
        assert texts == ["Add server…", "Try with demo server", "Open log files…"]


async def test_checks_of_the_connection_grow_into_a_list(window: MainWindow) -> None:
    await queue_page(window)
    view = window.current_view()
    assert view is not None
    view.show_page("tests")
    page = view.page("tests")
    assert isinstance(page, TestsPage)
    QTest.mouseClick(page.run, Qt.MouseButton.LeftButton)
    await until(lambda: "checks:" in page.summary.text())
    results = {check.name: check.result.value for check in page.list.checks}
    assert results["address"] == "pass"
    assert results["encryption"] == "pass"
    assert results["certificate"] == "pass"  # by the CA file of the profile
    assert results["reverse"] == "info"


async def test_activity_lists_what_was_done(window: MainWindow) -> None:
    page = await queue_page(window)
    click_row(page, 0)
    page.act(QueueAction.HOLD)
    await until(lambda: window.workspace.journal.read())
    view = window.current_view()
    assert view is not None
    view.show_page("activity")
    activity = view.page("activity")
    assert isinstance(activity, ActivityPage)
    await until(lambda: len(activity.store) == 1)
    assert activity.store.row(0).action == "hold"


async def test_every_focusable_widget_has_an_accessible_name(window: MainWindow) -> None:
    page = await queue_page(window)
    click_row(page, 0)
    view = window.current_view()
    assert view is not None
    nameless = nameless_widgets(window)
    for entry in view.entries:
        view.show_page(entry.name)
        await asyncio.sleep(0.05)
        nameless += nameless_widgets(window)
    window.run("send_test")
    dialog = await modal()
    nameless += nameless_widgets(dialog)
    dialog.reject()
    await until(lambda: QApplication.activeModalWidget() is None)
    window.run("add_server")
    dialog = await modal()
    nameless += nameless_widgets(dialog)
    dialog.reject()
    assert nameless == []


def nameless_widgets(root: QWidget) -> list[str]:
    found = []
    for widget in root.findChildren(QWidget):
        if (
            not widget.isVisibleTo(root)
            or not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            or widget.objectName().startswith("qt_")
        ):
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is not None and not interface.text(QAccessible.Text.Name):
            found.append(
                f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}"
            )
    return found


async def test_it_fits_1024_by_640(window: MainWindow) -> None:
    page = await queue_page(window)
    click_row(page, 0)
    await until(lambda: page.bar.isVisible())
    window.resize(1024, 640)
    await asyncio.sleep(0.1)
    assert window.width() <= 1024
    assert window.height() <= 640
    delete = page.bar.buttons[QueueAction.DELETE]
    corner = delete.mapTo(window, QPoint(delete.width(), 0))
    assert corner.x() <= window.width()


def test_the_window_leaves_after_its_first_frame(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "SMTPADMIN_EXIT_AFTER_FIRST_FRAME": "1",
        "SMTPADMIN_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "smtpadmin", "gui"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_nothing_heavy_is_loaded_for_the_first_frame() -> None:
    program = (
        "import os, sys; os.environ['SMTPADMIN_EXIT_AFTER_FIRST_FRAME'] = '1';"
        "from smtpadmin.cli.window import open_window; code = open_window();"
        "heavy = {'numpy', 'aiohttp', 'asyncssh', 'keyring', 'cryptography', 'dns', 'rich', 'aiosmtplib',"
        " 'click', 'aiosmtpd', 'smtpadmin.connectors.registry'}"
        " & set(sys.modules); sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
