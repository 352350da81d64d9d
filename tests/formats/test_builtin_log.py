"""A line of the built-in server's log becomes a record; every other line is kept as it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats import builtin_log
from smtpadmin.formats.builtin_log import looks_like, parse_line

LINE = (
    b'{"time":"2026-03-01T12:00:00.250+01:00","host":"mail.acme.example","pid":4242,'
    b'"level":"warning","event":"delivery","queue_id":"1DDYqlnhPT00W","to":"ops@branch-7.example",'
    b'"relay":"10.0.0.5:25","delay":8.3,"delays":[0.1,8.2],"dsn":"4.4.1","status":"deferred",'
    b'"reply":"connect to 10.0.0.5:25: Connection refused","tries":2,'
    b'"message":"to=<ops@branch-7.example>, status=deferred"}'
)


def test_a_line_is_taken_apart() -> None:
    record = parse_line(LINE, file="mail.log", number=7)
    assert record.time == datetime.fromisoformat("2026-03-01T12:00:00.250+01:00")
    assert (record.host, record.pid, record.level) == ("mail.acme.example", 4242, "warning")
    assert (record.event, record.queue_id) == ("delivery", "1DDYqlnhPT00W")
    assert record.program == "smtpadmin"
    assert record.message == "to=<ops@branch-7.example>, status=deferred"
    assert (record.file, record.line) == ("mail.log", 7)
    assert record.raw == LINE.decode()
    assert set(record.fields) == {
        "to",
        "relay",
        "delay",
        "delays",
        "dsn",
        "status",
        "reply",
        "tries",
    }
    assert record.fields["delays"] == [0.1, 8.2]
    assert looks_like(LINE)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Mar  1 12:00:00 host postfix/smtpd[1]: connect from x",
        b'{"time":"2026-03-01T12:0',
        b'{"time":"2026-03-01T12:00:00Z"}',
        b"[1,2]",
        b"{" * 100_000,
        b'{"event":"x","a":"\xff"}',
    ],
)
def test_what_is_no_line_of_ours_is_kept_as_other(line: bytes) -> None:
    record = parse_line(line)
    assert record.event == "other"
    assert record.message == record.raw == line.decode("utf-8", "backslashreplace")
    assert record.fields == {}


def test_wrong_types_are_left_out_and_nothing_fails() -> None:
    odd = b'{"event":5,"time":12,"host":[],"pid":"x","level":null,"queue_id":{},"message":1}'
    record = parse_line(odd)
    assert record.event == "other"
    assert (record.time, record.host, record.pid, record.queue_id) == (None, None, None, None)
    assert record.raw == odd.decode()


@pytest.mark.parametrize("time", ["yesterday", "2026-03-01T12:00:00", ""])
def test_a_time_without_an_offset_is_no_time(time: str) -> None:
    assert parse_line(json.dumps({"event": "x", "time": time}).encode()).time is None


def test_a_line_of_more_than_a_megabyte_is_not_decoded() -> None:
    line = b'{"event":"x","a":"' + b"a" * builtin_log.MOST_OCTETS + b'"}'
    assert parse_line(line).event == "other"


@given(st.binary(max_size=300))
def test_any_octets_give_a_record(line: bytes) -> None:
    record = parse_line(line)
    assert record.raw == line.decode("utf-8", "backslashreplace")
    looks_like(line)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.text(max_size=8), _values, max_size=5),
    st.datetimes(timezones=st.just(UTC)),
    st.text(max_size=10),
)
def test_every_object_with_an_event_keeps_its_fields(
    fields: dict[str, object], time: datetime, event: str
) -> None:
    common = {"time", "host", "pid", "level", "event", "queue_id", "message"}
    fields = {name: value for name, value in fields.items() if name not in common}
    line = json.dumps({"time": time.isoformat(), "event": event, **fields}, ensure_ascii=False)
    record = parse_line(line.encode())
    assert record.fields == fields
    assert record.time == time
    assert record.event == (event or "other")
