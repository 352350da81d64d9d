"""Addresses in free text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.mail_address import addresses_in, is_daemon


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<a@b.example>, c+d@e.example.", ["a@b.example", "c+d@e.example"]),
        ("A@B.example a@b.EXAMPLE", ["A@B.example"]),
        ("mailto:a@b.example 'c@d.example'", ["a@b.example", "c@d.example"]),
        ("u@[192.0.2.1] @x x@", ["u@[192.0.2.1]"]),
        ("", []),
    ],
)
def test_found(text: str, found: list[str]) -> None:
    assert addresses_in(text) == found


def test_daemons() -> None:
    assert is_daemon("MAILER-DAEMON@x.example")
    assert is_daemon("post_master@x.example")
    assert not is_daemon("anna@x.example")


@pytest.mark.parametrize("piece", ["a", "a@", "@", "a.", "a@b.c "])
def test_hostile_text_ends_in_time(piece: str) -> None:
    started = time.process_time()
    addresses_in(piece * (500_000 // len(piece)))
    assert time.process_time() - started < 3


@given(st.text(alphabet="ab@.<>'= -[]", max_size=80))
def test_any_text(text: str) -> None:
    for address in addresses_in(text):
        assert "@" in address
        assert address.lower() in text.lower()
