"""Recipients and replies in the words of a bounce."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.bounce_text import own_words, read_bounce_text, reply_in

OWN = frozenset({"anna@example.org"})


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("<a@b.example>:\n550 no", ["a@b.example"]),
        ("  * a@b.example\n  * c@d.example", ["a@b.example", "c@d.example"]),
        ("From: x@y.example\nTo: anna@example.org\nRCPT TO:<a@b.example> failed", ["a@b.example"]),
        ("MAIL FROM: z@y.example\nRCPT TO: a@b.example", ["a@b.example"]),
        ("Could not be delivered to: <a@b.example>", ["a@b.example"]),
        ("a word about a@b.example", ["a@b.example"]),
        ("contact postmaster@x.example", []),
        ("", []),
    ],
)
def test_recipients(text: str, addresses: list[str]) -> None:
    assert [r.address for r in read_bounce_text(text, (), OWN)] == addresses


def test_known_recipients_count_more_than_found_ones() -> None:
    (found,) = read_bounce_text(
        "<x@y.example>: 450 4.1.1 a\n<a@b.example>: 550 5.1.1 c", ("A@b.example",), OWN
    )
    assert (found.address, found.diagnostic) == ("A@b.example", "550 5.1.1 c")


def test_the_copy_of_the_message_is_not_the_servers_words() -> None:
    assert own_words("no\n--- Below this line is a copy of the message.\nx@y") == "no"
    assert own_words("no\nReceived: from x") == "no"
    assert own_words("> quoted\n>>> a@b") == "quoted\n>>> a@b"


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("said:\n 550-5.1.1 a\n 550 5.1.1 b\n\nmore", "550-5.1.1 a 550 5.1.1 b"),
        ("550 one\n450 two", "550 one"),
        ("at 192.0.2.450 port mx:443 (id 550x)", ""),
        ("#5.1.0 Address rejected", "5.1.0 Address rejected"),
        ("(#5.5.0)", "5.5.0)"),
    ],
)
def test_replies(text: str, reply: str) -> None:
    assert reply_in(text.split("\n")) == reply


@given(st.text(alphabet="ab@.: <>\n-5014", max_size=200))
def test_any_words(text: str) -> None:
    for found in read_bounce_text(own_words(text), (), OWN):
        assert found.address.lower() not in OWN
