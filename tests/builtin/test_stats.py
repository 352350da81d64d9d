"""Counts and their series."""

from __future__ import annotations

from datetime import UTC, datetime

from smtpadmin.builtin.stats import KEPT, NAMES, Statistics


def test_counts_by_the_minute_with_quiet_minutes_between() -> None:
    now = 6000.0
    statistics = Statistics(clock=lambda: now)
    statistics.count("accepted")
    statistics.count("accepted", 2)
    now += 120
    statistics.count("delivered")
    found = statistics.snapshot()
    assert found.since == datetime.fromtimestamp(6000, UTC)
    assert found.totals == dict.fromkeys(NAMES, 0) | {"accepted": 3, "delivered": 1}
    assert found.series["accepted"].values == (3.0, 0.0, 0.0)
    assert found.series["delivered"].values == (0.0, 0.0, 1.0)
    assert found.series["accepted"].start == datetime.fromtimestamp(6000, UTC)
    assert found.last_delivered == datetime.fromtimestamp(6120, UTC)


def test_a_day_is_kept_and_totals_for_ever() -> None:
    now = 0.0
    statistics = Statistics(clock=lambda: now)
    for _ in range(KEPT + 10):
        statistics.count("bounced")
        now += 60
    found = statistics.snapshot()
    assert found.totals["bounced"] == KEPT + 10
    assert len(found.series["bounced"].values) == KEPT
    assert found.last_delivered is None


def test_a_clock_that_goes_back_breaks_nothing() -> None:
    now = 6000.0
    statistics = Statistics(clock=lambda: now)
    statistics.count("accepted")
    now = 100.0
    statistics.count("accepted")
    assert statistics.snapshot().totals["accepted"] == 2
