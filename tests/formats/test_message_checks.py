"""Each check fails for its fault, and only for that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.message_checks import check_message
from smtpadmin.model.message_check import MessageCheck, MessageVerdict

GOOD = (
    b"From: Anna <anna@a.example>\r\nTo: bert@b.example\r\nSubject: hello\r\n"
    b"Date: Sun, 01 Mar 2026 12:00:00 +0000\r\nMessage-ID: <1@a.example>\r\n"
)
BODY = b"\r\nhello\r\n"
HTML = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
UNSUBSCRIBE = b"List-Unsubscribe: <https://a.example/u?1>, <mailto:u@a.example>\r\n"
POST = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
SIGNED = (
    b"DKIM-Signature: v=1; a=rsa-sha256; h=From:List-Unsubscribe:\r\n List-Unsubscribe-Post; b=\r\n"
)


def found(raw: bytes, name: str, **options: object) -> MessageCheck:
    (check,) = [c for c in check_message(raw, **options) if c.name == name]  # type: ignore[arg-type]
    return check


def without(field: bytes) -> bytes:
    return b"".join(x + b"\r\n" for x in GOOD.split(b"\r\n")[:-1] if not x.startswith(field)) + BODY


def test_a_good_message_passes_everything() -> None:
    results = {check.name: check.result for check in check_message(GOOD + BODY)}
    assert set(results.values()) <= {MessageVerdict.PASS, MessageVerdict.INFO}


@pytest.mark.parametrize(
    ("raw", "name", "result"),
    [
        (b"\r\nno header\r\n", "header", "fail"),
        (GOOD + b"this is no field\r\n" + BODY, "header", "fail"),
        (GOOD + b"Subject: again\r\n" + BODY, "header", "fail"),
        (GOOD + b"X: " + b"y" * 300_000 + b"\r\n" + BODY, "header", "fail"),
        (without(b"From"), "from", "fail"),
        (GOOD + b"From: x@y.example\r\n" + BODY, "from", "fail"),
        (GOOD.replace(b"Anna <anna@a.example>", b"nobody") + BODY, "from", "fail"),
        (GOOD.replace(b"Anna <anna@a.example>", b"a@a.example, b@b.example") + BODY, "from", "warn"),
        (without(b"Date"), "date", "fail"),
        (GOOD.replace(b"Sun, 01 Mar 2026", b"yesterday") + BODY, "date", "fail"),
        (without(b"Message-ID"), "message-id", "warn"),
        (GOOD.replace(b"<1@a.example>", b"1@a.example") + BODY, "message-id", "warn"),
        (without(b"Subject"), "subject", "warn"),
        (GOOD + b"\r\nnul\0\r\n", "octets", "fail"),
        (GOOD + b"\r\none\ntwo\r\n", "line-ends", "fail"),
        (GOOD + b"\r\none\rtwo\r\n", "line-ends", "fail"),
        (GOOD + b"\r\n" + b"x" * 999 + b"\r\n", "line-length", "fail"),
        (GOOD + b"\r\n" + b"x" * 998 + b"\r\n", "line-length", "pass"),
        (GOOD + b"\r\n" + (b"x" * 900 + b"\r\n") * 12_000, "size", "warn"),
        (GOOD + b"\r\n" + (b"x" * 900 + b"\r\n") * 12_000, "mime", "untested"),
        (GOOD + b"\r\n" + (b"x" * 900 + b"\r\n") * 12_000, "text", "untested"),
        (GOOD.replace(b"hello", b"h\xc3\xa4llo") + BODY, "eight-bit", "fail"),
        (GOOD + b"\r\nh\xc3\xa4llo\r\n", "eight-bit", "fail"),
        (GOOD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n" + BODY, "mime", "fail"),
        (GOOD + b"Content-Type: text/plain\r\n" + BODY, "mime", "warn"),
        (GOOD + HTML + b"\r\n<p>x</p>\r\n", "text", "warn"),
        (GOOD + HTML + b'\r\n<a href="https://evil.example">bank.example</a>\r\n', "links", "warn"),
        (GOOD + b"Precedence: bulk\r\n" + BODY, "unsubscribe", "warn"),
        (GOOD + b"List-Id: <x.a.example>\r\n" + BODY, "unsubscribe", "warn"),
        (GOOD + b"List-Unsubscribe: nonsense\r\n" + BODY, "unsubscribe", "fail"),
        (GOOD + UNSUBSCRIBE + BODY, "unsubscribe", "warn"),
        (GOOD + UNSUBSCRIBE + b"List-Unsubscribe-Post: yes\r\n" + BODY, "unsubscribe", "fail"),
        (GOOD + b"List-Unsubscribe: <mailto:u@a.example>\r\n" + POST + BODY, "unsubscribe", "fail"),
        (GOOD + UNSUBSCRIBE + POST + BODY, "unsubscribe", "warn"),
        (GOOD + UNSUBSCRIBE + POST + SIGNED + BODY, "unsubscribe", "pass"),
    ],
)  # fmt: skip
def test_one_fault(raw: bytes, name: str, result: str) -> None:
    assert found(raw, name).result.value == result


def test_eight_bits_that_are_declared() -> None:
    raw = (
        GOOD + b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\nh\xc3\xa4llo\r\n"
    )
    assert found(raw, "eight-bit", mail_options=("BODY=8BITMIME",)).result is MessageVerdict.PASS
    bare = raw.replace(b"8bit", b"7bit")
    assert found(bare, "eight-bit", mail_options=("BODY=8BITMIME",)).result is MessageVerdict.FAIL


def test_a_header_in_utf8_with_smtputf8() -> None:
    raw = GOOD.replace(b"hello", b"h\xc3\xa4llo") + BODY
    assert found(raw, "eight-bit", smtputf8=True).result is MessageVerdict.PASS


def test_authentication_results_are_told() -> None:
    raw = b"Authentication-Results: mx; spf=pass\r\n" + SIGNED + GOOD + BODY
    check = found(raw, "authentication")
    assert check.summary == "Authentication-Results is there; one DKIM signature"
    assert check.detail == "mx; spf=pass"


def test_an_attachment_in_html_is_no_text() -> None:
    raw = (
        GOOD + b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n"
        b"Content-Disposition: attachment\r\n\r\n<p>\r\n"
    )
    assert found(raw, "text").result is MessageVerdict.INFO


def test_what_strangers_wrote_is_made_safe_to_show() -> None:
    raw = GOOD.replace(b"<1@a.example>", b"\x1b[31m") + BODY
    assert "\x1b" not in found(raw, "message-id").detail


@given(st.lists(st.sampled_from(
    [b"From: ", b"a@x", b"<", b">", b",", b"\r\n", b"\n", b"\r", b" ", b":", b"\xff", b"\0", b"(", b'"',
     b"Date: ", b"Content-Type: text/html; charset=x", b"List-Unsubscribe: ", b"DKIM-Signature: h=",
     b"List-Unsubscribe-Post: ", b"=?x?b?y?=", b"Content-Transfer-Encoding: base64", b"Message-ID: "]),
    max_size=60).map(b"".join) | st.binary(max_size=300))  # fmt: skip
def test_any_octets_get_every_check(raw: bytes) -> None:
    names = [check.name for check in check_message(raw)]
    assert len(names) == len(set(names)) == 15
