"""The other side's words come first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.reason_text import short_host, short_reason


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("host mx.a.example[192.0.2.1]:25 said: 452 4.2.2 full (in reply to RCPT TO command)", "452 4.2.2 full (mx.a.example)"),
        ("host mx.a.example[2001:db8::1] refused to talk to me: 421 busy", "421 busy (mx.a.example)"),
        ("connect to mx.a.example[192.0.2.1]:25: Connection refused", "connect to mx.a.example[192.0.2.1]:25: Connection refused"),
        ("", ""),
    ],
)  # fmt: skip
def test_examples(reason: str, shown: str) -> None:
    assert short_reason(reason) == shown


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    short_reason(text)
    assert short_host(text) or not text
