"""Every frame that a mail log has, and what stands before it after a crash."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.syslog_frame import Frame, parse_frame

WHEN = datetime(2026, 6, 6, 23, 34, 18, tzinfo=UTC)
USUAL = Frame(WHEN, "mx1", "postfix/qmgr", 9, None, b"A1B2C3: removed")


@pytest.mark.parametrize(
    "line",
    [
        b"Jun  6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed",
        b"Jun 06 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed\r",
        b"\0\0\0Jun  6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed",
        b"\xef\xbb\xbfJun 6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed",
        b"2026-06-06T23:34:18Z mx1 postfix/qmgr[9]: A1B2C3: removed",
        b"2026-06-07T01:34:18.000000+02:00 mx1 postfix/qmgr[9]: A1B2C3: removed\r\n",
        b"2026-06-07T01:34:18+0200 mx1 postfix/qmgr[9]: A1B2C3: removed",
        b"1780788858.000000 mx1 postfix/qmgr[9]: A1B2C3: removed",
    ],
)
def test_the_same_line_in_many_frames(line: bytes) -> None:
    assert parse_frame(line, LogClock(year=2026)) == USUAL


@pytest.mark.parametrize(
    "line",
    [
        b"<22>Jun  6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed",
        b"<22>1 2026-06-06T23:34:18Z mx1 postfix/qmgr 9 - - A1B2C3: removed",
        b'<22>1 2026-06-06T23:34:18Z mx1 postfix/qmgr 9 x [a b="]\\"" c="d"][e] \xef\xbb\xbfA1B2C3: removed',
        json.dumps(
            {
                "__REALTIME_TIMESTAMP": "1780788858000000",
                "PRIORITY": "6",
                "_HOSTNAME": "mx1",
                "SYSLOG_IDENTIFIER": "postfix/qmgr",
                "_PID": "9",
                "MESSAGE": "A1B2C3: removed",
            }
        ).encode(),
    ],
)
def test_frames_that_name_the_severity(line: bytes) -> None:
    assert parse_frame(line, LogClock(year=2026)) == USUAL._replace(level="info")


def test_a_priority_that_none_has_is_no_level() -> None:
    assert parse_frame(b"<999>Jun  6 23:34:18 mx1 a: b").level is None


def test_nil_values_of_rfc_5424() -> None:
    assert parse_frame(b"<34>1 - - - - - -") == Frame(None, None, None, None, "crit", b"")
    assert parse_frame(b"<34>1 - - - x1 - - hello").pid is None


@pytest.mark.parametrize(
    ("tag", "program", "pid"),
    [
        (b"postfix-203.0.113.9/smtp[1]: x", "postfix-203.0.113.9/smtp", 1),
        (b"/postfix-script[77]: x", "/postfix-script", 77),
        (b"CRON: x", "CRON", None),
        (b"dovecot: x", "dovecot", None),
        (b"fetchmail[4]:x", "fetchmail", 4),
        (b"last message repeated 3 times", None, None),
        (b"message repeated 3 times: [ postfix/smtpd[7]: x]", None, None),
    ],
)
def test_tags_of_many_programs(tag: bytes, program: str | None, pid: int | None) -> None:
    frame = parse_frame(b"Jun  6 23:34:18 mx1 " + tag)
    assert (frame.host, frame.program, frame.pid) == ("mx1", program, pid)
    assert frame.message == (tag if program is None else b"x")


def test_a_host_may_be_an_address_or_missing() -> None:
    assert parse_frame(b"Jun  6 23:34:18 2001:db8::1 a[1]: x").host == "2001:db8::1"
    assert parse_frame(b"Jun  6 23:34:18 a[1]: x")[1:] == (None, "a", 1, None, b"x")


@pytest.mark.parametrize(
    "line", [b"", b"----- rotated -----", b" <b@example.org>,", b"{}", b"{", b"\0"]
)
def test_a_line_without_a_frame_is_all_message(line: bytes) -> None:
    assert parse_frame(line) == Frame(None, None, None, None, None, line.lstrip(b"\0 "))


def journal(**fields: object) -> Frame:
    entry = {"__REALTIME_TIMESTAMP": "1700000000123456", **fields}
    return parse_frame(json.dumps(entry).encode())


def test_fields_of_the_journal_of_every_type() -> None:
    assert journal(MESSAGE=[104, 255]).message == b"h\xff"
    assert journal(MESSAGE=None).message == b""
    assert journal(MESSAGE=["first", "second"]).message == b"first"
    assert journal(MESSAGE=[300]).message == b""
    assert journal(_COMM="smtpd", _PID="x", PRIORITY="99")[2:5] == ("smtpd", None, None)
    assert journal(SYSLOG_PID="7", _PID="8").pid == 7
    time = journal().time
    assert time is not None
    assert time.microsecond == 123456
    assert journal(__REALTIME_TIMESTAMP="9" * 30).time is None


def test_two_kinds_of_stamps_in_one_log_are_ordered_by_moment() -> None:
    clock = LogClock(anchor=datetime(2026, 3, 30, tzinfo=UTC))
    first = parse_frame(b"2026-03-29T03:00:01.5+02:00 mx1 a: x", clock).time
    second = parse_frame(b"2026-03-29T01:00:02Z mx2 a: x", clock).time
    third = parse_frame(b"Mar 29 01:00:03 mx1 a: x", clock).time
    assert first is not None
    assert second is not None
    assert third == second + timedelta(seconds=1)
    assert first < second


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"<22>", b"<22>1 ", b"\0", b"Jun  6 23:34:18 mx1 "]),
)
def test_any_octets_have_a_frame_and_the_text_is_the_end_of_the_line(
    tail: bytes, head: bytes
) -> None:
    line = head + tail
    frame = parse_frame(line, LogClock(year=2026))
    if not line.lstrip(b"\0 \t\xef\xbb\xbf").startswith(b"{"):
        assert line.rstrip(b"\r\n").endswith(frame.message)
