"""Schedules of the window: one for each recipe, told when they change, in the tray only when asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from PySide6.QtWidgets import QSystemTrayIcon

from smtpadmin.gui.send.repeats import Repeats
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.smtp_plan import SendPlan, Target
from smtpadmin.transport.smtp_run import Secrets
from tests.support.catch import catching
from tests.support.window import until

pytestmark = [pytest.mark.gui, pytest.mark.live, pytest.mark.usefixtures("themed")]
EVERY = timedelta(seconds=1)


@pytest.fixture
async def repeats() -> AsyncIterator[Repeats]:
    made = Repeats()
    yield made
    await made.close()


def recipe(port: int) -> Recipe:
    letter = Letter("a@b.example", ("c@d.example",))
    return Recipe(letter, SendPlan(Target("127.0.0.1", port)))


@pytest.mark.qt_log_ignore("systemTrayWindowChanged")  # the offscreen platform has no tray
async def test_the_tray_is_told_when_that_was_asked_for(
    repeats: Repeats, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    noticed: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    monkeypatch.setattr(
        QSystemTrayIcon, "showMessage", lambda self, title, words: told.append(words)
    )
    repeats.noticed.connect(noticed.append)
    for in_tray in (False, True):
        repeats.in_tray = in_tray
        noticed.clear()
        async with catching() as server:
            assert server.address is not None
            await repeats.start(recipe(server.address[1]), Secrets(), EVERY)
            await until(lambda s=server: len(s.store) >= 1)  # type: ignore[misc]
        await until(lambda: noticed)
        assert "c@d.example by 127.0.0.1 is now failed: " in noticed[0]
        assert told == (noticed if in_tray else [])
        await repeats.close()


async def test_one_for_each_recipe(repeats: Repeats) -> None:
    async with catching() as server:
        assert server.address is not None
        mine = recipe(server.address[1])
        first = await repeats.start(mine, Secrets(), EVERY)
        again = await repeats.start(mine, Secrets(), timedelta(hours=1))
        assert first.key == again.key
        assert list(repeats.running.values()) == [again]
        assert not first.repeater.running
        await until(lambda: len(again.repeater.runs) >= 1)
        await repeats.stop(again.key)
        assert not repeats.running
        later = await repeats.start(mine, Secrets(), EVERY)
        assert [run.outcome.result for run in later.repeater.runs][:1] == ["accepted"]


async def test_an_impossible_schedule(repeats: Repeats) -> None:
    with pytest.raises(UsageError):
        await repeats.start(recipe(1), Secrets(), timedelta(0))
    assert not repeats.running
