"""FTGate's billing log: what the manual leaves open is read from the lines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.ftgate_log import FtgateParser, looks_like
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.log import LogRecord


def parse(*lines: str) -> list[LogRecord]:
    parser = FtgateParser(LogClock())
    return [parser(line.encode(), file="x", number=n) for n, line in enumerate(lines, 1)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_line(delimiter: str) -> None:
    line = delimiter.join(
        ("2026-03-01", "09:10:11", "Out", "<x@y>", "a@example.org", '"b@example.org"', "1234")
    )
    (found,) = parse(line)
    assert (found.event, found.time) == ("delivery", datetime(2026, 3, 1, 9, 10, 11, tzinfo=UTC))
    assert found.fields == {
        "direction": "Out",
        "message-id": "x@y",
        "from": "a@example.org",
        "to": "b@example.org",
        "size": 1234,
        "status": "sent",
    }
    assert looks_like(line.encode())


def test_day_and_month_in_the_order_that_the_file_shows() -> None:
    tail = ",9:10,In,m,a,b,1"
    british = parse("01/02/2026" + tail, "13/02/2026" + tail)
    assert [r.time.month for r in british if r.time] == [2, 2]
    american = parse("02/13/2026" + tail, "02/01/26" + tail)
    assert [(r.time.month, r.time.day) for r in american if r.time] == [(2, 13), (2, 1)]


def test_hours_with_am_and_pm() -> None:
    times = [
        r.time
        for r in parse(
            *(f"2026-03-01,{t},In,m,a,b,1" for t in ("12:00 AM", "1:02:03 pm", "12:30 PM"))
        )
    ]
    assert [t.hour for t in times if t] == [0, 13, 12]


def test_the_null_sender_and_a_header() -> None:
    header, found = parse(
        "Date,Time,In/Out,MessageId,Sender,Recipient,Size", "2026-03-01,9:10,In,m,<>,b,x"
    )
    assert (header.event, found.event, found.fields["from"], found.fields["size"]) == (
        "comment",
        "queued",
        "",
        "x",
    )
    assert looks_like(b"\xef\xbb\xbfDate;Time;In/Out;MessageId;Sender;Recipient;Size")


@pytest.mark.parametrize("line", ["", "a,b", "1,2,3,4,5,6,7", "x,y,in,m,a,b"])
def test_other_lines_are_kept(line: str) -> None:
    (found,) = parse(line)
    assert (found.event, found.raw) == ("other", line)
    assert not looks_like(line.encode())


def test_a_date_that_is_none() -> None:
    (found,) = parse("99/99/2026,25:00,In,m,a,b,1")
    assert (found.event, found.time) == ("queued", None)


@given(st.lists(st.binary(max_size=60) | st.just(b"1/1/2026,1:2,In,a,b,c,4")))
def test_any_octets_give_as_many_records_as_lines(lines: list[bytes]) -> None:
    parser = FtgateParser(LogClock())
    for line in lines:
        assert parser(line).raw == line.decode("utf-8", "backslashreplace")
        looks_like(line)
