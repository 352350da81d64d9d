"""The plot of a repeated test: each outcome in its colour, at its time; the figures in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytestqt.qtbot import QtBot

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.outcome_plot import OutcomePlot
from smtpadmin.model.repeat import Outcome, Run

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("themed")]
START = datetime(2026, 11, 25, 10, tzinfo=UTC)


def run(minute: int, result: str, took: float = 100.0) -> Run:
    when = START + timedelta(minutes=minute)
    return Run(minute, when, when, when, Outcome(result, took_ms=took))


def columns(plot: OutcomePlot, token: str) -> set[int]:
    image = plot.grab().toImage()
    wanted = current_theme().color(token).name()
    return {
        x
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).name() == wanted
    }


def test_outcomes_have_their_colours_at_their_times(qtbot: QtBot) -> None:
    plot = OutcomePlot()
    qtbot.addWidget(plot)
    plot.resize(400, 90)
    plot.show_runs([run(0, "accepted"), run(5, "refused", 50), run(10, "failed", 900)])
    ok, err, warn = (columns(plot, token) for token in ("ok", "err", "warn"))
    assert max(ok) < min(err)
    assert max(err) < min(warn)
    assert "3 runs, 1 accepted, slowest 900 ms; last failed" in plot.accessibleDescription()


def test_none_and_one_and_many(qtbot: QtBot) -> None:
    plot = OutcomePlot()
    qtbot.addWidget(plot)
    plot.resize(400, 90)
    assert plot.words() == "no run yet"
    plot.grab()
    plot.show_runs([run(0, "accepted", 0.0)])
    assert columns(plot, "ok")
    plot.show_runs([run(n, "accepted") for n in range(2_000)])
    assert "500 runs" in plot.words()
