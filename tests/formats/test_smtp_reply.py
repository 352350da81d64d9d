"""Replies as they come, malformed ones recognised, queue IDs of many servers found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.smtp_reply import (
    enhanced_code,
    is_last,
    parse_reply,
    queue_id_in,
    read_reply,
)
from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.smtp import Reply

CASES = Path(__file__).resolve().parents[3] / "shared/corpora/smtp-replies/cases.json"


def test_a_multi_line_reply() -> None:
    reply = parse_reply([b"550-5.1.1 no such", b"550 5.1.1 user"])
    assert reply == Reply(550, "5.1.1 no such\n5.1.1 user", "5.1.1")


@pytest.mark.parametrize(
    "lines",
    [
        [b"220_x"],
        [b"hello"],
        [b""],
        [],
        [b"250-a", b"251 b"],
        [b"250-a"],
        [b"250 a", b"250 b"],
        [b"99 x"],
        [b"2500 x"],
    ],
)
def test_what_is_no_reply_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(ProtocolError):
        parse_reply(lines)


def test_a_bare_code_is_a_reply() -> None:
    assert parse_reply([b"250"]) == Reply(250, "")
    assert is_last(b"250")
    assert not is_last(b"250-x")


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_any_octets_are_a_reply_or_a_protocol_error(lines: list[bytes]) -> None:
    try:
        reply = parse_reply(lines)
    except ProtocolError:
        return
    assert 200 <= reply.code <= 599


@given(
    st.integers(200, 599),
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30),
        min_size=1,
        max_size=5,
    ),
)
def test_written_replies_are_read(code: int, texts: list[str]) -> None:
    lines = [f"{code}-{t}".encode() for t in texts[:-1]] + [f"{code} {texts[-1]}".encode()]
    assert parse_reply(lines).text == "\n".join(texts)


@pytest.mark.skipif(not CASES.exists(), reason="the shared corpus is not here")
def test_the_corpus() -> None:
    for case in json.loads(CASES.read_text()):
        lines = [line.encode() for line in case.get("lines") or [case["line"]]]
        expected = case["expect"]
        if isinstance(expected, str):
            with pytest.raises(ProtocolError):
                parse_reply(lines)
        elif "final" in expected:
            assert is_last(lines[0]) == expected["final"]
        else:
            reply = parse_reply(lines)
            assert (reply.code, reply.enhanced, reply.text) == (
                expected["code"],
                expected["enhanced"],
                expected["text"],
            )


@pytest.mark.parametrize(
    ("text", "queue_id"),
    [
        ("2.0.0 Ok: queued as 4bXk2m1zQzZ9r", "4bXk2m1zQzZ9r"),
        ("2.0.0 Ok: queued as E0469AB12C", "E0469AB12C"),
        ("OK id=1rABcd-000DEF-99", "1rABcd-000DEF-99"),
        ("OK id=1rABcd-00000001abC-2dEf", "1rABcd-00000001abC-2dEf"),
        ("2.0.0 x0A1B2C3004711 Message accepted for delivery", "x0A1B2C3004711"),
        (
            "2.6.0 <a@b.example> [InternalId=1234567, Hostname=ex1] Queued mail for delivery",
            "1234567",
        ),
        ("2.0.0 4b1b3b6f Message accepted for delivery", "4b1b3b6f"),
        ("2.0.0: 4b1b3b6f Message accepted for delivery", "4b1b3b6f"),
        ("Ok: queued as AbC_d-eFgHiJ", "AbC_d-eFgHiJ"),
        (
            "Ok 0102018f2a3b4c5d-0a1b2c3d-1111-2222-3333-444455556666-000000",
            "0102018f2a3b4c5d-0a1b2c3d-1111-2222-3333-444455556666-000000",
        ),
        ("2.0.0 OK  1700000000 d9443c01a7336-1ce0abc - gsmtp", "d9443c01a7336-1ce0abc"),
        ("OK ids=d7ef132b5d7711eea8c8000c29c33806", "d7ef132b5d7711eea8c8000c29c33806"),
        (
            "Message Queued (6CD9DB4C-1111-2222-3333-444455556666.1)",
            "6CD9DB4C-1111-2222-3333-444455556666.1",
        ),
        ("2.0.0 Message queued with id 1a2b3c4d5e.", "1a2b3c4d5e"),
        ("ok 1700000000 qp 12345", "12345"),
        ("Ok 0100018f-example", None),
        ("2.1.5 Ok", None),
    ],
)
def test_queue_ids(text: str, queue_id: str | None) -> None:
    assert queue_id_in(text) == queue_id


@given(st.text(max_size=200))
def test_looking_for_an_id_never_fails(text: str) -> None:
    queue_id_in(text)
    enhanced_code(text)


def test_the_first_enhanced_code_counts() -> None:
    assert parse_reply([b"452-4.2.2 full", b"452 5.2.1 really"]).enhanced == "4.2.2"
    assert parse_reply([b"550 4.2.2 contradicts"]).enhanced == "4.2.2"
    assert enhanced_code("5.1.1") == "5.1.1"
    assert enhanced_code("5.1.1x no") is None


def test_octets_that_are_not_utf_8_are_shown() -> None:
    assert (
        parse_reply([b"451 4.7.1 temporaire: caf\xe9 \x00"]).text
        == "4.7.1 temporaire: caf\\xe9 \x00"
    )


def test_a_reply_is_read_when_it_has_its_end_and_not_before() -> None:
    whole = b"250-mx\r\n250-SIZE 1\r\n250 HELP\r\n"
    for cut in range(len(whole)):
        assert read_reply(whole[:cut]) is None
    assert read_reply(whole + b"421 more") == (Reply(250, "mx\nSIZE 1\nHELP"), len(whole))


@pytest.mark.parametrize(
    ("received", "words"),
    [
        (b"250 ok\n", "without CR: 250 ok"),
        (b"\r\n220 mx\r\n", "(an empty line)"),
        (b"220_x\r\n", "no SMTP reply: 220_x"),
        (b"250ok\r\n", "no SMTP reply"),
        (b"199 early\r\n", "no SMTP reply"),
        (b"250-a\r\n251-b\r\n", "250, then 251"),
        (b"250-a\r\n251 b\r\n", "250, then 251"),
        (b"220 a\r\r\nb", None),
        (b"\x00\x1b[31m\r\n", "␀␛[31m"),
    ],
)
def test_a_malformed_reply_is_recognised_before_its_end(received: bytes, words: str | None) -> None:
    if words is None:
        assert read_reply(received) is not None
        return
    with pytest.raises(ProtocolError, match=re.escape(words)):
        read_reply(received)


def test_the_error_repeats_little_of_a_megabyte() -> None:
    with pytest.raises(ProtocolError) as caught:
        read_reply(b"x" * 1_000_000 + b"\r\n")
    assert len(str(caught.value)) < 300


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_octets_are_a_reply_a_protocol_error_or_not_ready(octets: bytes, cut: int) -> None:
    try:
        found = read_reply(octets)
    except ProtocolError:
        return
    if found is not None:
        reply, used = found
        assert octets[used - 2 : used] == b"\r\n"
        assert str(reply.code).encode() == octets[:3]
    else:
        assert read_reply(octets[:cut]) is None
