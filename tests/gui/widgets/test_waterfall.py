"""Bars of stages: placed by time, coloured by outcome, told in words."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.waterfall import Waterfall

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("themed")]
TIMES = {"connect": 100.0, "banner": 300.0, "rcpt": 0.0}


def painted(qtbot: QtBot, failed: str = "", mirrored: bool = False) -> list[set[int]]:
    """For each row the columns with a bar of its colour."""
    fall = Waterfall()
    qtbot.addWidget(fall)
    if mirrored:
        fall.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    fall.show_stages(TIMES, failed)
    fall.resize(500, fall.sizeHint().height())
    image = fall.grab().toImage()
    height = image.height() // len(TIMES)
    rows = []
    for row, name in enumerate(TIMES):
        colour = current_theme().color("err" if name == failed else "accent").name()
        y = row * height + height // 2
        rows.append({x for x in range(image.width()) if image.pixelColor(x, y).name() == colour})
    return rows


def test_bars_follow_each_other(qtbot: QtBot) -> None:
    connect, banner, rcpt = painted(qtbot)
    assert max(connect) <= min(banner)
    assert 2.5 < len(banner) / len(connect) < 3.5
    assert rcpt
    assert min(rcpt) >= max(banner) - 3


def test_right_to_left_they_run_the_other_way(qtbot: QtBot) -> None:
    connect, banner, _ = painted(qtbot, mirrored=True)
    assert min(connect) >= max(banner)


def test_where_it_failed_is_red(qtbot: QtBot) -> None:
    assert all(painted(qtbot, "banner"))


def test_words_for_who_does_not_see(qtbot: QtBot) -> None:
    fall = Waterfall()
    qtbot.addWidget(fall)
    fall.show_stages(TIMES)
    assert fall.accessibleDescription() == "connect 100 ms, banner 300 ms, rcpt 0 ms, 400 ms in all"
    fall.show_stages({})
    assert not fall.isVisibleTo(None)
