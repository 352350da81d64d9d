"""Test messages parse back as they were meant; nothing can be injected."""

from __future__ import annotations

import email
import uuid
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.test_message import MARK, TestMessage, build
from smtpadmin.model.errors import UsageError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = uuid.UUID(int=7)


def parsed(message: TestMessage) -> EmailMessage:
    raw, _ = build(message, NOW, ID)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    found = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_parts_headers_and_mark() -> None:
    message = TestMessage(
        "a@b.example", ("c@d.example", "e@f.example"), "hä?", "täxt\n", "<p>html</p>",
        (("X-Campaign", "spring"),), (("a.txt", b"att"),),
    )  # fmt: skip
    found = parsed(message)
    assert found["Subject"] == "hä?"
    assert found["To"] == "c@d.example, e@f.example"
    assert found["X-Campaign"] == "spring"
    assert found[MARK] == str(ID)
    body, html = found.get_body(("plain",)), found.get_body(("html",))
    assert body is not None
    assert html is not None
    assert body.get_content().strip() == "täxt"
    assert "html" in html.get_content()
    (attachment,) = found.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("a.txt", "att")


def test_the_message_id_names_the_mark() -> None:
    raw, message_id = build(TestMessage("a@b.example", ("c@d.example",)), NOW, ID)
    assert message_id == f"<smtpadmin.{ID}@b.example>"
    assert message_id.encode() in raw


def test_the_null_sender_and_an_address_beyond_ascii() -> None:
    assert parsed(TestMessage("", ("c@d.example",)))["From"] == "MAILER-DAEMON"
    raw, _ = build(TestMessage("ä@b.example", ("c@d.example",)), NOW, ID)
    assert "ä@b.example".encode() in raw


@pytest.mark.parametrize(
    "message",
    [
        TestMessage("a@b.example", ("c@d.example",), "x\r\nBcc: all@d.example"),
        TestMessage("a@b.example", ("c@d.example",), headers=(("X-A", "1\nX-B: 2"),)),
        TestMessage("a@b.example", ("c@d.example",), headers=(("X A", "1"),)),
        TestMessage("a@b.example", ("c@d.example",), headers=(("Subject", "1"),)),
        TestMessage("a@b.example", ("c@d.example\r\nRCPT TO:<x@y.example>",)),
        TestMessage("a@b.example>", ("c@d.example",)),
        TestMessage("a@b.example", ()),
        TestMessage("a@b.example", ("nobody",)),
    ],
)
def test_injection_and_nonsense_are_refused(message: TestMessage) -> None:
    with pytest.raises(UsageError):
        build(message, NOW, ID)


@given(
    st.text(st.characters(categories=["L", "N", "P", "Zs"], codec="utf-8"), max_size=60),
    st.text(max_size=300),
)
def test_any_subject_and_text_can_be_sent(subject: str, text: str) -> None:
    raw, _ = build(TestMessage("a@b.example", ("c@d.example",), subject, text), NOW, ID)
    assert raw.isascii() or b"Content-Transfer-Encoding: 8bit" in raw
