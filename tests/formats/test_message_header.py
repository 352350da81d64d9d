"""What is read in a header, and the one kind of line end."""

from __future__ import annotations

from email.header import Header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.message_header import (
    MOST_HEADER_OCTETS,
    header_is_too_long,
    normal_line_ends,
    read_header,
)

OCTETS = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b".", b":", b" ", b"a", b"Subject", b"\xff"])
).map(b"".join)


@given(OCTETS)
def test_normal_line_ends_are_crlf_and_nothing_else_changes(raw: bytes) -> None:
    normal = normal_line_ends(raw)
    left = normal.replace(b"\r\n", b"")
    assert b"\r" not in left
    assert b"\n" not in left
    assert left == raw.replace(b"\r", b"").replace(b"\n", b"")
    assert normal_line_ends(normal) == normal
    assert not normal or normal.endswith(b"\r\n")


@given(OCTETS)
def test_any_octets_are_survived(raw: bytes) -> None:
    assert read_header(raw).hops == 0


def test_message_id_subject_and_hops() -> None:
    raw = (
        b"Received: from a\r\n by b\r\nreceived: from c\r\nSubject: =?utf-8?q?h=C3=A4?=\r\n"
        b"Message-ID:\r\n <1@x>\r\n\r\nReceived: not in the header\r\nSubject: nor this\r\n"
    )
    facts = read_header(raw)
    assert (facts.message_id, facts.subject, facts.hops) == ("<1@x>", "hä", 2)


def test_the_first_of_two_subjects_counts() -> None:
    assert read_header(b"Subject: one\r\nSubject: two\r\n\r\n").subject == "one"


def test_a_body_alone_has_no_header() -> None:
    facts = read_header(b"\r\nSubject: in the body\r\n")
    assert (facts.message_id, facts.subject, facts.hops) == (None, None, 0)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=80)
)
def test_an_encoded_subject_comes_back(subject: str) -> None:
    value = Header(subject, "utf-8").encode(linesep="\r\n")
    found = read_header(f"Subject: {value}\r\n\r\n".encode()).subject
    assert (found or "").split() == subject.split()


@pytest.mark.parametrize("broken", ["=?no-such-charset?q?x?=", "=?utf-8?b?x?=", "=?utf-8?q?=FF?="])
def test_a_broken_encoded_word_is_no_failure(broken: str) -> None:
    assert read_header(f"Subject: {broken}\r\n\r\n".encode()).subject


def test_an_unknown_charset_stays_as_it_is() -> None:
    broken = "=?no-such-charset?q?x?="
    assert read_header(f"Subject: {broken}\r\n\r\n".encode()).subject == broken


def test_a_header_without_end_is_too_long() -> None:
    assert header_is_too_long(b"X: y\r\n" * (MOST_HEADER_OCTETS // 6 + 2))
    assert not header_is_too_long(b"X: y\r\n\r\n" + b"body\r\n" * MOST_HEADER_OCTETS)
