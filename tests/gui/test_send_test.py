"""The send-test dialog, driven by real clicks and keys, on real servers, well-behaved and odd ones."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLineEdit,
    QTreeWidgetItemIterator,
    QWidget,
)

from smtpadmin.formats.scanner_payloads import payload
from smtpadmin.formats.swaks_parse import parse_swaks
from smtpadmin.gui.dialogs.send_test import SendTest
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.queue import QueuePage
from smtpadmin.gui.send.follow_tree import FollowTree
from smtpadmin.gui.send.mailbox_dialog import MailboxDialog
from smtpadmin.gui.send.name_dialog import NameDialog
from smtpadmin.gui.send.swaks_dialog import SwaksDialog
from smtpadmin.model.recipe import FileRef, Letter, Recipe
from smtpadmin.model.smtp_plan import StopPoint, Target, TlsUse
from smtpadmin.services.recipes import recipe_path, save_recipe
from smtpadmin.services.session import SessionState
from smtpadmin.settings import paths
from tests.servers.dovecot import PASSWORD, USER, running_dovecot
from tests.support.catch import catching
from tests.support.odd_server import odd_server, script
from tests.support.window import Served, opened_window, served, until

pytestmark = [pytest.mark.gui, pytest.mark.live]
LEFT = Qt.MouseButton.LeftButton
REFUSING = script(
    b"220 odd.example ESMTP\r\n",
    b"250 odd.example\r\n",
    b"250 2.1.0 Ok\r\n",
    b"550 5.1.1 no such user here\r\n",
    b"221 Bye\r\n",
)


@pytest.fixture
async def window() -> AsyncIterator[MainWindow]:
    """A window without any server."""
    async with opened_window() as opened:
        yield opened


@pytest.fixture
async def served_window(tmp_path: Path) -> AsyncIterator[tuple[MainWindow, Served]]:
    """A window that is connected to a built-in server."""
    async with served(tmp_path / "server") as running, opened_window(running) as opened:
        view = opened.current_view()
        assert view is not None
        await until(lambda: view.context.status.state is SessionState.CONNECTED)
        yield opened, running


async def modal(kind: type[QDialog] = QDialog) -> QDialog:
    await until(lambda: isinstance(QApplication.activeModalWidget(), kind))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    return dialog


async def opened_dialog(window: MainWindow, where: str = "") -> SendTest:
    window.run("send_test")
    dialog = await modal(SendTest)
    assert isinstance(dialog, SendTest)
    type_into(dialog.compose.letter.from_, "admin@acme.example")
    type_into(dialog.compose.letter.to, "anna@acme.example")
    if where:
        type_into(dialog.compose.target.host, where)
        dialog.compose.target.tls.choose(TlsUse.NONE)
    return dialog


def type_into(edit: QLineEdit, text: str) -> None:
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)


def click(button: QWidget) -> None:
    assert button.isEnabled()
    QTest.mouseClick(button, LEFT)


async def sent(dialog: SendTest) -> None:
    before = len(dialog.sender_service.history)
    click(dialog.compose.send)
    await until(lambda: len(dialog.sender_service.history) > before)
    await until(lambda: not dialog.compose.is_sending)


def said(dialog: SendTest) -> str:
    return dialog.banner.accessibleName()


def rows(tree: FollowTree) -> list[str]:
    found, at = [], QTreeWidgetItemIterator(tree)
    while item := at.value():
        found.append(item.text(0))
        at += 1
    return found


def choose(button: QAbstractButton, words: str) -> None:
    """Open a button's menu and take the action with these words."""
    menu = button.menu()  # type: ignore[attr-defined]
    menu.aboutToShow.emit()
    (action,) = [a for a in menu.actions() if a.text().replace("&", "") == words]
    action.trigger()


# Sending.


async def test_accepted_shows_who_answered_the_stages_and_the_certificates(
    served_window: tuple[MainWindow, Served],
) -> None:
    dialog = await opened_dialog(served_window[0])
    await sent(dialog)
    assert said(dialog).startswith("Accepted by 127.0.0.1:")
    assert dialog.track.isEnabled()
    assert "queued as" in dialog.session.view.text()
    assert any(line.tls for line in dialog.session.view.lines.lines)
    click_tab(dialog, 1)
    assert "220 mx1.acme.example" in dialog.server.facts.text()
    assert "TLSv1.3" in dialog.server.facts.text()
    words = dialog.server.waterfall.accessibleDescription()
    assert all(f"{stage} " in words for stage in ("connect", "banner", "tls", "mail", "dot"))
    tree = dialog.server.tree
    assert tree.topLevelItemCount() == 2
    assert "wrong:" not in tree.as_text()
    dialog.reject()


