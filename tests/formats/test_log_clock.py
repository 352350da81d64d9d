"""Stamps become moments: year counted, December turned to January, the doubled hour told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.log_clock import MONTHS, LogClock

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = [name.decode() for name in MONTHS]


def traditional(moment: datetime) -> bytes:
    return f"{NAMES[moment.month - 1]} {moment.day:2} {moment:%H:%M:%S}".encode()


@pytest.mark.parametrize("stamp", [b"Jan  1 00:00:02", b"Jan 01 00:00:02", b"Jan 1 00:00:02"])
def test_a_day_may_be_padded_with_a_blank_a_zero_or_nothing(stamp: bytes) -> None:
    assert LogClock(year=2026).moment(stamp) == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (b"2026-03-29T03:00:01.5+02:00", "2026-03-29T03:00:01.500000+02:00"),
        (b"2026-03-29T01:00:02Z", "2026-03-29T01:00:02+00:00"),
        (b"2026-03-02 09:44:33.123 +0100", "2026-03-02T09:44:33.123000+01:00"),
        (b"2026-03-02 09:44:33,123", "2026-03-02T09:44:33.123000+01:00"),
        (b"2026-03-02T09:44:33-0330", "2026-03-02T09:44:33-03:30"),
        (b"1700000000.123456", "2023-11-14T22:13:20.123456+00:00"),
        (b"2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),
    ],
)
def test_stamps_with_a_year(stamp: bytes, expected: str) -> None:
    found = LogClock(BERLIN).moment(stamp)
    assert found is not None
    assert found.isoformat() == expected


@pytest.mark.parametrize(
    "stamp", [b"", b"-", b"Foo  1 00:00:02", b"Feb 30 00:00:00", b"2026-13-01T00:00:00Z", b"1e999"]
)
def test_what_is_no_time(stamp: bytes) -> None:
    assert LogClock(year=2026).moment(stamp) is None


def test_a_stamp_without_a_year_is_no_time_without_a_hint() -> None:
    assert LogClock().moment(b"Jan  1 00:00:02") is None


def test_the_year_is_counted_back_from_the_anchor() -> None:
    clock = LogClock(anchor=datetime(2026, 1, 2, 12, tzinfo=UTC))
    moments = [
        clock.moment(s) for s in (b"Dec 31 23:59:59", b"Jan  1 00:00:02", b"Jan  3 00:00:00")
    ]
    assert [m and m.year for m in moments] == [2025, 2026, 2026]
    assert LogClock(anchor=datetime(2026, 5, 1, tzinfo=UTC)).moment(b"Feb 29 01:00:00") == datetime(
        2024, 2, 29, 1, tzinfo=UTC
    )


def test_a_given_year_turns_with_the_months_and_back_in_disorder() -> None:
    clock = LogClock(year=2024)
    stamps = (
        b"Nov 30 1",
        b"Dec 31 2",
        b"Jan  1 0",
        b"Dec 31 2",
        b"Jan  1 0",
        b"Jul  1 0",
        b"Jan  1 0",
    )
    years = [m.year for s in stamps if (m := clock.moment(s + b"3:00:00"))]
    assert years == [2024, 2024, 2025, 2024, 2025, 2025, 2026]


def test_the_hour_that_comes_twice() -> None:
    clock = LogClock(BERLIN, year=2026)
    stamps = (b"01:59:59", b"02:59:59", b"02:59:58", b"02:00:01", b"02:30:00", b"03:00:00")
    moments = [clock.moment(b"Oct 25 " + stamp) for stamp in stamps]
    hours = [m.astimezone(UTC).strftime("%H:%M:%S") for m in moments if m]
    assert hours == ["23:59:59", "00:59:59", "00:59:58", "01:00:01", "01:30:00", "02:00:00"]
    assert moments[3] > moments[1]


def test_a_log_that_is_followed_is_of_the_year_it_has_become() -> None:
    clock = LogClock(anchor=datetime(2026, 11, 25, tzinfo=UTC))
    clock.move_to(datetime(2027, 2, 1, tzinfo=UTC))
    assert clock.moment(b"Feb  1 00:00:02") == datetime(2027, 2, 1, 0, 0, 2, tzinfo=UTC)
    assert clock.moment(b"Dec 31 23:59:59") == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    counting = LogClock(year=2020)
    counting.move_to(datetime(2027, 2, 1, tzinfo=UTC))
    assert counting.moment(b"Feb  1 00:00:02") == datetime(2020, 2, 1, 0, 0, 2, tzinfo=UTC)


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=100)), max_size=12))
def test_moments_of_a_log_in_order_are_found_again(gaps: list[timedelta]) -> None:
    moment, clock = datetime(2023, 11, 5, 12, tzinfo=UTC), LogClock(year=2023)
    for gap in (timedelta(0), *gaps):
        moment = (moment + gap).replace(microsecond=0)
        assert clock.moment(traditional(moment)) == moment


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=27)), max_size=12))
def test_moments_before_the_anchor_are_found_again(gaps: list[timedelta]) -> None:
    anchor = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    clock, moment = LogClock(anchor=anchor), anchor
    for gap in gaps:
        moment = (moment - gap).replace(microsecond=0)
        assert clock.moment(traditional(moment)) == moment


@given(st.binary(max_size=40))
def test_any_octets(stamp: bytes) -> None:
    found = LogClock(BERLIN, year=2026).moment(stamp)
    assert found is None or found.tzinfo is not None
