"""Hostile text becomes harmless on the way to a person."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.util.text import decode_line, visible, visible_text


def test_controls_become_pictures() -> None:
    assert visible("a\r\nb\x00\x1b[31m\x7f") == "a␍␊b␀␛[31m␡"


def test_bidirectional_overrides_are_spelled_out() -> None:
    assert visible("gpj.\u202eexe") == "gpj.\\u{202E}exe"


def test_long_text_is_cut_with_a_note() -> None:
    assert visible("x" * 30, limit=10) == "x" * 10 + " … (20 more characters)"


@given(st.text())
def test_never_more_than_one_line_and_always_printable(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert all(character.isprintable() for character in shown)


@given(st.text(st.characters(categories=("L", "N", "P", "S"))))
def test_readable_text_is_left_alone(text: str) -> None:
    assert visible(text, limit=10_000) == text


@given(st.binary())
def test_no_octet_of_a_line_is_lost(raw: bytes) -> None:
    text = decode_line(raw)
    assert not any(0xDC80 <= ord(character) <= 0xDCFF for character in text)
    if b"\\" not in raw:
        restored = text.encode("utf-8")
        for octet in range(0x80, 0x100):
            restored = restored.replace(b"\\x%02x" % octet, bytes([octet]))
        assert restored == raw


def test_a_message_keeps_its_lines_and_tabs() -> None:
    raw = b"Received: from a\r\n\tby b\x07\r\n\r\nx\xff"
    assert visible_text(raw) == "Received: from a\n\tby b␇\n\nx\\xff"


@given(st.binary())
def test_a_message_has_as_many_lines_as_it_had(raw: bytes) -> None:
    shown = visible_text(raw)
    assert shown.count("\n") == raw.count(b"\n")
    assert all(c.isprintable() for c in shown.replace("\n", "").replace("\t", ""))
