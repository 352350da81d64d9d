"""The catch server in the window, by clicks and keys, with mail from smtplib over real sockets."""

from __future__ import annotations

import asyncio
import json
import smtplib
import socket
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLineEdit, QPushButton, QWidget

from smtpadmin.gui.dialogs.release_message import ReleaseMessage
from smtpadmin.gui.dialogs.remove_server import RemoveServer
from smtpadmin.gui.dialogs.send_test import SendTest
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.catch_rules import CatchRulesPage
from smtpadmin.gui.pages.catch_settings import CatchSettingsPage
from smtpadmin.gui.pages.caught import CaughtPage, first_line
from smtpadmin.gui.pages.caught_detail import TABS
from smtpadmin.gui.server_view import ServerView
from smtpadmin.gui.theme.theme import Scheme, current_theme
from smtpadmin.gui.widgets.rule_table import COLUMNS, DROP
from smtpadmin.model.profile import Environment, Profile, TlsMode
from smtpadmin.services.catch_host import CatchHost
from smtpadmin.services.caught import Outcome
from smtpadmin.services.session import SessionState
from tests.support.catch import catching
from tests.support.window import opened_window, until
from tests.support.zone_resolver import ZoneResolver

pytestmark = pytest.mark.gui
LEFT = Qt.MouseButton.LeftButton
NAMES = [name for name, *_ in COLUMNS]


@pytest.fixture
async def window() -> AsyncIterator[MainWindow]:
    async with opened_window() as opened:
        yield opened


async def caught_page(window: MainWindow) -> CaughtPage:
    window.run("catch_server")
    await until(lambda: window.current_view() is not None)
    page = view_of(window).current_page()
    assert isinstance(page, CaughtPage)
    await until(lambda: view_of(window).context.status.state is SessionState.CONNECTED)
    return page


def view_of(window: MainWindow) -> ServerView:
    view = window.current_view()
    assert view is not None
    return view


async def rules_page(window: MainWindow) -> CatchRulesPage:
    await caught_page(window)
    view_of(window).show_page("rules")
    page = view_of(window).current_page()
    assert isinstance(page, CatchRulesPage)
    window.activateWindow()
    await until(window.isActiveWindow)
    await asyncio.sleep(0.1)  # the platform's last word on which window is active
    return page


async def settings_page(window: MainWindow) -> CatchSettingsPage:
    await caught_page(window)
    view_of(window).show_page("settings")
    page = view_of(window).current_page()
    assert isinstance(page, CatchSettingsPage)
    return page


def newsletter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "shop@x.example", "anna@y.example"
    message["Subject"] = "Spring sale"
    message.set_content("plain words\n")
    message.add_alternative(
        '<p>Hello <b>Anna</b></p><img src="http://x.example/pixel.png">', subtype="html"
    )
    return message


async def send(
    host: CatchHost, recipient: str = "anna@y.example", message: EmailMessage | None = None
) -> None:
    assert host.address is not None
    address, octets = host.address, (message or newsletter()).as_bytes()

    def blocking() -> None:
        with smtplib.SMTP(*address, "client.example", timeout=10) as client:
            client.sendmail("shop@x.example", [recipient], octets.replace(b"\n", b"\r\n"))

    async with asyncio.timeout(20):
        await asyncio.to_thread(blocking)


