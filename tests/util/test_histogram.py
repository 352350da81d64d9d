"""Percentiles within one percent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.util.histogram import LEAST_S, PRECISION, Histogram


@given(
    st.lists(st.floats(LEAST_S, 10_000), min_size=1, max_size=200),
    st.sampled_from([50.0, 95.0, 99.0, 100.0]),
)
def test_a_percentile_is_at_most_one_percent_too_high(values: list[float], percent: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    rank = max(1, -(-len(values) * percent // 100))
    exact = sorted(values)[int(rank) - 1]
    assert exact * 0.999 <= histogram.percentile(percent) <= exact * (1 + PRECISION) * 1.001
    assert histogram.longest == max(values)
    assert histogram.mean == pytest.approx(sum(values) / len(values))


def test_nothing_yet_and_less_than_nothing() -> None:
    histogram = Histogram()
    assert (histogram.percentile(99), histogram.mean, histogram.longest) == (0.0, 0.0, 0.0)
    histogram.record(0.0)
    histogram.record(-1.0)
    assert histogram.percentile(99) == 0.0


def test_memory_does_not_grow_with_the_count() -> None:
    histogram = Histogram()
    for number in range(100_000):
        histogram.record(number / 1_000)
    assert len(histogram._buckets) < 2_500
