"""Commands octet by octet; what would be two commands is none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp_plan import EnvelopePlan
from smtpadmin.protocol.smtp_commands import (
    chunks,
    command,
    mail_from,
    rcpt_to,
    stuffed,
    unescaped,
    xtext,
)

DSN = EnvelopePlan(ret="HDRS", envid="QQ+314=159 x", notify="SUCCESS,FAILURE", orcpt="auto")


def test_mail_and_rcpt_with_every_parameter() -> None:
    assert mail_from("", EnvelopePlan(), []) == b"MAIL FROM:<>\r\n"
    plan = EnvelopePlan(
        ret="FULL", envid="x", require_tls=True, prdr=True, mail_extra="MT-PRIORITY=3"
    )
    assert mail_from("a@b", plan, ["SIZE=5"]) == (
        b"MAIL FROM:<a@b> SIZE=5 RET=FULL ENVID=x REQUIRETLS PRDR MT-PRIORITY=3\r\n"
    )
    assert mail_from("a@b", DSN, []) == b"MAIL FROM:<a@b> RET=HDRS ENVID=QQ+2B314+3D159+20x\r\n"
    assert rcpt_to("c+x@d", DSN) == (
        b"RCPT TO:<c+x@d> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;c+2Bx@d\r\n"
    )
    assert rcpt_to("c@d", EnvelopePlan(orcpt="x@y")) == b"RCPT TO:<c@d> ORCPT=rfc822;x@y\r\n"
    assert rcpt_to("c@d", EnvelopePlan(orcpt="x400;q")) == b"RCPT TO:<c@d> ORCPT=x400;q\r\n"
    utf8 = rcpt_to("ä@d", EnvelopePlan(orcpt="auto")).decode()
    assert utf8 == "RCPT TO:<ä@d> ORCPT=utf-8;ä@d\r\n"


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_command_is_one_line_or_none(a: str, b: str) -> None:
    try:
        line = command(a, b)
    except UsageError as error:
        line = f"{error}\r\n".encode()
    assert line.count(b"\n") == line.count(b"\r") == 1
    assert b"\0" not in line


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_xtext_can_be_read_back(text: str) -> None:
    coded, found, position = xtext(text), "", 0
    while position < len(coded):
        hexadecimal = coded[position] == "+"
        found += (
            chr(int(coded[position + 1 : position + 3], 16)) if hexadecimal else coded[position]
        )
        position += 3 if hexadecimal else 1
    assert found == text
    assert " " not in coded


@given(st.binary(max_size=200))
def test_stuffed_can_be_unstuffed_and_never_holds_the_end_mark(raw: bytes) -> None:
    body = stuffed(raw)
    assert b"\r\n.\r\n" not in b"\r\n" + body
    assert body.count(b"\r") == body.count(b"\n") == body.count(b"\r\n")
    lines = [
        line.removeprefix(b".") if line.startswith(b".") else line for line in body.split(b"\r\n")
    ]
    plain = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert b"\n".join(lines).rstrip(b"\n") == plain.rstrip(b"\n") or plain.endswith(b"\n\n")
    assert body in (b"", b"\r\n") or body.endswith(b"\r\n")


def test_stuffing_a_big_message_is_quick() -> None:
    started = time.perf_counter()
    stuffed(b".a\n" * 500_000)
    assert time.perf_counter() - started < 10


@given(st.binary(max_size=50), st.integers(1, 20))
def test_chunks_are_the_message(raw: bytes, size: int) -> None:
    found = list(chunks(raw, size))
    assert b"".join(piece for piece, _ in found) == raw
    assert [last for _, last in found] == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize(
    ("text", "octets"),
    [(r"\r\n.\r\n", b"\r\n.\r\n"), (r"\n.\n", b"\n.\n"), (r"\x00\0\\\t", b"\0\0\\\t"),
     (r"\q\x1", rb"\q\x1"), ("ä", "ä".encode())],
)  # fmt: skip
def test_unescaped(text: str, octets: bytes) -> None:
    assert unescaped(text) == octets
