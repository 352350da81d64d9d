"""MIME structure of good, broken and hostile messages."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.mime_parts import MOST_DEPTH, MOST_PARTS, parse_message, part_octets, walk

MIXED = (
    b'Content-Type: multipart/mixed; boundary="a b"\r\n\r\npreamble\r\n--a b\r\n'
    b"Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\n\r\nplain\r\n"
    b"--in\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--in--\r\n--a b  \r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello\r\n--a b\r\n"
    b"Content-Type: application/pdf; name=x.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"aGk=\r\n--a b--\r\nepilogue"
)


def test_numbers_as_imap_counts() -> None:
    root = parse_message(MIXED)
    assert [(p.number, p.content_type) for p in walk(root)] == [
        ("", "multipart/mixed"), ("1", "multipart/alternative"), ("1.1", "text/plain"),
        ("1.2", "text/html"), ("2", "message/rfc822"), ("2.1", "text/plain"), ("3", "application/pdf"),
    ]  # fmt: skip
    assert part_octets(MIXED, root.parts[2]) == b"hi"
    assert part_octets(MIXED, root.parts[1].parts[0]) == b"hello"
    assert part_octets(MIXED, root.parts[0].parts[0]) == b"plain"
    assert not any(p.notes for p in walk(root))


@pytest.mark.parametrize(
    ("raw", "kinds", "note"),
    [
        (
            b"Content-Type: multipart/mixed\n\nx",
            ["multipart/mixed"],
            "multipart without a boundary",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\n\nx",
            ["multipart/mixed"],
            "the boundary never comes",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx",
            ["multipart/mixed", "text/plain"],
            "the closing boundary is missing",
        ),
        (b"Content-Type: nonsense\n\nx", ["text/plain"], "Content-Type is malformed"),
        (
            b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: 1\n\nx\n--b--",
            ["multipart/digest", "message/rfc822", "text/plain"],
            None,
        ),
    ],
)
def test_broken_structures(raw: bytes, kinds: list[str], note: str | None) -> None:
    root = parse_message(raw)
    assert [p.content_type for p in walk(root)] == kinds
    assert root.notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("encoding", "body", "octets"),
    [
        (b"quoted-printable", b"a=\nb=3D=ZZ", b"ab==ZZ"),
        (b"BASE64", b"aG!k", b"hi"),
        (b"x-uuencode", b"begin 644 x\n#86)C\n`\nend\n", b"abc"),
        (b"x-uuencode", b"#86)C\xff\xff trailing garbage\n", b"abc"),
        (b"no-such", b"as it is", b"as it is"),
    ],
)
def test_transfer_encodings(encoding: bytes, body: bytes, octets: bytes) -> None:
    raw = b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body
    assert part_octets(raw, parse_message(raw)) == octets


def nested(depth: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )


HOSTILE = {
    "nested": nested(1_000),
    "nested rfc822": b"Content-Type: message/rfc822\n\n" * 100_000,
    "one boundary": b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 50_000,
    "dashes": b"Content-Type: multipart/mixed; boundary=-\n\n" + b"-" * 3_000_000,
    "near boundaries": b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a" * 1_000_000,
    "empty parts": b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * 500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_structures_end_in_time(name: str) -> None:
    started = time.process_time()
    parts = list(walk(parse_message(HOSTILE[name])))
    assert time.process_time() - started < 3
    assert len(parts) <= MOST_PARTS
    assert max(p.number.count(".") for p in parts) < MOST_DEPTH


@given(st.binary(max_size=300))
def test_any_octets_have_a_structure(raw: bytes) -> None:
    for part in walk(parse_message(raw)):
        assert 0 <= part.start <= part.end <= len(raw)
        part_octets(raw, part)


@given(st.binary(max_size=80), st.integers(0, len(MIXED)), st.integers(0, len(MIXED)))
def test_a_damaged_message_has_a_structure(junk: bytes, first: int, last: int) -> None:
    raw = MIXED[:first] + junk + MIXED[last:]
    for part in walk(parse_message(raw)):
        assert 0 <= part.start <= part.end <= len(raw)
        part_octets(raw, part)
