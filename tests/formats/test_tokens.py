"""Tokens are filled in once, and what is filled in is no token."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.tokens import NAMES, fill, fill_octets, token_values

VALUES = token_values(
    sender="a@b", to="c@d, e@f", when=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), message_id="<1@b>", n=3, times=9,
    server="mx.example", version="1",
)  # fmt: skip


def test_every_token_has_a_value() -> None:
    assert set(VALUES) == set(NAMES)
    text = fill(
        "%N%/%TIMES% %FROM_ADDRESS% to %TO_ADDRESS% at %DATE%%NEWLINE%%MESSAGEID% %NO%", VALUES
    )
    assert text == "3/9 a@b to c@d, e@f at Fri, 02 Jan 2026 03:04:05 +0000\n<1@b> %NO%"
    assert fill_octets(b"\xff%N%%NEWLINE%", VALUES) == b"\xff3\r\n"


def test_an_address_brings_no_token() -> None:
    assert fill("%FROM_ADDRESS%", {"FROM_ADDRESS": "%N%", "N": "3"}) == "%N%"


@given(st.text(max_size=40))
def test_text_without_tokens_stays(text: str) -> None:
    assert fill(text, {}) == text
    assert fill_octets(text.encode("utf-8", "replace"), {}) == text.encode("utf-8", "replace")