def click_tab(dialog: SendTest, number: int) -> None:
    bar = dialog.tabs.tabBar()
    QTest.mouseClick(bar, LEFT, pos=bar.tabRect(number).center())
    assert dialog.tabs.currentIndex() == number


async def test_a_refusal_is_explained_and_its_session_stays(window: MainWindow) -> None:
    async with odd_server(REFUSING) as port:
        dialog = await opened_dialog(window, f"127.0.0.1:{port}")
        await sent(dialog)
        assert said(dialog) == "Refused at rcpt: The recipient's address does not exist"
        assert "550 5.1.1 no such user here" in dialog.session.view.text()
        assert dialog.server.waterfall._failed_at == "rcpt"
        assert not dialog.track.isEnabled()
        dialog.reject()


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (script(b""), "Failed at banner"),
        (script(b"220 odd\x00\xff\xfe\r\n", b"421 4.3.2 going down\r\n"), "421"),
        (script(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "Failed at banner"),
    ],
)
async def test_odd_servers_end_in_a_sentence(window: MainWindow, talk: object, words: str) -> None:
    async with odd_server(talk) as port:  # type: ignore[arg-type]
        dialog = await opened_dialog(window, f"127.0.0.1:{port}")
        await sent(dialog)
        assert words in said(dialog) + dialog.session.view.text()
        assert "\x00" not in dialog.session.view.text()
        dialog.reject()


async def test_a_server_that_says_nothing_is_stopped_by_the_same_button(window: MainWindow) -> None:
    async with odd_server(script(b"220 odd\r\n", hang=True)) as port:
        dialog = await opened_dialog(window, f"127.0.0.1:{port}")
        click(dialog.compose.send)
        await until(lambda: "220 odd" in dialog.session.view.text())
        assert dialog.compose.send.text() == "&Stop"
        click(dialog.compose.send)
        await until(lambda: said(dialog) == "Stopped")
        assert dialog.compose.send.text() == "&Send"
        dialog.reject()


async def test_closed_in_the_middle_nothing_goes_on(window: MainWindow) -> None:
    async with odd_server(script(b"220 odd\r\n", hang=True)) as port:
        dialog = await opened_dialog(window, f"127.0.0.1:{port}")
        click(dialog.compose.send)
        await until(lambda: "220 odd" in dialog.session.view.text())
        dialog.reject()
        await until(lambda: QApplication.activeModalWidget() is None)
        await until(lambda: not any("SendTest" in task.get_name() for task in asyncio.all_tasks()))


async def test_what_is_forgotten_or_wrong_is_said_before_anything_is_sent(
    window: MainWindow,
) -> None:
    dialog = await opened_dialog(window)
    click(dialog.compose.send)
    await until(lambda: said(dialog) == "name a server")
    type_into(dialog.compose.target.host, "127.0.0.1:99999999")
    click(dialog.compose.send)
    await until(lambda: "is no port" in said(dialog))
    dialog.compose.letter.from_.clear()
    click(dialog.compose.send)
    await until(lambda: said(dialog) == "name the sender")
    dialog.compose.letter.from_.setText("<>")
    dialog.compose.letter.headers.setPlainText("no colon")
    click(dialog.compose.send)
    await until(lambda: "is not a header" in said(dialog))
    assert not dialog.compose.is_sending
    dialog.reject()


async def test_an_untrusted_certificate_is_asked_about_and_then_trusted(
    window: MainWindow,
) -> None:
    async with catching() as server:
        assert server.implicit_address is not None
        dialog = await opened_dialog(window, f"127.0.0.1:{server.implicit_address[1]}")
        dialog.compose.target.tls.choose(TlsUse.IMPLICIT)
        await sent(dialog)
        assert dialog.banner._button.text() == "Yes, trust it"
        assert dialog.server.tree.topLevelItemCount() >= 1
        assert "wrong:" in dialog.server.tree.as_text()
        assert len(server.store) == 0
        click(dialog.banner._button)
        await until(lambda: said(dialog).startswith("Accepted"))
        assert len(server.store) == 1
        dialog.reject()


# The transcript.


