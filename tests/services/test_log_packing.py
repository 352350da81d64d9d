"""A packed record comes out as it went in, whatever its line."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.postfix_log import parse_line
from smtpadmin.model.log import LogRecord
from smtpadmin.services import log_packing
from smtpadmin.services.log_packing import LogPacking, PackedRecord
from tests.support.log_writers import WRITERS, mails, write

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
DELIVERY = (
    b"Mar  1 12:00:00 mx1 postfix/smtp[7]: A1B2C3D4E5F: to=<b@c.example>, relay=mx[192.0.2.9]:25,"
    b" delay=1.2, delays=0.1/0/0.5/0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 9F)"
)


def round_trip(record: LogRecord, packing: LogPacking | None = None) -> LogRecord:
    packing = packing or LogPacking()
    return packing.unpack(packing.pack(record))


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_every_format(name: str) -> None:
    packing = LogPacking()
    for record in write(name, mails(WRITERS[name], 20, 1)).records():
        assert isinstance(packing.pack(record), PackedRecord)
        assert round_trip(record, packing) == record


def test_little_room_is_taken() -> None:
    packing = LogPacking()
    record = parse_line(DELIVERY, clock=LogClock(UTC, year=2026))
    packed = packing.pack(record)
    assert isinstance(packed, PackedRecord)
    assert packed.raw is record.raw
    assert sys.getsizeof(packed) + len(packed.rest) < 120


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7)), ZoneInfo("Europe/Vienna")])
def test_times_keep_their_zone(zone: timezone | ZoneInfo) -> None:
    # The hour that comes twice in Vienna, both times.
    for utc in (
        NOON,
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ):
        time = utc.astimezone(zone)
        found = round_trip(LogRecord("x", time=time)).time
        assert found is not None
        assert (found, found.isoformat(), found.tzinfo) == (time, time.isoformat(), time.tzinfo)


@pytest.mark.parametrize(
    "record",
    [
        LogRecord("x", time=NOON.replace(tzinfo=None)),
        LogRecord("x", fields={"a": ("b",)}),
        LogRecord("x", fields={"a": NOON}),
        LogRecord("x", fields={"a": 1 << 70}),
        LogRecord("x", fields={"a": "\ud800"}),
    ],
)
def test_what_cannot_be_packed_exactly_stays_as_it_is(record: LogRecord) -> None:
    assert round_trip(record) is record


def test_too_many_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_packing, "MOST_SHARED", 3)
    packing = LogPacking()
    for number in range(9):
        record = LogRecord(f"x {number}", program=f"p{number}", time=NOON, fields={"n": "x"})
        assert round_trip(record, packing) == record


def test_a_line_that_is_too_long_to_be_searched() -> None:
    record = LogRecord("ab" * 9_000, queue_id="ab", message="ab" * 8_000, fields={"x": "b"})
    assert round_trip(record) == record


VALUES = st.none() | st.booleans() | st.integers(-9, 1 << 40) | st.text() | st.lists(st.text(max_size=3)) | st.floats(allow_nan=False)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(alphabet="ab =\\é😀\n", max_size=8), min_size=1, max_size=8),
    st.dictionaries(st.text(max_size=5), VALUES, max_size=5),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.integers(0, 1 << 31),
)
def test_any_record(
    words: list[str], fields: dict[str, object], time: datetime | None, pid: int | None
) -> None:
    fields |= {f"w{number}": word for number, word in enumerate(words)}
    record = LogRecord(
        " ".join(words), words[0], time, None, words[-1], pid, None, words[len(words) // 2], fields,
        " ".join(words[1:]), "file", 7,
    )  # fmt: skip
    assert round_trip(record) == record
