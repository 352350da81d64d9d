"""Exchange's tracking log of every generation, and its protocol log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exchange_log import GENERATIONS, ExchangeParser, looks_like
from smtpadmin.model.log import LogRecord

VALUES = {
    "date-time": "2026-01-25T15:16:09.843Z",
    "client-ip": "192.0.2.7",
    "server-hostname": "EX1",
    "source": "SMTP",
    "event-id": "RECEIVE",
    "internal-message-id": "7",
    "message-id": "<a@example.org>",
    "recipient-address": "b@example.org;c@example.org",
    "total-bytes": "1234",
    "recipient-count": "2",
    "message-subject": '"a, ""b"""',
    "sender-address": "s@example.org",
}


def row(names: tuple[str, ...], **other: str) -> bytes:
    values = VALUES | {name.replace("_", "-"): value for name, value in other.items()}
    return ",".join(values.get(name, "") for name in names).encode()


def parse(*lines: bytes) -> LogRecord:
    parser = ExchangeParser()
    return [parser(line, file=None, number=n) for n, line in enumerate(lines, 1)][-1]


@pytest.mark.parametrize("columns", [21, 26, 27, 30])
@pytest.mark.parametrize("header", [True, False])
def test_every_generation_with_and_without_its_header(columns: int, header: bool) -> None:
    names = GENERATIONS[columns]
    head = [b"\xef\xbb\xbf#Fields: " + ",".join(names).encode() + b"\r"] if header else []
    found = parse(*head, row(names))
    assert found.event == "queued"
    assert found.time == datetime(2026, 1, 25, 15, 16, 9, 843000, tzinfo=UTC)
    assert (found.host, found.queue_id) == ("EX1", "7")
    assert (
        found.fields.items()
        >= {
            "from": "s@example.org",
            "to": ["b@example.org", "c@example.org"],
            "recipient-address": ["b@example.org", "c@example.org"],
            "message-id": "a@example.org",
            "size": 1234,
            "subject": 'a, "b"',
            "client_address": "192.0.2.7",
        }.items()
    )


def test_a_header_that_comes_again_counts() -> None:
    first, second = GENERATIONS[21], tuple(reversed(GENERATIONS[21]))
    swapped = b"#Fields: " + ",".join(("date-time", *second[:-1])).encode()
    line = row(("date-time", *second[:-1]))
    assert parse(b"#Fields: " + ",".join(first).encode(), swapped, line).queue_id == "7"


def test_a_row_of_another_generation_than_the_header_says() -> None:
    head = b"#Fields: " + ",".join(GENERATIONS[21]).encode()
    assert parse(head, row(GENERATIONS[30])).queue_id == "7"


@pytest.mark.parametrize(
    ("said", "event", "status"),
    [
        ("SEND", "delivery", "sent"),
        ("DELIVER", "delivery", "delivered"),
        ("DEFER", "delivery", "deferred"),
        ("FAIL", "delivery", "bounced"),
        ("DSN", "notification", None),
        ("EXPAND", "expand", None),
        ("HAREDIRECTFAIL", "haredirectfail", None),
    ],
)
def test_events(said: str, event: str, status: str | None) -> None:
    found = parse(row(GENERATIONS[30], event_id=said))
    assert (found.event, found.fields.get("status")) == (event, status)


def test_the_null_sender() -> None:
    assert parse(row(GENERATIONS[30], sender_address="<>")).fields["from"] == ""


def test_the_protocol_log() -> None:
    head = b"2022-07-20T21:12:06.270Z,EX\\Default,08DA4F7C11473A60,9,192.0.2.1:25,192.0.2.7:53722,"
    refused = parse(head + b">,535 5.7.3 Authentication unsuccessful,")
    assert (refused.event, refused.fields["code"], refused.fields["dsn"]) == ("auth", 535, "5.7.3")
    assert parse(head + b">,550 5.1.1 no,").event == "reject"
    assert [parse(head + mark + b",,").event for mark in (b"+", b"-", b"<", b"*")] == [
        *("connect", "disconnect", "command", "info")
    ]


@pytest.mark.parametrize(
    "line", [b"", b"x", b"a,b,c", b"2026-01-25T15:16:09.843Z", b"2026-01-25T15:16:09.843Z,x"]
)
def test_other_lines_are_kept(line: bytes) -> None:
    found = parse(line)
    assert (found.event, found.raw) == ("other", line.decode())


def test_recognition() -> None:
    assert looks_like(row(GENERATIONS[27]))
    assert looks_like(b"\xef\xbb\xbf#Software: Microsoft Exchange Server")
    assert not looks_like(b"2026-01-25T15:16:09Z mx1 postfix/smtpd[1]: a,b,c,d,e,f,g,h,i")
    assert not looks_like(b"2026-01-25T15:16:09Z,x")


@given(
    st.lists(
        st.binary(max_size=80)
        | st.just(b"#Fields: a,date-time,event")
        | st.just(row(GENERATIONS[30]))
    )
)
def test_any_octets_give_as_many_records_as_lines(lines: list[bytes]) -> None:
    parser = ExchangeParser()
    for line in lines:
        assert parser(line).raw == line.decode("utf-8", "backslashreplace")
        looks_like(line)
