"""The palette finds commands, servers and queue IDs by their words."""

from __future__ import annotations

from smtpadmin.gui.command_palette import Choice, matching

CHOICES = [
    Choice(">", "Send test message…", "Ctrl+N", lambda: None),
    Choice(">", "Retry now", "", lambda: None),
    Choice("@", "mail1.acme.example", "production", lambda: None),
    Choice("#", "4bXk2m1zQzZ9r", "a@b.example", lambda: None),
]


def titles(text: str) -> list[str]:
    return [choice.title for choice in matching(CHOICES, text)]


def test_words_in_any_order_and_case() -> None:
    assert titles("MESSAGE send") == ["Send test message…"]


def test_a_prefix_narrows_to_its_kind() -> None:
    assert titles("@") == ["mail1.acme.example"]
    assert titles("#4bx") == ["4bXk2m1zQzZ9r"]
    assert titles(">retry") == ["Retry now"]


def test_titles_that_begin_with_the_text_come_first() -> None:
    assert titles("m")[0] == "mail1.acme.example"


def test_nothing_fits() -> None:
    assert titles("zzz") == []
