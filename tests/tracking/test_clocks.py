"""Times of lines read in any order, and the place of a time."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smtpadmin.tracking import clocks as module
from smtpadmin.tracking.clocks import Clocks, earlier
from smtpadmin.tracking.files import LogTimes
from smtpadmin.tracking.log_text import SHIFT, open_text
from smtpadmin.tracking.postfix_lines import DIALECT


def made(path: Path, count: int, start: datetime) -> None:
    lines = (
        f"{start + timedelta(seconds=n):%b %e %H:%M:%S} mx1 postfix/anvil[1]: line {n}"
        for n in range(count)
    )
    path.write_text("\n".join(lines) + "\n")
    last = (start + timedelta(seconds=count)).timestamp()
    os.utime(path, (last, last))


def test_the_place_of_a_time_is_near_it_and_never_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEAR_ENOUGH", 2000)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    made(tmp_path / "1", 5000, start)
    made(tmp_path / "2", 5000, start + timedelta(seconds=5000))
    text = open_text([tmp_path / "1", tmp_path / "2"])
    clocks = Clocks(text, DIALECT, LogTimes())
    for second in (0, 1, 777, 4999, 5000, 5001, 9999):
        wanted = start + timedelta(seconds=second)
        place = clocks.place_of(wanted)
        found = clocks.parse(*text.line_at(place)).time
        assert found is not None
        assert timedelta(0) <= wanted - found < timedelta(seconds=200)
    assert clocks.place_of(start + timedelta(days=9)) == 2 << SHIFT
    assert clocks.place_of(start - timedelta(days=9)) == 0
    text.close()


def test_a_year_that_is_given_is_that_of_the_first_line(tmp_path: Path) -> None:
    made(tmp_path / "1", 10, datetime(2020, 12, 31, 23, 59, 55, tzinfo=UTC))
    text = open_text([tmp_path / "1"])
    clocks = Clocks(text, DIALECT, LogTimes(year=2031))
    last = clocks.parse(*text.line_at(text.files[0].size() - 5)).time
    first = clocks.parse(*text.line_at(0)).time
    assert first
    assert last
    assert (first.year, last.year) == (2031, 2032)
    text.close()


def test_long_before_the_first_moment_is_the_first_moment() -> None:
    assert earlier(datetime.min.replace(tzinfo=UTC), timedelta(days=1)).year == 1
