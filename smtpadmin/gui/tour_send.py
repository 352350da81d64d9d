"""The send-test dialog's part of the tour: real sessions with the demo's server and its outside world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.server_view import ServerView
from smtpadmin.gui.theme.theme import Scheme, current_theme

if TYPE_CHECKING:
    from smtpadmin.gui.dialogs.send_test import SendTest

Save = Callable[[str, str, QWidget], None]


async def send_test_pictures(save: Save, window: MainWindow, view: ServerView) -> None:
    """Compose, send, be refused, follow, repeat; in the end dark and at 1024 x 640."""
    from smtpadmin.gui.dialogs.send_test import SendTest
    from smtpadmin.gui.tour import until

    dialog = SendTest(window.workspace, view.context, window)
    dialog.open()
    letter = dialog.compose.letter
    letter.from_.setText("admin@acme.example")
    letter.to.setText("anna@acme.example")
    dialog.compose.use_preset("html")
    await asyncio.sleep(0.2)
    save("send-test", "Send a test: compose", dialog)
    dialog.compose.more.setChecked(True)
    await asyncio.sleep(0.1)
    save("send-test-advanced", "Send a test: every option of the protocol", dialog)
    dialog.compose.more.setChecked(False)
    await _send(dialog)
    save("send-test-accepted", "Send a test: accepted, with the whole dialogue", dialog)
    dialog.session.open_search()
    dialog.session.search.setText("250")
    await asyncio.sleep(0.1)
    save("send-test-search", "Send a test: searched", dialog)
    dialog.session.leave_search()
    dialog.tabs.setCurrentWidget(dialog.server)
    await asyncio.sleep(0.1)
    save("send-test-server", "Send a test: who answered, stages, certificates", dialog)
    letter.from_.setText("nobody")
    await _send(dialog)
    save("send-test-wrong", "Send a test: an address that is none", dialog)
    letter.from_.setText("admin@acme.example")
    await _repeat(save, dialog)
    await _small_dialogs(save, dialog)
    letter.to.setText("anna@acme.example, gone@partner.example")
    dialog.compose.follow.setChecked(True)
    dialog.following.seconds.choose(30.0)
    await _send(dialog)
    await until(lambda: dialog.following.report is not None, timeout=10.0)
    await asyncio.sleep(0.2)
    save("send-test-followed", "Send a test: followed to its end", dialog)
    current_theme().apply(Scheme.DARK)
    window.resize(1024, 640)
    dialog.resize(1024, 640)
    await asyncio.sleep(0.2)
    save("send-test-followed-dark", "Send a test: followed, dark, 1024 x 640", dialog)
    dialog.tabs.setCurrentWidget(dialog.session)
    await asyncio.sleep(0.1)
    save("send-test-small-dark", "Send a test: transcript, dark, 1024 x 640", dialog)
    dialog.tabs.setCurrentWidget(dialog.history)
    await asyncio.sleep(0.1)
    save("send-test-history-dark", "Send a test: sent before", dialog)
    current_theme().apply(Scheme.LIGHT)
    window.resize(1280, 800)
    dialog.close()


async def _small_dialogs(save: Save, dialog: SendTest) -> None:
    """Those that the dialog opens."""
    from smtpadmin.gui.send.mailbox_dialog import MailboxDialog
    from smtpadmin.gui.send.swaks_dialog import SwaksDialog

    mailbox = MailboxDialog(None, "mail.acme.example", dialog)
    swaks = SwaksDialog(dialog)
    swaks.edit.setPlainText("swaks -tls --to anna@acme.example --server mx.acme.example -ap secret")
    for name, words, one in (
        ("send-test-mailbox", "Send a test: the mailbox to look into", mailbox),
        ("send-test-swaks", "Send a test: a swaks command is pasted", swaks),
    ):
        one.open()
        await asyncio.sleep(0.1)
        save(name, words, one)
        one.close()


async def _send(dialog: SendTest) -> None:
    dialog.compose.send.click()
    await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        while dialog.compose.is_sending:  # noqa: ASYNC110 - conditions of widgets have no event
            await asyncio.sleep(0.03)
    await asyncio.sleep(0.1)


async def _repeat(save: Save, dialog: SendTest) -> None:
    from smtpadmin.gui.tour import until

    dialog.tabs.setCurrentWidget(dialog.repeating)
    dialog.repeating.every.setCurrentText("1s")
    dialog.repeating.start.click()
    await until(lambda: dialog.repeating.runs.count() >= 3)
    await asyncio.sleep(0.1)
    save("send-test-repeat", "Send a test: again and again", dialog)
    dialog.repeating.stop.click()
    await asyncio.sleep(0.1)
