"""No peak is lost when a line is drawn with fewer points."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.gui.widgets.histogram import buckets
from smtpadmin.gui.widgets.sparkline import downsample


@given(st.lists(st.floats(0, 1e6), max_size=500), st.integers(1, 100))
def test_peaks_survive(values: list[float], most: int) -> None:
    found = downsample(values, most)
    assert len(found) <= max(most, 1) or len(values) <= most
    if values:
        assert max(found) == max(values)


@given(st.lists(st.floats(0, 1e9), max_size=300), st.integers(1, 60))
def test_every_line_is_in_one_bar(times: list[float], bars: int) -> None:
    counts, bad = buckets(times, times[:3], bars)
    assert sum(counts) == len(times)
    assert sum(bad) == len(times[:3])
