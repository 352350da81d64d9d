"""Moments and ages as the command line takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.times import parse_clock, parse_time
from smtpadmin.model.errors import UsageError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-02-28T10:00:00+02:00", datetime(2026, 2, 28, 8, tzinfo=UTC)),
        ("2026-02-28T10:00:00Z", datetime(2026, 2, 28, 10, tzinfo=UTC)),
    ],
)
def test_examples(text: str, moment: datetime) -> None:
    assert parse_time(text, NOW) == moment


def test_without_an_offset_the_zone_counts() -> None:
    zone = timezone(timedelta(hours=5))
    assert parse_time("2026-02-28 10:00", NOW, zone) == datetime(2026, 2, 28, 5, tzinfo=UTC)


@given(st.text(max_size=30))
def test_anything_is_a_moment_or_a_usage_error(text: str) -> None:
    try:
        assert parse_time(text, NOW).tzinfo is not None
    except UsageError:
        return


@given(st.datetimes(timezones=st.just(UTC)))
def test_written_moments_are_read(moment: datetime) -> None:
    assert parse_time(moment.isoformat(), NOW) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("11:30", datetime(2026, 3, 1, 11, 30, tzinfo=UTC)),
        ("12:00:00", NOW),
        ("12:01", datetime(2026, 2, 28, 12, 1, tzinfo=UTC)),
        ("2026-02-01 09:15", datetime(2026, 2, 1, 9, 15, tzinfo=UTC)),
        ("20m", NOW - timedelta(minutes=20)),
    ],
)
def test_a_clock_time_is_the_last_one_that_passed(text: str, moment: datetime) -> None:
    assert parse_clock(text, NOW) == moment


@given(st.text(max_size=20))
def test_any_clock_is_a_moment_or_a_usage_error(text: str) -> None:
    try:
        assert parse_clock(text, NOW).tzinfo is not None
    except UsageError:
        return
