"""A new user adds a real Postfix over SSH in the window, and works on its queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.queue import QueuePage
from smtpadmin.gui.wizard.wizard import ServerWizard
from smtpadmin.model.profile import Environment, SafetyLevel
from smtpadmin.model.queue import QueueAction
from smtpadmin.services.wizard import Step
from tests.servers.postfix import PostfixLab, running_postfix
from tests.servers.sshd import Account, Sshd, account, sshd_running
from tests.support.window import opened_window, until

pytestmark = [pytest.mark.gui, pytest.mark.live]
SUDO = (
    "USER ALL=(root) NOPASSWD: /usr/sbin/postsuper, /usr/sbin/postcat, /usr/bin/cat, /usr/bin/tail"
)


@pytest.fixture
def lab() -> Iterator[PostfixLab]:
    with running_postfix() as running:
        yield running


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with sshd_running() as running:
        yield running


@pytest.fixture
def user(sshd: Sshd) -> Iterator[Account]:
    with account(sshd, sudoers=SUDO) as made:
        yield made


def press(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)  # type: ignore[call-overload]


async def added(window: MainWindow, lab: PostfixLab, sshd: Sshd, user: Account) -> QueuePage:
    window.run("add_server")
    await until(lambda: isinstance(QApplication.activeModalWidget(), ServerWizard))
    wizard = QApplication.activeModalWidget()
    assert isinstance(wizard, ServerWizard)
    wizard.kind.setCurrentIndex(wizard.kind.findData("postfix"))
    wizard.address.setText(f"{user.name}@{sshd.host}:{sshd.port}")
    press(wizard.next)
    await until(lambda: wizard.engine.state.step is Step.LOGIN)
    assert wizard.form is not None
    wizard.form.editors["key_file"].setText(str(user.key))  # type: ignore[union-attr]
    wizard.form.editors["instance"].setText(str(lab.long.etc))  # type: ignore[union-attr]
    press(wizard.test)
    await until(lambda: "host key is not known" in wizard.banner.accessibleName())
    press(wizard.banner._button)
    await until(lambda: "It works" in wizard.banner.accessibleName())
    assert any("Postfix 3." in check.detail for check in wizard.found.checks)
    press(wizard.next)
    await until(lambda: wizard.engine.state.step is Step.NAME)
    wizard.name.setText("mx1.lab.test")
    wizard.environment.setCurrentText(Environment.TEST.value)
    wizard.safety.setCurrentIndex(wizard.safety.findData(SafetyLevel.FREE))
    press(wizard.next)
    await until(lambda: window.current_view() is not None)
    view = window.current_view()
    assert view is not None
    page = view.page("queue")
    assert isinstance(page, QueuePage)
    return page


async def test_from_nothing_to_a_held_and_deleted_message(
    lab: PostfixLab, sshd: Sshd, user: Account
) -> None:
    ids = [lab.long.send("u@down.test", subject=f"Grüße $(reboot) {n}") for n in range(3)]
    await asyncio.to_thread(lab.long.wait_for, "deferred", *ids)
    async with opened_window() as window:
        page = await added(window, lab, sshd, user)
        await until(lambda: len(page.context.queue) == 3)
        assert {e.queue_id for e in page.context.queue.all_rows()} == set(ids)
        assert "Connection refused" in page.model.row(0).reason
        page.table.selectRow(0)
        chosen = page.model.row(0).queue_id
        await until(lambda: "$(reboot)" in page.detail.message.texts["Headers"].toPlainText())
        page.act(QueueAction.HOLD)
        await until(lambda: chosen in lab.long.ids("hold"))
        await until(lambda: any(e.queue == "hold" for e in page.context.queue.all_rows()))
        page.undo_last()
        await until(lambda: not lab.long.ids("hold"))
        view = window.current_view()
        assert view is not None
        view.show_page("overview")
        await until(lambda: "Queue lifetime" in page.context.session.probed.facts)
