"""Nouns of a message taken apart."""

from __future__ import annotations

import pytest

from smtpadmin.model.message_view import Header, MessageView, Part


@pytest.mark.parametrize(
    ("part", "is_text"),
    [
        (Part("1", "text/html", 0, 1), True),
        (Part("1", "text/plain", 0, 1, filename="x"), False),
        (Part("1", "text/plain", 0, 1, disposition="attachment"), False),
        (Part("1", "image/png", 0, 1), False),
    ],
)
def test_what_is_to_be_read(part: Part, is_text: bool) -> None:
    assert part.is_text is is_text


def test_the_first_field_of_a_name() -> None:
    root = Part("", "text/plain", 0, 0, headers=(Header("A", "1", b""), Header("a", "2", b"")))
    found = MessageView(root, "", None, (), 0)
    assert (found.first("a"), found.first("b")) == ("1", "")
