"""Replies that say the same."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.reply_groups import MOST, grouped_reply


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("550 5.1.1 <a1@x.example>: unknown", "550 5.1.1 <b@y.example>: unknown"),
        ("451 4.7.1 try again in 17 s", "451 4.7.1 try again in 299 s"),
        ("421 too many from 192.0.2.1", "421 too many from 198.51.100.77"),
        ("421 too many from 2001:db8::1", "421 too many from 2001:db8:0:1::beef"),
        ("554 4QxyZ71aBcz rejected", "554 9AbYZ22aBzz rejected"),
        ("250 id=1rXyZ2-0001Ab-3C", "250 id=1rXyZ9-0009Ab-7D"),
    ],
)
def test_the_same_but_for_names_and_numbers(one: str, other: str) -> None:
    assert grouped_reply(one) == grouped_reply(other)


def test_codes_and_words_stay() -> None:
    assert grouped_reply("452 4.2.2 mailbox full") == "452 4.2.2 mailbox full"
    assert grouped_reply("452 4.2.2 mailbox full") != grouped_reply("452 4.3.1 mailbox full")
    assert grouped_reply("the connection was lost") == "the connection was lost"


@given(st.text(max_size=600))
def test_any_text_is_short_and_safe(text: str) -> None:
    found = grouped_reply(text)
    assert found.isprintable()
    assert len(found) <= 40 * MOST


@pytest.mark.parametrize("piece", ["a", "1", "a-", "1:", "@", "a@", "1.", " "])
def test_hostile_text_takes_no_time(piece: str) -> None:
    started = time.perf_counter()
    grouped_reply(piece * 100_000)
    assert time.perf_counter() - started < 0.5
