"""Zones by name, by offset, and the computer's own with its rules."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.util.zones import LOCAL, zone_named


@pytest.mark.parametrize(
    ("name", "minutes"), [("UTC", 0), ("Z", 0), ("+01:00", 60), ("-0330", -210), ("UTC+2", 120)]
)
def test_offsets(name: str, minutes: int) -> None:
    assert zone_named(name).utcoffset(None) == timedelta(minutes=minutes)


def test_names() -> None:
    assert zone_named("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert zone_named("local") is LOCAL


@pytest.mark.parametrize(
    "name", ["", "Nowhere/At_All", "+99:00", "../../etc/passwd", "/etc/localtime", "\0"]
)
def test_no_zone(name: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        zone_named(name)


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()


def test_the_own_zone_has_its_rules(in_berlin: None, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(time.tzset)
    berlin = ZoneInfo("Europe/Berlin")
    for month in (1, 7):
        assert (
            datetime(2026, month, 1, tzinfo=LOCAL).utcoffset()
            == datetime(2026, month, 1, tzinfo=berlin).utcoffset()
        )
    folded = datetime(2026, 10, 25, 2, 30, tzinfo=LOCAL)
    assert folded.utcoffset() == timedelta(hours=2)
    assert folded.replace(fold=1).utcoffset() == timedelta(hours=1)
    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(LOCAL).hour == 2
    assert (LOCAL.utcoffset(None), LOCAL.tzname(None), LOCAL.dst(None)) == (
        timedelta(0),
        "local",
        None,
    )


@given(st.text(max_size=20))
def test_any_name_is_a_zone_or_a_sentence(name: str) -> None:
    try:
        assert zone_named(name).utcoffset(datetime(2026, 1, 1)) is not None
    except UsageError:
        return
