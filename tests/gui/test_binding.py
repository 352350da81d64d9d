"""Faults of Qt for Python that would kill the program, and the loop under load."""

from __future__ import annotations

import asyncio
import sys

import pytest
from PySide6.QtWidgets import QApplication, QPushButton


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from 3.12 on")
def test_void_calls_do_not_eat_references_of_none(qapp: QApplication) -> None:
    """PySide6 6.12 does on Python 3.11, until the interpreter aborts; the pin keeps it away."""
    button = QPushButton()
    before = sys.getrefcount(None)
    for _ in range(20_000):
        button.setEnabled(True)
    assert before - sys.getrefcount(None) < 100


@pytest.mark.gui
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from 3.12 on")
async def test_the_loop_survives_many_steps_without_losing_references() -> None:
    before = sys.getrefcount(None)
    for _ in range(50_000):
        await asyncio.sleep(0)
    assert before - sys.getrefcount(None) < 500


@pytest.mark.gui
async def test_awaiting_a_dialog_lets_other_tasks_go_on() -> None:
    from PySide6.QtWidgets import QDialog

    from smtpadmin.gui.ask import ask
    from smtpadmin.util.tasks import TaskOwner

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    owner = TaskOwner("test")
    owner.spawn("tick", tick())
    dialog = QDialog()
    asyncio.get_running_loop().call_later(0.15, dialog.accept)
    assert await ask(dialog) == QDialog.DialogCode.Accepted
    await owner.close()
    assert ticks >= 5
