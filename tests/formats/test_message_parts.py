"""Taking apart what may be broken in every way."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.message_parts import MOST_PARSED, MOST_PARTS, TakenApart, take_apart


def apart(raw: bytes) -> TakenApart:
    return take_apart(raw, (), False)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"A: b\r\n\r\nbody\r\n", b"body\r\n"),
        (b"A: b\n\nbody", b"body"),
        (b"\r\nbody", b"body"),
        (b"\nbody", b"body"),
        (b"A: b\r\n", b""),
        (b"", b""),
    ],
)
def test_the_first_empty_line_parts_header_and_body(raw: bytes, body: bytes) -> None:
    assert apart(raw).body == body


def test_folded_fields_are_joined_and_others_are_kept() -> None:
    mail = apart(b"A: one\r\n two\r\na : three\r\nno field\r\nB:\r\n\r\n")
    assert mail.values("a") == ["one two", "three"]
    assert mail.values("b") == [""]
    assert mail.not_fields == (b"no field",)


def test_broken_base64_and_a_boundary_that_is_not_there() -> None:
    head = b"MIME-Version: 1.0\r\nContent-Type: "
    broken = apart(head + b"text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nA\r\n")
    assert broken.defects
    assert apart(head + b"multipart/mixed; boundary=x\r\n\r\nhello\r\n").defects


def test_what_is_too_much_is_said_and_not_guessed() -> None:
    assert "MiB" in apart(b"A: b\r\n\r\n" + b"x" * MOST_PARSED).untested
    part = b"--x\r\n\r\n\r\n"
    many = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + part * (MOST_PARTS + 10)
    assert "parts" in apart(many + b"--x--\r\n").untested


def test_parts_within_parts_within_parts_take_no_time() -> None:
    raw = b""
    for number in range(3_000):
        raw += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number)
    started = time.perf_counter()
    assert apart(raw).untested
    assert time.perf_counter() - started < 5


PIECES = st.sampled_from(
    [b"Content-Type: ", b"multipart/mixed; boundary=x", b"text/html", b"--x", b"--x--", b"\r\n",
     b"\n", b"\r", b" ", b":", b"=?utf-8?b?x?=", b"\0", b"\xff", b"base64", b";", b'"',
     b"Content-Transfer-Encoding: ", b"message/rfc822", b"charset=nonsense"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map(b"".join) | st.binary(max_size=300))
def test_any_octets_are_survived_and_none_is_lost(raw: bytes) -> None:
    mail = apart(raw)
    assert len(mail.head) + len(mail.body) <= len(raw) <= len(mail.head) + len(mail.body) + 4
    assert raw.startswith(mail.head)
    assert raw.endswith(mail.body)
