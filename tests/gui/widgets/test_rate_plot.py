"""The plot of a rate: its scale, its words, and what it keeps."""

from __future__ import annotations

import pytest

from smtpadmin.gui.widgets.rate_plot import MOST_POINTS, RatePlot, scale_top

pytestmark = pytest.mark.gui


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.3, 0.5), (1, 1), (1.1, 2), (47, 50), (51, 100), (2300, 5000)]
)
async def test_a_scale_ends_at_a_round_number(value: float, top: float) -> None:
    assert scale_top(value) == pytest.approx(top)


async def test_it_says_what_it_shows_and_paints_it() -> None:
    plot = RatePlot("Messages")
    assert plot.accessibleName() == "Messages: no data yet"
    plot.resize(400, 150)
    empty = plot.grab().toImage()
    for second in range(20):
        plot.add(float(second), float(second * second))
    assert plot.accessibleName() == "Messages: now 361, highest 361, after 19 s"
    assert plot.grab().toImage() != empty
    plot.clear()
    assert plot.values == ()
    assert plot.grab().toImage() == empty


async def test_a_long_run_keeps_its_peak_in_bounded_memory() -> None:
    plot = RatePlot("Messages")
    plot._values = [1.0] * MOST_POINTS
    plot._values[17] = 99.0
    plot.add(1.0, 2.0)
    assert len(plot.values) <= MOST_POINTS
    assert max(plot.values) == 99.0
