"""Replies as they come, malformed ones recognised, queue IDs of many servers found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.smtp_reply import enhanced_code, is_last, parse_reply, queue_id_in
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