async def test_search_by_keys(served_window: tuple[MainWindow, Served]) -> None:
    dialog = await opened_dialog(served_window[0])
    await sent(dialog)
    dialog.activateWindow()
    view, pane = dialog.session.view, dialog.session
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: pane.search.isVisible())
    QTest.keyClicks(pane.search, "EHLO")
    assert pane.found.text() == "1 of 2"
    first = view.currentIndex().row()
    QTest.keyClick(pane.search, Qt.Key.Key_Return)
    assert pane.found.text() == "2 of 2"
    assert view.currentIndex().row() > first
    QTest.keyClick(pane.search, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert view.currentIndex().row() == first
    QTest.keyClicks(pane.search, "nothing like it")
    assert pane.found.text() == "no match"
    QTest.keyClick(pane.search, Qt.Key.Key_Escape)
    assert not pane.search.isVisible()
    assert dialog.isVisible()
    dialog.reject()


async def test_copy_and_save(served_window: tuple[MainWindow, Served], tmp_path: Path) -> None:
    dialog = await opened_dialog(served_window[0])
    await sent(dialog)
    click(dialog.session.copy)
    assert "MAIL FROM:<admin@acme.example>" in QApplication.clipboard().text()
    for name, part in (("a.txt", "queue ID"), ("a.json", '"transcript"'), ("a.html", "<table>")):
        await save_as(dialog.session.save, tmp_path / name)
        await until(lambda n=name: said(dialog) == f"Saved to {n}")  # type: ignore[misc]
        assert part in (tmp_path / name).read_text("utf-8")
    dialog.reject()


async def save_as(button: QWidget, path: Path) -> None:
    click(button)
    await give_file(path)


async def give_file(path: Path) -> None:
    """Type a path into the file dialog and take it."""
    chooser = await modal(QFileDialog)
    edit = chooser.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(edit, QLineEdit)
    edit.setText(str(path))
    QTest.keyClick(edit, Qt.Key.Key_Return)


async def test_what_was_sent_before_is_there_in_the_next_dialog(
    served_window: tuple[MainWindow, Served],
) -> None:
    window, _ = served_window
    dialog = await opened_dialog(window)
    type_into(dialog.compose.letter.subject, "the first one")
    await sent(dialog)
    lines = dialog.session.view.text()
    dialog.reject()
    await until(lambda: QApplication.activeModalWidget() is None)
    window.run("send_test")
    again = await modal(SendTest)
    assert isinstance(again, SendTest)
    await until(lambda: again.history.list.count() == 1)
    click_tab(again, 4)
    item = again.history.list.item(0)
    assert "the first one" in item.text()
    rect = again.history.list.visualItemRect(item)
    QTest.mouseClick(again.history.list.viewport(), LEFT, pos=rect.center())
    assert again.session.view.text() == lines
    assert said(again).startswith("Accepted")
    type_into(again.history.filter, "nobody")
    assert again.history.shown() == []
    again.reject()


# The form.


async def test_presets_by_the_menu_arrive_at_a_server(window: MainWindow) -> None:
    async with catching() as server:
        assert server.address is not None
        dialog = await opened_dialog(window, f"127.0.0.1:{server.address[1]}")
        for words in (
            "HTML with a picture inside",
            "Spam test (GTUBE)",
            "List-Unsubscribe",
            "Empty sender",
        ):
            choose(dialog.compose.presets, words)  # fmt: skip
        assert dialog.compose.letter.from_.text() == "<>"
        assert "scanner test gtube" in dialog.compose.letter._extras.text()
        await sent(dialog)
        (caught,) = server.store
        assert caught.sender == ""
        assert payload("gtube").line.encode() in caught.raw
        assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in caught.raw
        assert b"Content-ID: <picture.png>" in caught.raw
        click(dialog.compose.letter.clear)
        choose(dialog.compose.presets, "Plain text")
        await sent(dialog)
        assert payload("gtube").line.encode() not in list(server.store)[-1].raw
        dialog.reject()


async def test_the_advanced_area_opens_and_its_options_reach_the_server(
    window: MainWindow,
) -> None:
    async with catching() as server:
        assert server.address is not None
        dialog = await opened_dialog(window, f"127.0.0.1:{server.address[1]}")
        helo = dialog.compose.advanced.editors["", "helo"]
        assert not helo.isVisible()
        click(dialog.compose.more)
        assert helo.isVisible()
        assert isinstance(helo, QLineEdit)
        type_into(helo, "tester.example")
        dialog.compose.advanced.stop_at.choose(StopPoint.RCPT)
        await sent(dialog)
        assert "EHLO tester.example" in dialog.session.view.text()
        assert said(dialog).startswith("Ended after rcpt, as asked")
        assert len(server.store) == 0
        click(dialog.compose.more)
        assert dialog.compose.more.text() == "Advanced (2 changed)"
        dialog.reject()


async def test_swaks_out_and_in(window: MainWindow) -> None:
    dialog = await opened_dialog(window, "mail.example.org:2525")
    type_into(dialog.compose.target.user, "anna")
    type_into(dialog.compose.target.password, "never seen")
    choose(dialog.compose.recipes, "Copy as swaks")
    await until(lambda: said(dialog).startswith("Copied"))
    line = QApplication.clipboard().text()
    assert "never seen" not in line
    recipe, _ = parse_swaks(line)
    assert recipe.plan.target == Target("mail.example.org", 2525)
    assert recipe.letter.to == ("anna@acme.example",)
    choose(dialog.compose.recipes, "Paste a swaks command…")
    paste = await modal(SwaksDialog)
    assert isinstance(paste, SwaksDialog)
    assert not paste.go.isEnabled()
    QTest.keyClicks(paste.edit, "swaks -tls --to b@c.example --server [::1]:26 --auth-password x1")
    assert "Understood; left out: 1" in paste.banner.accessibleName()
    click(paste.go)
    await until(lambda: dialog.compose.letter.to.text() == "b@c.example")
    assert dialog.compose.target.host.text() == "[::1]:26"
    assert dialog.compose.target.tls.value is TlsUse.STARTTLS
    dialog.reject()


async def test_a_recipe_is_saved_and_opened_by_the_menu(window: MainWindow) -> None:
    dialog = await opened_dialog(window, "mail.example.org")
    type_into(dialog.compose.target.user, "anna")
    type_into(dialog.compose.target.password, "never seen")
    choose(dialog.compose.recipes, "Save…")
    ask = await modal(NameDialog)
    assert isinstance(ask, NameDialog)
    QTest.keyClicks(ask.name, "../x")
    assert not ask.save.isEnabled()
    ask.name.clear()
    QTest.keyClicks(ask.name, "Weekly check")
    click(ask.save)
    await until(lambda: said(dialog) == "Saved as Weekly check")
    assert "never seen" not in recipe_path("Weekly check").read_text()
    dialog.compose.fill(Recipe())
    choose(dialog.compose.recipes, "Weekly check")
    await until(lambda: said(dialog) == "Opened Weekly check")
    assert dialog.compose.target.host.text() == "mail.example.org:25"
    assert dialog.compose.target.user.text() == "anna"
    dialog.reject()


async def test_a_recipe_that_reads_other_files_asks_first(
    window: MainWindow, tmp_path: Path
) -> None:
    secret = tmp_path / "elsewhere" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("x")
    path = tmp_path / "recipes" / "theirs.json"
    path.parent.mkdir()
    save_recipe(Recipe(Letter(attachments=(FileRef(str(secret)),))), path)
    dialog = await opened_dialog(window)
    choose(dialog.compose.recipes, "Open a file…")
    await give_file(path)
    await until(lambda: "does not lie beside it" in said(dialog))
    assert dialog.compose.letter.files.count == 0
    click(dialog.banner._button)
    await until(lambda: dialog.compose.letter.files.count == 1)
    dialog.reject()


# Following.


async def test_followed_to_the_mailbox_and_to_the_next_try(
    served_window: tuple[MainWindow, Served],
) -> None:
    dialog = await opened_dialog(served_window[0])
    type_into(dialog.compose.letter.to, "anna@acme.example, bob@down.example")
    dialog.following.seconds.choose(30.0)
    click(dialog.compose.follow)
    click(dialog.compose.send)
    await until(lambda: dialog.following.report is not None, timeout=40)
    found = rows(dialog.following.tree)
    assert found[0].startswith("Accepted")
    assert any(row.startswith("Delivered: anna@acme.example") for row in found)
    assert any(row.startswith("Deferred: bob@down.example") for row in found)
    assert any(row.startswith("Next try") for row in found)
    assert any("Who acts:" in row for row in found)
    assert dialog.following.banner.accessibleName() == "Deferred: the server will try again"
    click(dialog.following.copy)
    assert "Deferred: bob@down.example" in QApplication.clipboard().text()
    dialog.reject()


async def test_following_can_be_stopped(served_window: tuple[MainWindow, Served]) -> None:
    dialog = await opened_dialog(served_window[0])
    dialog.following.show_mailbox(None)
    account = await mailbox(dialog, "127.0.0.1", "9", "anna", "secret word")
    assert account is not None
    click(dialog.compose.follow)
    click(dialog.compose.send)
    await until(lambda: dialog.following.stop.isVisible())
    await until(lambda: any(r.startswith("Delivered") for r in rows(dialog.following.tree)))
    click(dialog.following.stop)
    await until(lambda: dialog.following.banner.accessibleName() == "Stopped")
    dialog.reject()


async def mailbox(
    dialog: SendTest, host: str, port: str, user: str, password: str, ca_file: str = ""
) -> object:
    click_tab(dialog, 2)
    click(dialog.following.choose)
    ask = await modal(MailboxDialog)
    assert isinstance(ask, MailboxDialog)
    for edit, text in (
        (ask.host, host), (ask.port, port), (ask.user, user), (ask.password, password),
        (ask.ca_file, ca_file),
    ):  # fmt: skip
        type_into(edit, text)
    click(ask.keep)
    click(ask.go)
    await until(lambda: dialog.following.mailbox is not None)
    return dialog.following.mailbox


async def test_a_mailbox_is_looked_into_and_kept_with_the_profile(
    served_window: tuple[MainWindow, Served], tmp_path: Path
) -> None:
    window, _ = served_window
    with running_dovecot() as dovecot:
        dialog = await opened_dialog(window)
        account = await mailbox(
            dialog, "localhost", str(dovecot.ports["imaps"]), USER, PASSWORD, dovecot.ca_file
        )
        click(dialog.compose.follow)
        click(dialog.compose.send)
        await until(lambda: dialog.sender_service.history)
        received = b"Received: from mx1.acme.example by mail.local.example with LMTP;\r\n"
        received += b" Wed, 25 Nov 2026 10:00:00 +0000\r\n"
        await asyncio.to_thread(dovecot.deliver, received + dialog.sender_service.raw)
        await until(lambda: dialog.following.report is not None, timeout=40)
        found = rows(dialog.following.tree)
        assert any(row.startswith("In the mailbox") for row in found)
        assert "Authentication, computed here" in found
        assert "mx1.acme.example → mail.local.example" in "\n".join(found)
        assert dialog.following.banner.accessibleName().startswith("It lies in INBOX")
        await save_as(dialog.following.save, tmp_path / "way.html")
        await until(lambda: said(dialog) == "Saved to way.html")
        assert "It lies in INBOX" in (tmp_path / "way.html").read_text("utf-8")
        dialog.reject()
        await until(lambda: QApplication.activeModalWidget() is None)
        window.workspace.mailboxes.clear()
        again = await opened_dialog(window)
        await until(lambda: again.following.mailbox == account)
        again.reject()


async def test_a_mailboxs_certificate_is_asked_about(
    served_window: tuple[MainWindow, Served],
) -> None:
    with running_dovecot() as dovecot:
        dialog = await opened_dialog(served_window[0])
        await mailbox(dialog, "localhost", str(dovecot.ports["imaps"]), USER, PASSWORD)
        click(dialog.compose.follow)
        dialog.following.seconds.choose(30.0)
        click(dialog.compose.send)
        await until(lambda: dialog.following.report is not None, timeout=40)
        assert any(row.startswith("Could not be asked") for row in rows(dialog.following.tree))
        await until(lambda: dialog.following.banner._button.isVisible())
        click(dialog.following.banner._button)
        await until(lambda: dialog.following.banner.accessibleName().startswith("Trusted"))
        click(dialog.compose.send)
        await until(lambda: len(dialog.sender_service.history) == 2)
        await asyncio.to_thread(dovecot.deliver, dialog.sender_service.raw)
        await until(lambda: dialog.following.report is not None, timeout=40)
        assert dialog.following.banner.accessibleName().startswith("It lies in INBOX")
        dialog.reject()


async def test_a_test_like_a_message_in_the_queue(
    served_window: tuple[MainWindow, Served],
) -> None:
    window, server = served_window
    await asyncio.to_thread(server.submit, 1)
    view = window.current_view()
    assert view is not None
    page = view.page("queue")
    assert isinstance(page, QueuePage)
    await until(lambda: len(page.context.queue) == 1)
    page.table.selectRow(0)
    window.run("send_similar")
    dialog = await modal(SendTest)
    assert isinstance(dialog, SendTest)
    assert dialog.compose.letter.from_.text() == "a@acme.example"
    assert dialog.compose.letter.to.text() == "user0@down.example"
    dialog.reject()


# Repeating.


async def test_repeated_until_the_outcome_changes_and_beyond_the_dialog(
    window: MainWindow,
) -> None:
    async with catching() as server:
        assert server.address is not None
        port = server.address[1]
        dialog = await opened_dialog(window, f"127.0.0.1:{port}")
        click_tab(dialog, 3)
        dialog.repeating.every.setCurrentText("nonsense")
        click(dialog.repeating.start)
        await until(lambda: "no span of time" in said(dialog))
        dialog.repeating.every.setCurrentText("1s")
        click(dialog.repeating.start)
        await until(lambda: dialog.repeating.runs.count() == 1)
        assert len(server.store) == 1
        dialog.reject()
        await until(lambda: QApplication.activeModalWidget() is None)
        await until(lambda: len(server.store) >= 2)
    await until(lambda: window.toast.isVisible())
    assert "is now failed" in window.toast.accessibleName()
    again = await opened_dialog(window)
    click_tab(again, 3)
    await until(lambda: "accepted" in again.repeating.plot.accessibleDescription())
    texts = [again.repeating.runs.item(row).text() for row in range(again.repeating.runs.count())]
    assert any("failed" in text and "(changed)" in text for text in texts)
    click(again.repeating.stop)
    await until(lambda: not window.workspace.repeats.running)
    again.reject()


# All of it.


async def test_every_focusable_widget_has_a_name_and_it_fits_1024_by_640(
    window: MainWindow,
) -> None:
    window.resize(1024, 640)
    dialog = await opened_dialog(window)
    nameless: list[str] = []
    click(dialog.compose.more)
    dialog.session.open_search()
    for number in range(dialog.tabs.count()):
        dialog.tabs.setCurrentIndex(number)
        nameless += nameless_widgets(dialog)
    for number in range(dialog.compose.letter.tabs.count()):
        dialog.compose.letter.tabs.setCurrentIndex(number)
        nameless += nameless_widgets(dialog)
    assert nameless == []
    assert dialog.width() <= 1024
    assert dialog.height() <= 640
    assert dialog.minimumSizeHint().width() <= 1024
    assert dialog.minimumSizeHint().height() <= 640
    corner = dialog.compose.send.mapTo(dialog, QPoint(dialog.compose.send.width(), 0))
    assert corner.x() < dialog.width() // 2
    dialog.reject()


def nameless_widgets(root: QWidget) -> list[str]:
    found = []
    for widget in root.findChildren(QWidget):
        focusable = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        if not widget.isVisibleTo(root) or not focusable or widget.objectName().startswith("qt_"):
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is not None and not interface.text(QAccessible.Text.Name):
            found.append(f"{type(widget).__name__} in {type(widget.parent()).__name__}")
    return found


async def test_no_password_is_left_anywhere(served_window: tuple[MainWindow, Served]) -> None:
    window, _ = served_window
    dialog = await opened_dialog(window)
    type_into(dialog.compose.target.user, "anna")
    type_into(dialog.compose.target.password, "correct-horse-9")
    dialog.compose.target.auth.choose("PLAIN")
    choose(dialog.compose.recipes, "Save…")
    ask = await modal(NameDialog)
    assert isinstance(ask, NameDialog)
    QTest.keyClicks(ask.name, "kept")
    click(ask.save)
    await until(lambda: said(dialog) == "Saved as kept")
    await sent(dialog)
    assert "AUTH PLAIN" in dialog.session.view.text()
    click(dialog.session.copy)
    texts = [QApplication.clipboard().text(), dialog.session.view.text()]
    texts += [p.read_text("utf-8", "replace") for p in home_files()]
    dialog.reject()
    assert len(texts) > 3
    hidden = ("correct-horse-9", "AGFubmEAY29ycmVjdC1ob3JzZS05")  # as AUTH PLAIN sends it
    assert [secret for secret in hidden for text in texts if secret in text] == []


def home_files() -> list[Path]:
    top = Path(os.environ["SMTPADMIN_HOME"])
    assert paths.state_dir().is_relative_to(top)
    return [path for path in top.rglob("*") if path.is_file()]
