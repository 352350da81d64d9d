"""Ages, sizes and delays as people read them."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, tzinfo

import pytest

from smtpadmin.gui import time_format
from smtpadmin.gui.time_format import TimeFormat, age, octets, seconds


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (3, "3s"),
        (41 * 60, "41m"),
        (3900, "1h 5m"),
        (7200, "2h"),
        (2 * 86400 + 4 * 3600, "2d 4h"),
        (-5, "0s"),
    ],
)
def test_age(span: int, words: str) -> None:
    assert age(timedelta(seconds=span)) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, ""),
        (0, "0 B"),
        (999, "999 B"),
        (1400, "1.4 KB"),
        (38_000, "38 KB"),
        (4_100_000, "4.1 MB"),
        (999_700, "1.0 MB"),
    ],
)
def test_octets(size: int | None, words: str) -> None:
    assert octets(size) == words


@pytest.mark.parametrize(
    ("span", "words"), [(None, ""), (0.017, "17 ms"), (2.34, "2.3 s"), (250, "4m")]
)
def test_seconds(span: float | None, words: str) -> None:
    assert seconds(span) == words


class _Clock(datetime):
    """Stands at one instant."""

    instant: datetime

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        here = cls.instant.astimezone(tz)
        return here if tz else here.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("now", "when", "local", "utc"),
    [
        ("2026-03-01T12:00:00", "2026-03-01T11:02:03.9", "12:02:03", "11:02:03"),
        ("2026-03-01T23:30:00", "2026-03-01T12:00:00", "01 Mar 13:00", "12:00:00"),  # past midnight
        ("2026-03-01T23:30:00", "2026-03-01T23:00:00", "00:00:00", "23:00:00"),
        ("2026-03-02T00:30:00", "2026-03-01T23:30:00", "00:30:00", "01 Mar 23:30"),
        ("2026-03-29T12:00:00", "2026-03-29T00:59:59", "01:59:59", "00:59:59"),  # summer time begins
        ("2026-03-29T12:00:00", "2026-03-29T01:00:00", "03:00:00", "01:00:00"),
    ],
)  # fmt: skip
def test_a_time_has_its_date_unless_it_is_today_in_the_zone_shown(
    monkeypatch: pytest.MonkeyPatch, now: str, when: str, local: str, utc: str
) -> None:
    times = TimeFormat()
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        patch.setattr(_Clock, "instant", datetime.fromisoformat(now + "+00:00"), raising=False)
        patch.setattr(time_format, "datetime", _Clock)
        instant = datetime.fromisoformat(when + "+00:00")
        assert times.time(instant) == local
        times.switch()
        assert times.time(instant) == utc
    time.tzset()


def test_a_log_line_has_seconds_on_other_days_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        _Clock, "instant", datetime.fromisoformat("2026-03-02T12:00:00+00:00"), raising=False
    )
    monkeypatch.setattr(time_format, "datetime", _Clock)
    times = TimeFormat()
    times.switch()
    for when, shown in (
        ("2026-03-02T09:08:07", "09:08:07"),
        ("2026-03-02T09:08:07.0125", "09:08:07.012"),
        ("2026-03-01T09:08:07.0125", "01 Mar 09:08:07"),
    ):
        assert times.to_second(datetime.fromisoformat(f"{when}+00:00")) == shown
