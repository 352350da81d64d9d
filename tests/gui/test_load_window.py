"""The load test dialog, by clicks, against a catch server on real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from smtpadmin.gui.dialogs.load_test import LoadTestDialog
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from tests.support.catch import catching
from tests.support.window import opened_window, until

pytestmark = pytest.mark.gui
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
async def window() -> AsyncIterator[MainWindow]:
    async with opened_window() as opened:
        yield opened


async def dialog_of(window: MainWindow) -> LoadTestDialog:
    window.run("load_test")
    await until(lambda: isinstance(QApplication.activeModalWidget(), LoadTestDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, LoadTestDialog)
    return dialog


async def close(dialog: LoadTestDialog) -> None:
    dialog.reject()
    await until(lambda: QApplication.activeModalWidget() is None)


def click(button: QPushButton) -> None:
    assert button.isEnabled()
    QTest.mouseClick(button, LEFT)


def profile(port: int, name: str = "mx1", host: str = "127.0.0.1") -> Profile:
    return Profile(
        "load-" + name, name, "smtp", host, port, tls=TlsMode.NONE,
        environment=Environment.TEST, safety=SafetyLevel.FREE,
    )  # fmt: skip


async def add(window: MainWindow, *profiles: Profile) -> None:
    for one in profiles:
        await window.workspace.demo_profiles.add(one, {})
    await window.workspace.reload()


def choose(dialog: LoadTestDialog, name: str) -> None:
    dialog.picker.server.setCurrentText(name)
    assert dialog.picker.server.currentText() == name


async def test_a_host_is_loaded_and_the_result_copied_and_saved(
    window: MainWindow, tmp_path: Path
) -> None:
    async with catching(tls=TlsMode.NONE) as server:
        assert server.address is not None
        dialog = await dialog_of(window)
        QTest.keyClicks(dialog.picker.host, f"127.0.0.1:{server.address[1]}")
        dialog.picker.tls.setCurrentText("none")
        dialog.messages.setValue(60)
        dialog.connections.setValue(4)
        click(dialog.start)
        await until(dialog.copy.isEnabled)
        assert len(server.store) == 60
        assert dialog.figures.values["accepted"].text() == "60"
        assert dialog.figures.values["p99"].text() != "0.0"
        assert dialog.plot.values
        assert dialog.banner.accessibleName().startswith("60 of 60 accepted")
        assert dialog.errors.none.isVisible()
        click(dialog.copy)
        assert "60 accepted" in QGuiApplication.clipboard().text()
        await dialog.save_result(tmp_path / "load.json")
        assert json.loads((tmp_path / "load.json").read_text("utf-8"))["accepted"] == 60
        await close(dialog)


async def test_stop_ends_a_run_at_once_and_it_can_be_started_again(window: MainWindow) -> None:
    async with catching(tls=TlsMode.NONE) as server:
        assert server.address is not None
        await add(window, profile(server.address[1]))
        dialog = await dialog_of(window)
        choose(dialog, "mx1")
        dialog.rate.setValue(40)
        click(dialog.start)
        await until(lambda: len(dialog.plot.values) >= 2)
        assert not dialog.start.isEnabled()
        began = asyncio.get_running_loop().time()
        click(dialog.stop)
        await until(dialog.start.isEnabled)
        assert asyncio.get_running_loop().time() - began < 2.0
        await until(lambda: server.clients == 0)
        taken = len(server.store)
        assert 0 < taken < 1_000
        dialog.messages.setValue(5)
        dialog.rate.setValue(0)
        click(dialog.start)
        await until(lambda: dialog.banner.accessibleName().startswith("5 of 5 accepted"))
        await close(dialog)


async def test_errors_are_counted_in_groups_and_explained_by_a_click(window: MainWindow) -> None:
    async with catching('mail reply="451 4.7.1 Try again later"', tls=TlsMode.NONE) as server:
        assert server.address is not None
        await add(window, profile(server.address[1]))
        dialog = await dialog_of(window)
        choose(dialog, "mx1")
        dialog.messages.setValue(20)
        click(dialog.start)
        await until(dialog.copy.isEnabled)
        table = dialog.errors.table
        assert table.rowCount() == 1
        assert [table.item(0, n).text() for n in range(3)] == [  # type: ignore[union-attr]
            "20", "mail", "451 4.7.1 Try again later"
        ]  # fmt: skip
        assert not dialog.errors.banner.isVisible()
        rect = table.visualItemRect(table.item(0, 2))  # type: ignore[arg-type]
        QTest.mouseClick(table.viewport(), LEFT, pos=rect.center())
        await until(dialog.errors.banner.isVisible)
        assert dialog.errors.banner.accessibleName()
        await close(dialog)


async def test_production_and_read_only_say_why_and_what_to_do(window: MainWindow) -> None:
    free = profile(9)
    await add(
        window,
        replace(free, uuid="p", name="prod", environment=Environment.PRODUCTION),
        replace(free, uuid="r", name="locked", safety=SafetyLevel.READ_ONLY),
        free,
    )
    dialog = await dialog_of(window)
    choose(dialog, "prod")
    assert "production" in dialog.banner.accessibleName()
    assert "Test a copy" in dialog.banner._text.text()
    assert not dialog.start.isEnabled()
    choose(dialog, "locked")
    assert "read-only" in dialog.banner.accessibleName()
    assert not dialog.start.isEnabled()
    choose(dialog, "mx1")
    assert dialog.start.isEnabled()
    await close(dialog)


async def test_another_host_needs_the_owners_word_which_another_choice_takes_back(
    window: MainWindow,
) -> None:
    dialog = await dialog_of(window)
    QTest.keyClicks(dialog.picker.host, "192.0.2.1:25")
    dialog.picker.tls.setCurrentText("none")
    click(dialog.start)
    await until(lambda: "owner's word" in dialog.banner.accessibleName())
    assert "tick" in dialog.banner._text.text()
    assert "--" not in dialog.banner._text.text()
    await until(dialog.start.isEnabled)
    assert dialog.owned.hasFocus()
    QTest.keyClick(dialog.owned, Qt.Key.Key_Space)
    assert dialog.owned.isChecked()
    QTest.keyClicks(dialog.picker.host, "5")
    assert not dialog.owned.isChecked()
    await close(dialog)


async def test_what_cannot_be_is_said(window: MainWindow) -> None:
    dialog = await dialog_of(window)
    click(dialog.start)
    await until(lambda: "ame a server" in dialog.banner.accessibleName())
    QTest.keyClicks(dialog.picker.host, "127.0.0.1:9")
    dialog.recipient.setText("not an address>")
    click(dialog.start)
    await until(lambda: "not one for a load test" in dialog.banner.accessibleName())
    await close(dialog)


async def test_closing_ends_the_run(window: MainWindow) -> None:
    async with catching(tls=TlsMode.NONE) as server:
        assert server.address is not None
        await add(window, profile(server.address[1]))
        dialog = await dialog_of(window)
        choose(dialog, "mx1")
        dialog.rate.setValue(20)
        click(dialog.start)
        await until(lambda: len(server.store) > 2)
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await until(lambda: QApplication.activeModalWidget() is None)
        await until(lambda: server.clients == 0)


async def test_the_catch_server_that_is_shown_is_the_target(window: MainWindow) -> None:
    window.run("catch_server")
    await until(lambda: window.current_view() is not None)
    window.resize(1024, 640)
    dialog = await dialog_of(window)
    assert dialog.picker.profile is not None
    assert dialog.picker.profile.name == "Catch server"
    assert dialog.width() <= 1024
    assert dialog.height() <= 640
    corner = dialog.start.mapTo(dialog, QPoint(0, dialog.start.height()))
    assert corner.y() <= dialog.height()
    dialog.messages.setValue(10)
    click(dialog.start)
    await until(lambda: dialog.banner.accessibleName().startswith("10 of 10 accepted"))
    await close(dialog)
