"""What changed between sending and arrival."""

from __future__ import annotations

import base64
import time

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.services.message_changes import MOST_CHANGES, compare_messages

SENT = (
    b"From: a@b.example\r\nSubject: hello\r\nReceived: by o\r\nX: 1\r\nX: 2\r\n\r\ncaf\xc3\xa9\r\n"
)


def test_nothing_but_line_ends_and_folding() -> None:
    found = compare_messages(
        SENT, SENT.replace(b"\r\n", b"\n").replace(b"Subject: ", b"Subject:\n ")
    )
    assert (found.added, found.removed, found.rewritten, found.body) == ((), (), (), "same")


def test_fields_added_removed_and_rewritten() -> None:
    arrived = b"Received: by mx\r\n" + SENT.replace(b"hello", b"[list] hello").replace(
        b"X: 2\r\n", b""
    )
    found = compare_messages(SENT, arrived)
    assert [(c.name, c.after) for c in found.added] == [("Received", "by mx")]
    assert [(c.name, c.before) for c in found.removed] == [("X", "2")]
    assert [(c.name, c.before, c.after) for c in found.rewritten] == [
        ("Subject", "hello", "[list] hello")
    ]


def test_another_transfer_encoding_is_told_from_another_text() -> None:
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    plain = head + b"8bit\r\n\r\ncaf\xc3\xa9\r\n"
    encoded = head + b"base64\r\n\r\n" + base64.encodebytes(b"caf\xc3\xa9\r\n")
    found = compare_messages(plain, encoded)
    assert (found.body, found.notes) == ("re-encoded", ("part the text: 8bit became base64",))
    assert compare_messages(plain, encoded.replace(b"Y2", b"Y3")).body == "changed"


def test_a_footer_and_a_new_part_are_changes() -> None:
    assert compare_messages(SENT, SENT + b"-- \r\nlist footer\r\n").body == "changed"
    mixed = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b--\r\n"
    more = mixed.replace(b"--b--", b"--b\r\n\r\nfooter\r\n--b--")
    found = compare_messages(mixed, more)
    assert (found.body, found.notes) == (
        "changed",
        ("1 parts were sent, 2 arrived, or of other types",),
    )


def test_thousands_of_fields_are_compared_in_time() -> None:
    sent = b"".join(b"X: %d\r\n" % n for n in range(5_000))
    arrived = b"".join(b"X: a%d\r\n" % n for n in range(5_000))
    started = time.process_time()
    found = compare_messages(sent + b"\r\n", arrived + b"\r\n")
    assert time.process_time() - started < 2
    assert len(found.rewritten) == MOST_CHANGES


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_messages_are_compared(sent: bytes, arrived: bytes) -> None:
    compare_messages(sent, arrived)
    same = compare_messages(sent, sent)
    assert (same.added, same.removed, same.rewritten, same.body) == ((), (), (), "same")
