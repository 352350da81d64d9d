"""A range of time picks records, and those without a time beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.log_range import LogRange
from smtpadmin.model.log import LogRecord

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(minute: int | None) -> LogRecord:
    return LogRecord("x", time=None if minute is None else NOON + timedelta(minutes=minute))


minutes = st.none() | st.integers(-100, 200)


@given(st.lists(minutes, max_size=20), minutes, minutes, st.integers(1, 5))
def test_what_is_picked_is_what_each_line_or_the_one_before_it_says(
    lines: list[int | None], since: int | None, until: int | None, size: int
) -> None:
    chosen = LogRange(record(since).time, record(until).time)
    records = [record(line) for line in lines]
    found = [r for at in range(0, len(records), size) for r in chosen.of(records[at : at + size])]
    wanted, before = [], since is None
    for minute, each in zip(lines, records, strict=True):
        if minute is not None:
            before = (since is None or minute >= since) and (until is None or minute <= until)
        if before:
            wanted.append(each)
    assert [id(r) for r in found] == [id(r) for r in wanted]


@pytest.mark.parametrize(("late", "ended"), [(0, False), (60, False), (61, True)])
def test_a_line_that_is_an_hour_too_late_ends_it(late: int, ended: bool) -> None:
    chosen = LogRange(None, NOON)
    chosen.of([record(late)])
    assert chosen.ended is ended
    assert not LogRange(NOON, None).ended