def click(button: QWidget) -> None:
    assert button.isEnabled()
    QTest.mouseClick(button, LEFT, pos=QPoint(8, button.height() // 2))


async def modal() -> QDialog:
    await until(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    return dialog


def empty_buttons(page: CaughtPage | CatchRulesPage) -> dict[str, QPushButton]:
    return {b.text(): b for b in page.empty.findChildren(QPushButton) if b.isVisible()}


# Caught.


async def test_the_first_mail_comes_in_and_is_shown_with_its_session(window: MainWindow) -> None:
    page = await caught_page(window)
    assert page.empty.isVisible()
    assert first_line(page.host) in page.empty._text.text()
    click(empty_buttons(page)["Copy the line"])
    assert QGuiApplication.clipboard().text() == first_line(page.host)
    await send(page.host)
    await until(lambda: len(page.store) == 1 and page.detail.isVisible())
    row = page.store.row(0)
    assert row.message is not None
    assert row.message.recipients == ("anna@y.example",)
    await until(lambda: "QUIT" in page.detail.transcript.text().upper())
    await until(lambda: "Spring sale" in page.detail.message.texts["Headers"].toPlainText())
    await until(lambda: "plain words" in page.detail.message.texts["Body"].toPlainText())
    await until(lambda: "<b>Anna</b>" in page.detail.html.toPlainText())
    await until(lambda: page.detail.checks.rowCount() > 5)
    assert page.detail.checks.checks[0].result.value == "fail"  # no Date
    await until(lambda: page.store.row(0).checks is not None)


async def test_authentication_is_checked_when_it_is_asked_for(window: MainWindow) -> None:
    page = await caught_page(window)
    await send(page.host)
    await until(lambda: page.detail.checks.rowCount() > 5)
    page.detail.resolver = ZoneResolver({"_dmarc.x.example": [{"TXT": "v=DMARC1; p=reject"}]})
    assert not page.detail.authenticate.isVisible()
    page.detail.tabs.setCurrentIndex(TABS.index("Checks"))
    click(page.detail.authenticate)
    await until(lambda: "dmarc" in {check.name for check in page.detail.checks.checks})
    results = {check.name: check.result.value for check in page.detail.checks.checks}
    assert (results["dkim"], results["dmarc"], results["spf"]) == ("warn", "fail", "untested")
    await until(page.detail.authenticate.isEnabled)


async def test_what_a_stranger_wrote_is_never_markup_nor_a_control_character(
    window: MainWindow,
) -> None:
    page = await caught_page(window)
    message = newsletter()
    message.replace_header("Subject", "<b>bold</b> \u202edlob")
    await send(page.host, message=message)
    await until(lambda: len(page.store) == 1 and page.detail.isVisible())
    for label in (page.detail.title, page.detail.facts):
        assert label.textFormat() == Qt.TextFormat.PlainText
    assert "\u202e" not in page.detail.title.text()
    assert "<b>bold</b>" in page.detail.title.text()
    assert "\u202e" not in str(page.table.rows.index(0, 4).data())


async def test_a_refused_session_has_a_row_without_message_tabs(window: MainWindow) -> None:
    rules = await rules_page(window)
    rules.add_preset("No such user", "rcpt recipient=unknown@*")
    await until(lambda: rules.host.setup.rules and not rules.scope.running)
    view_of(window).show_page("caught")
    page = view_of(window).current_page()
    assert isinstance(page, CaughtPage)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await send(page.host, "unknown@y.example")
    await until(lambda: len(page.store) == 1 and page.detail.isVisible())
    assert page.store.row(0).outcome is Outcome.NO_MESSAGE
    assert not page.detail.tabs.isTabVisible(TABS.index("Raw"))
    assert not page.release.isEnabled()
    assert "RCPT" in page.detail.transcript.text().upper()


async def test_filter_delete_undo_and_clear(window: MainWindow) -> None:
    page = await caught_page(window)
    for name in ("one", "two", "three"):
        await send(page.host, f"{name}@y.example")
    await until(lambda: page.store.total == 3 and not page.scope.running)
    page.box.setFocus()
    QTest.keyClicks(page.box.edit, "to:two@")
    await until(lambda: len(page.store) == 1)
    page.table.selectRow(0)
    QTest.keyClick(page.table, Qt.Key.Key_Delete)
    await until(lambda: page.store.total == 2)
    assert len(page.host.store) == 2
    assert "0 of 2" in page.empty._title.text()
    click(window.toast._button)
    await until(lambda: page.store.total == 3)
    assert page.escape()
    await until(lambda: len(page.store) == 3)
    click(page.clear)
    await until(lambda: page.store.total == 0)
    assert len(page.host.store) == 0
    assert page.empty.isVisible()


async def test_a_message_is_saved_as_it_came(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def chosen(*_: object) -> Path:
        return tmp_path / "saved.eml"

    monkeypatch.setattr("smtpadmin.gui.pages.caught.ask_for_file", chosen)
    page = await caught_page(window)
    await send(page.host)
    await until(lambda: len(page.store) == 1 and page.save.isEnabled())
    click(page.save)
    await until((tmp_path / "saved.eml").exists)
    message = page.store.row(0).message
    assert message is not None
    await until(lambda: (tmp_path / "saved.eml").read_bytes() == message.raw)


async def test_release_names_the_envelope_and_really_sends(window: MainWindow) -> None:
    page = await caught_page(window)
    await send(page.host)
    await until(lambda: len(page.store) == 1 and page.release.isEnabled())
    async with catching(tls=TlsMode.NONE) as real:
        assert real.address is not None
        QTest.keyClick(page.table, Qt.Key.Key_Return)
        dialog = await modal()
        assert isinstance(dialog, ReleaseMessage)
        assert dialog.picker.profile is None  # there is nothing but the catch server itself
        assert not dialog.go.isEnabled()
        QTest.keyClicks(dialog.picker.host, f"127.0.0.1:{real.address[1]}")
        dialog.picker.tls.setCurrentText("none")
        assert dialog.go.text() == "Release to 1 recipient"
        assert "anna@y.example" in dialog.banner.accessibleName()
        dialog.recipients.clear()
        QTest.keyClicks(dialog.recipients, "new@z.example, two@z.example")
        assert dialog.go.text() == "Release to 2 recipients"
        assert not dialog.go.isDefault()
        click(dialog.go)
        await until(lambda: len(real.store) == 1)
        (released,) = real.store
        caught = page.store.row(0).message
        assert caught is not None
        assert released.recipients == ("new@z.example", "two@z.example")
        assert (released.sender, released.raw) == (caught.sender, caught.raw)
        await until(lambda: dialog.go.isEnabled() and dialog.transcript.isVisible())
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await until(lambda: QApplication.activeModalWidget() is None)


async def test_release_to_production_says_so(window: MainWindow) -> None:
    page = await caught_page(window)
    profile = Profile("prod", "mx1", "smtp", "192.0.2.1", 25, environment=Environment.PRODUCTION)
    await window.workspace.demo_profiles.add(profile, {})
    await window.workspace.reload()
    await send(page.host)
    await until(lambda: len(page.store) == 1 and page.release.isEnabled())
    click(page.release)
    dialog = await modal()
    assert isinstance(dialog, ReleaseMessage)
    assert dialog.picker.profile == profile
    assert "production" in dialog.banner._text.text()
    dialog.picker.server.setCurrentIndex(dialog.picker.server.count() - 1)
    assert "production" not in dialog.banner._text.text()
    dialog.reject()
    await until(lambda: QApplication.activeModalWidget() is None)


async def test_send_a_test_to_it_is_filled_in_and_trusts_its_certificate(
    window: MainWindow,
) -> None:
    page = await caught_page(window)
    click(empty_buttons(page)["Send a test to it"])
    dialog = await modal()
    assert isinstance(dialog, SendTest)
    dialog.close()
    (endpoint,) = page.host.submission_endpoints()
    assert endpoint.tls is TlsMode.STARTTLS
    assert Path(endpoint.ca_file).exists()


async def test_stop_keeps_what_was_caught_and_start_listens_at_the_same_port(
    window: MainWindow,
) -> None:
    page = await caught_page(window)
    await send(page.host)
    await until(lambda: len(page.store) == 1)
    port = page.host.setup.port
    assert page.state.toggle.text() == "Stop"
    click(page.state.toggle)
    await until(lambda: view_of(window).context.status.state is SessionState.OFFLINE)
    assert page.state.pill.text() == "Stopped"
    assert page.isEnabled()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 2).close()
    click(page.state.toggle)
    await until(lambda: view_of(window).context.status.state is SessionState.CONNECTED)
    assert page.host.address == ("127.0.0.1", port)
    await send(page.host)
    await until(lambda: len(page.store) == 2)


async def test_removing_it_closes_the_port_and_the_command_shows_the_one_there_is(
    window: MainWindow,
) -> None:
    page = await caught_page(window)
    uuid, address = view_of(window).context.profile.uuid, page.host.address
    assert address is not None
    window.run("catch_server")
    await asyncio.sleep(0.1)
    assert len(window.workspace.known) == 1
    window.servers.remove(uuid)
    dialog = await modal()
    assert isinstance(dialog, RemoveServer)
    click(dialog.go)
    await until(lambda: not window.workspace.known)
    await until(lambda: page.host.address is None)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address, 2).close()


# Rules.


async def edit(page: CatchRulesPage, row: int, name: str, text: str) -> None:
    """Type into a cell as a person does: F2, the text, Enter."""
    page.table.setCurrentCell(row, NAMES.index(name))
    page.table.setFocus()
    QTest.keyClick(page.table, Qt.Key.Key_F2)
    editors = page.table.viewport().findChildren
    await until(lambda: any(e.isVisible() for e in editors(QLineEdit)))
    (editor,) = [e for e in editors(QLineEdit) if e.isVisible()]
    editor.selectAll()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    await until(lambda: getattr(page.table.cells()[row], name) == text)


async def test_a_rule_is_typed_and_acts_on_the_next_mail(window: MainWindow) -> None:
    page = await rules_page(window)
    assert page.empty.isVisible()
    page.presets.actions()[-1].trigger()
    await edit(page, 0, "recipient", "full@*")
    await edit(page, 0, "reply", "452 4.2.2 it is full")
    await until(lambda: page.host.setup.rules and page.host.setup.rules[0].reply[-4:] == "full")
    await until(lambda: not page.scope.running)
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="it is full"):
        await send(page.host, "full@y.example")
    await send(page.host, "anna@y.example")
    acted = NAMES.index("acted")
    await until(lambda: page.table._cell(0, acted).text() == "1")


async def test_the_button_opens_the_presets(window: MainWindow) -> None:
    page = await rules_page(window)
    click(page.add)
    await until(page.presets.isVisible)
    assert page.presets.actions()[0].text() == "Mailbox full"
    page.presets.actions()[0].trigger()
    page.presets.close()
    await until(lambda: len(page.host.setup.rules) == 1)
    assert page.host.setup.rules[0].name == "Mailbox full"


async def test_counting_does_not_disturb_who_types(window: MainWindow) -> None:
    page = await rules_page(window)
    page.add_preset("Slow", "rcpt delay=1ms")
    await until(lambda: page.host.setup.rules and not page.scope.running)
    page.table.setCurrentCell(0, NAMES.index("reply"))
    QTest.keyClick(page.table, Qt.Key.Key_F2)
    editors = page.table.viewport().findChildren
    await until(lambda: any(e.isVisible() for e in editors(QLineEdit)))
    (editor,) = [e for e in editors(QLineEdit) if e.isVisible()]
    QTest.keyClicks(editor, "450 half a re")
    await send(page.host)
    await until(lambda: page.table._cell(0, NAMES.index("acted")).text() == "1")
    assert editor.text() == "450 half a re"
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    await until(lambda: not editor.isVisible())
    assert page.table.cells()[0].reply == ""


async def test_a_wrong_cell_is_said_and_the_other_rules_stay_in_force(window: MainWindow) -> None:
    page = await rules_page(window)
    page.add_preset("Mailbox full", "rcpt recipient=full@*")
    page.add_preset("Slow", "connect delay=20s")
    await edit(page, 1, "delay", "soon")
    await until(page.banner.isVisible)
    assert "Row 2: delay is a time" in page.banner.accessibleName()
    await until(lambda: len(page.host.setup.rules) == 1)
    await edit(page, 1, "delay", "10ms")
    await until(lambda: len(page.host.setup.rules) == 2)
    assert not page.banner.isVisible()


async def test_points_are_chosen_rows_are_dropped_moved_and_removed(window: MainWindow) -> None:
    page = await rules_page(window)
    page.add_preset("first", "rcpt")
    page.add_preset("second", "quit")
    page.table.setCurrentCell(1, 0)
    page.table.setFocus()
    QTest.keyClick(page.table, Qt.Key.Key_F2)
    await until(lambda: page.table.viewport().findChild(QComboBox) is not None)
    box = page.table.viewport().findChild(QComboBox)
    assert box is not None
    box.setCurrentText("dot")
    page.table.setFocus()
    await until(lambda: page.table.cells()[1].at == "dot")
    page.table.setCurrentCell(1, DROP)
    QTest.keyClick(page.table, Qt.Key.Key_Space)
    await until(lambda: len(page.host.setup.rules) == 2 and page.host.setup.rules[1].drop)
    click(page.up)
    await until(lambda: [r.name for r in page.host.setup.rules] == ["second", "first"])
    assert not page.up.isEnabled()
    click(page.remove)
    await until(lambda: [r.name for r in page.host.setup.rules] == ["first"])


async def test_rules_are_saved_loaded_and_there_in_the_next_window(
    window: MainWindow, tmp_path: Path
) -> None:
    page = await rules_page(window)
    page.add_preset("Tarpit", "mail tarpit=1s")
    await until(lambda: len(page.host.setup.rules) == 1 and not page.scope.running)
    path = tmp_path / "rules.json"
    await page.save_file(path)
    assert json.loads(path.read_text("utf-8"))[0]["tarpit_s"] == 1.0
    page.table.setCurrentCell(0, 0)
    click(page.remove)
    await until(lambda: not page.host.setup.rules)
    assert page.empty.isVisible()
    path.write_text("[1]", "utf-8")
    page.scope.spawn("load", page.load_file(path))
    await until(page.problem.isVisible)
    path.write_text('[{"at": "dot", "reply": "554 spam"}]', "utf-8")
    await page.load_file(path)
    await until(lambda: len(page.host.setup.rules) == 1 and not page.scope.running)
    uuid = view_of(window).context.profile.uuid
    await window.forget_view(uuid)
    await window.workspace.demo_profiles.remove(uuid, ())
    await window.workspace.reload()
    again = await rules_page(window)
    assert [rule.reply for rule in again.host.setup.rules] == ["554 spam"]


# Settings.


async def test_an_outside_address_needs_a_tick_and_is_warned_of(window: MainWindow) -> None:
    page = await settings_page(window)
    assert not page.apply.isEnabled()
    page.host.selectAll()
    QTest.keyClicks(page.host, "0.0.0.0")
    assert page.warning.isVisible()
    assert not page.apply.isEnabled()
    click(page.consent)
    click(page.apply)
    await until(lambda: page.server.address is not None and page.server.address[0] == "0.0.0.0")
    await until(page.state.banner.isVisible)
    assert "127.0.0.1" in dict(page.rows())["Host"]
    assert window.workspace.preferences.get("catch", {})["host"] == "127.0.0.1"
    page.host.selectAll()
    QTest.keyClicks(page.host, "127.0.0.1")
    assert not page.consent.isVisible()
    click(page.apply)
    await until(lambda: page.server.address is not None and page.server.address[0] == "127.0.0.1")
    assert not page.state.banner.isVisible()


async def test_a_taken_port_is_a_sentence_and_it_starts_when_the_port_is_free(
    window: MainWindow,
) -> None:
    page = await settings_page(window)
    with socket.create_server(("127.0.0.1", 0)) as other:
        page.port.setValue(other.getsockname()[1])
        click(page.apply)
        await until(page.state.banner.isVisible)
        assert "Address already in use" in page.state.banner.accessibleName()
        assert page.server.address is None
        assert page.isEnabled()
        assert page.apply.text() == "Apply and start"
    click(page.state.banner._button)
    await until(lambda: page.server.address is not None)
    await until(lambda: not page.state.banner.isVisible())


async def test_the_card_says_what_to_type_and_copies_it(window: MainWindow) -> None:
    page = await settings_page(window)
    page.tls.setCurrentIndex(page.tls.findData(TlsMode.NONE))
    click(page.apply)
    await until(lambda: dict(page.rows()).get("TLS") == "none")
    click(page.copy)
    text = QGuiApplication.clipboard().text()
    assert f"Port: {page.server.setup.port}\n" in text
    assert "Password: test" in text
    click(page.state.toggle)
    await until(lambda: page.server.address is None)
    assert not page.copy.isEnabled()


async def test_it_fits_a_small_window_and_every_control_has_a_name(window: MainWindow) -> None:
    page = await caught_page(window)
    await send(page.host)
    window.resize(1024, 640)
    for name in ("caught", "rules", "settings"):
        view_of(window).show_page(name)
        shown = view_of(window).current_page()
        assert shown is not None
        await asyncio.sleep(0.05)
        assert window.width() <= 1024
        assert window.height() <= 640
        for button in shown.findChildren(QPushButton):
            if button.isVisible():
                assert button.accessibleName() or button.text()
                corner = button.mapTo(window, QPoint(button.width(), 0))
                assert corner.x() <= window.width()
    assert page.table.isColumnHidden(page.table.rows.column_number("tls"))


async def test_colours_follow_the_palette(window: MainWindow) -> None:
    page = await caught_page(window)
    await send(page.host)
    await until(lambda: page.detail.checks.rowCount() > 0)
    item = page.detail.checks.item(0, 0)
    assert item is not None
    before = item.foreground().color()
    current_theme().apply(Scheme.DARK)
    try:
        assert item.foreground().color() != before
    finally:
        current_theme().apply(Scheme.LIGHT)
