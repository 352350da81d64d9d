"""Any octets in any charset are text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.charsets import codec_of, decode_text


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"caf\xe9", "iso-8859-1", "café"),
        (b"caf\xe9", "us-ascii", "café"),
        (b"caf\xc3\xa9", "us-ascii", "café"),
        (b"caf\xe9", "utf-8", "caf\\xe9"),
        (b"caf\xc3\xa9", "no-such", "café"),
        (b'\x1b$B$"\x1b(B', "ISO-2022-JP", "あ"),
        (b"\xb0\xa1", "ks_c_5601-1987", "가"),
        ("日本".encode("shift_jis"), '"x-sjis"', "日本"),
        (b"x\x00y", "", "x\x00y"),
        (b"\x81", "", "\\x81"),
    ],
)
def test_texts(octets: bytes, charset: str, text: str) -> None:
    assert decode_text(octets, charset) == text


@pytest.mark.parametrize(
    "name", ["idna", "punycode", "zip", "hex", "rot13", "unicode_escape", "", "é", "a" * 99, "../x"]
)
def test_what_is_no_charset_of_mail(name: str) -> None:
    assert codec_of(name) is None


def test_a_codec_that_takes_quadratic_time_is_not_used() -> None:
    started = time.monotonic()
    decode_text(b"a" * 1_000_000, "idna")
    assert time.monotonic() - started < 1


@given(
    st.binary(max_size=80),
    st.sampled_from(
        ["utf-8", "utf-7", "utf-16", "iso-2022-jp", "hz", "gbk", "cp949", "koi8-r", "?", "\0"]
    )
    | st.text(max_size=12),
)
def test_any_octets_in_any_charset(octets: bytes, charset: str) -> None:
    assert isinstance(decode_text(octets, charset), str)
