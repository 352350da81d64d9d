"""A real Exim in the window: its queue, a frozen message, its own log, and what it would do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from smtpadmin.gui.dialogs.ask_server import AskServer, session_words
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.queue import QueuePage
from smtpadmin.model.queue import QueueAction
from smtpadmin.model.routing import FakeSession, SessionReply
from tests.servers.exim import Exim, running_exim
from tests.support.window import opened_window, until

pytestmark = [pytest.mark.gui, pytest.mark.live]


@pytest.fixture
def exim() -> Iterator[Exim]:
    with running_exim() as running:
        yield running


async def opened(window: MainWindow, exim: Exim) -> QueuePage:
    profile = exim.profile()
    await window.workspace.demo_profiles.add(profile, {})
    await window.workspace.reload()
    view = await window.open_server(profile.uuid)
    assert view is not None
    page = view.page("queue")
    assert isinstance(page, QueuePage)
    return page


async def test_a_message_is_frozen_thawed_and_its_log_is_shown(exim: Exim) -> None:
    ids = [await asyncio.to_thread(exim.send, f"u{n}@down.test") for n in range(2)]
    async with opened_window() as window:
        page = await opened(window, exim)
        await until(lambda: {e.queue_id for e in page.context.queue.all_rows()} == set(ids))
        assert page.table.isColumnHidden(page.model.column_number("tries"))
        page.table.selectRow(0)
        await until(lambda: page.detail._message_log.toPlainText() != "")
        page.act(QueueAction.HOLD)
        await until(lambda: any(e.frozen for e in page.context.queue.all_rows()))
        assert "frozen" in await asyncio.to_thread(exim.run, "-bp")
        page.undo_last()
        await until(lambda: not any(e.frozen for e in page.context.queue.all_rows()))


async def test_the_server_is_asked_what_it_would_do(exim: Exim) -> None:
    async with opened_window() as window:
        page = await opened(window, exim)
        await until(lambda: page.context.session.probed is not None)
        assert window.actions_by_name["ask_server"].isEnabled()
        window.run("ask_server")
        await until(lambda: isinstance(QApplication.activeModalWidget(), AskServer))
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, AskServer)
        QTest.keyClicks(dialog.address, "u@down.test")
        QTest.keyClick(dialog.address, Qt.Key.Key_Return)
        await until(lambda: "u@down.test: delivers" in dialog.answer.toPlainText())
        dialog.tabs.setCurrentIndex(1)
        dialog.client.setText("192.0.2.7")
        dialog.recipient.setText("nobody@elsewhere.example")
        QTest.keyClick(dialog.recipient, Qt.Key.Key_Return)
        await until(lambda: "RCPT TO" in dialog.answer.toPlainText())
        assert "refuse" in dialog.banner.accessibleName()
        dialog.reject()


def test_a_session_is_told_in_its_order() -> None:
    session = FakeSession((SessionReply("", 220, "hi"), SessionReply("QUIT", 221, "bye")), ("why",))
    assert session_words(session) == "> (connects)\n< hi\n> QUIT\n< bye\n\nWhy:\nwhy"
