"""Test messages parse back as they were meant; nothing can be injected."""

from __future__ import annotations

import email
import uuid
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpadmin.formats.test_message import MARK, TestMessage, build, envelope_of
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


@example(subject="", text="\r")
@example(subject="", text="a\rb")
@given(
    st.text(st.characters(categories=["L", "N", "P", "Zs"], codec="utf-8"), max_size=60),
    st.text(max_size=300),
)
def test_any_subject_and_text_can_be_sent(subject: str, text: str) -> None:
    raw, _ = build(TestMessage("a@b.example", ("c@d.example",), subject, text), NOW, ID)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    found = parsed(TestMessage("a@b.example", ("c@d.example",), subject, text))
    assert str(found["Subject"]).split() == subject.split()
    assert lines(found.get_content()) == lines(text)


def lines(text: str) -> list[str]:
    """What a line end is differs; that there is one does not."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


names = st.sampled_from(
    ["Reply-To", "Cc", "References", "X-A", "Resent-Date", "Received", "Sender"]
)
values = st.one_of(st.text(max_size=120), st.text('=?utf-8q@<>,;:\\"() .a[]', max_size=60))


@given(st.lists(st.tuples(names, values), max_size=3), st.lists(st.text(max_size=30), max_size=2))
def test_no_header_can_be_smuggled_in(
    headers: list[tuple[str, str]], attachments: list[str]
) -> None:
    files = tuple((name, b"\0\xff") for name in attachments)
    try:
        found = parsed(
            TestMessage("a@b.example", ("c@d.example",), headers=tuple(headers), attachments=files)
        )
    except UsageError:
        return
    ours = {"from", "to", "subject", "date", "message-id", MARK.lower(), "mime-version"}
    wanted = ours | {"content-type", "content-transfer-encoding"} | {n.lower() for n, _ in headers}
    assert {name.lower() for name in found} <= wanted
    assert not found.defects
    parts = [part.get_payload(decode=True) for part in found.iter_attachments()]
    assert parts == [b"\0\xff"] * len(attachments)


def test_a_domain_beyond_ascii_needs_no_smtputf8_when_its_ascii_form_is_the_same() -> None:
    message = TestMessage("a@bücher.example", ("c@faß.example", "ä@bücher.example"))
    assert envelope_of(message) == (
        "a@xn--bcher-kva.example",
        ("c@faß.example", "ä@bücher.example"),
    )


def test_a_long_unsubscribe_address_stays_whole() -> None:
    address = f"<https://b.example/{'u' * 300}>"
    raw, _ = build(
        TestMessage("a@b.example", ("c@d.example",), headers=(("List-Unsubscribe", address),)),
        NOW,
        ID,
    )
    assert f"List-Unsubscribe: {address}\r\n".encode() in raw


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (TestMessage("a@b.example", ("c@d.example",), headers=(("Content-Type", "x"),)), "itself"),
        (TestMessage("a@b.example", ("c@d.example",), headers=(("Cc", "a"), ("Cc", "b"))), "Cc"),
        (TestMessage("a@b.example", ("c@d.example",), "\udcff"), "not UTF-8"),
        (TestMessage("a@b.example", ("c@d.example",), text="\udcff"), "not UTF-8"),
        (TestMessage("\udcff@b.example", ("c@d.example",)), "not UTF-8"),
        (TestMessage("a@b.example", ('"c d"@d.example',)), "not an address"),
        (TestMessage("a@b.example", (f"{'c' * 400}@d.example",)), "not an address"),
    ],
)
def test_what_cannot_be_written_is_said(message: TestMessage, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        build(message, NOW, ID)


@given(st.binary(max_size=300), st.sampled_from(["a.pdf", "b.eml", "c", "d.txt", "ü.png"]))
def test_attachments_arrive_octet_by_octet(octets: bytes, name: str) -> None:
    found = parsed(TestMessage("a@b.example", ("c@d.example",), attachments=((name, octets),)))
    (attachment,) = found.iter_attachments()
    assert attachment.get_filename() == name
    assert attachment.get_payload(decode=True) == octets
