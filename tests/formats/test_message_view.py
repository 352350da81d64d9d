"""Messages made readable, whatever they hold."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.message_view import (
    file_name,
    find_part,
    readable,
    structure_lines,
    view_message,
)
from smtpadmin.model.message_view import Part
from tests.formats.test_mime_parts import HOSTILE, MIXED


def test_an_ordinary_message() -> None:
    found = view_message(b"Subject: =?utf-8?q?=E2=9C=93?=\r\nX: 1\r\nX: 2\r\n" + MIXED)
    assert found.first("SUBJECT") == "✓"
    assert [h.value for h in found.headers if h.name == "X"] == ["1", "2"]
    assert found.body == "plain"
    assert found.html == "<p>x"
    assert [(a.number, a.name, a.content_type, a.size) for a in found.attachments] == [
        ("2", "part-2.eml", "message/rfc822", 23), ("2.1", "part-2.1.txt", "text/plain", 5),
        ("3", "x.pdf", "application/pdf", 2),
    ][::2]  # fmt: skip


def test_html_alone_is_words_and_text_with_a_name_is_an_attachment() -> None:
    raw = (b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>one<p>two\n"
           b"--b\nContent-Disposition: attachment; filename=\"../../etc/passwd\"\n\nroot\n--b--\n")  # fmt: skip
    found = view_message(raw)
    assert found.body == "one\ntwo"
    assert [a.name for a in found.attachments] == ["_.._etc_passwd"]


def test_a_message_inside_is_not_read_as_this_ones_text() -> None:
    raw = b"Content-Type: message/rfc822\n\nSubject: inner\n\nhello\n"
    found = view_message(raw)
    assert found.body == ""
    assert find_part(found.root, "1") is not None
    assert find_part(found.root, "9") is None


def test_wrong_charset_broken_base64_and_nul() -> None:
    raw = (
        b"Content-Type: text/plain; charset=utf-99\nContent-Transfer-Encoding: base64\n\nY2Fm6QA*\n"
    )
    assert view_message(raw).body == "café\x00"


def test_what_is_shown_hides_nothing() -> None:
    assert (
        readable("a\tb\x1b[31m\nevil\u202etxt.exe\x00") == "a       b␛[31m\nevil\\u{202E}txt.exe␀"
    )


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b\\c.txt", "a_b_c.txt"), ("..", "part-1.txt"), (".bashrc", "bashrc"), ("", "part-1.txt"),
        ("x\u202efdp.exe", "x_fdp.exe"), ("n" * 300 + ".pdf", "n" * 116 + ".pdf"), ("a\nb\0", "a_b_"),
    ],
)  # fmt: skip
def test_file_names(name: str, safe: str) -> None:
    assert file_name(Part("1", "text/plain", 0, 0, filename=name)) == safe


def test_the_tree_in_lines() -> None:
    lines = list(structure_lines(view_message(MIXED).root))
    assert lines[0].startswith("message multipart/mixed")
    assert lines[2].startswith("    1.1 text/plain")
    assert "'x.pdf'" in lines[-1]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_end_in_time(name: str) -> None:
    started = time.process_time()
    found = view_message(HOSTILE[name])
    list(structure_lines(found.root))
    readable(found.body)
    assert time.process_time() - started < 4


@given(st.binary(max_size=300))
def test_any_octets_are_a_message(raw: bytes) -> None:
    found = view_message(raw)
    assert found.size == len(raw)
    for line in structure_lines(found.root):
        assert line.isprintable()
    for each in found.attachments:
        assert each.name
        assert "/" not in each.name
    assert all(line.isprintable() for line in readable(found.body).split("\n"))
