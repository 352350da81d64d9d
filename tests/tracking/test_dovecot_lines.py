"""Dovecot's lines and the ends that they tell of."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackedRecipient
from smtpadmin.tracking.dialect import Own
from smtpadmin.tracking.dovecot_lines import actions, as_dovecot_did, session_named, session_of

SESSION = "QCmnL+1dB2sUVQ/Ag+zDdQ"
DROPPED = "marked message to be discarded if not explicitly delivered (discard action)"


def line(
    text: str, session: str = SESSION, *, head: str = "Mar  1 10:00:03 mx1 dovecot: "
) -> bytes:
    return f"{head}lmtp(a@b.example)<77><{session}>: {text}".encode()


def did(text: str, msgid: str = "<x@y>") -> set[str]:
    return actions([line(f"sieve: msgid={msgid}: {text}")]).get(SESSION, set())


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("stored mail into mailbox 'INBOX'", "delivered"),
        ("fileinto action: stored mail into mailbox 'Wörk/a: b''", "delivered"),
        ("forwarded to <out@z.example>", "sent"),
        ("redirect action: forwarded to <out@z.example>", "sent"),
        ("reject action: rejected message from <s@x> (reject)", "rejected"),
        ("rejected message from <s@x> (ereject)", "rejected"),
        ("reject action: not sending reject message to <>", "discarded"),
        (DROPPED, "discarded"),
        (f"discard action: {DROPPED.capitalize()}", "discarded"),
        ("redirect action: discarded duplicate forward to <out@z.example>", "discarded"),
    ],
)
def test_each_action_is_an_end(text: str, end: str) -> None:
    assert did(text) == {end}


@pytest.mark.parametrize(
    "text",
    [
        "vacation action: sent vacation response to <s@x>",
        "fileinto action: failed to store into mailbox 'X': Quota exceeded",
        "stored mail into mailbox 'INBOX' not",
        f"{DROPPED} or not",
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert did(text) == set()


def test_without_sieve_it_is_saved() -> None:
    assert actions([line("msgid=<x@y>: saved mail to INBOX")]) == {SESSION: {"delivered"}}


@pytest.mark.parametrize(
    "head",
    [
        "2026-03-01T10:00:03.123456+01:00 mx1 dovecot: ",
        "<22>Mar  1 10:00:03 mx1 dovecot[123]: ",
        "1772323203.5 mx1 dovecot: ",
    ],
)
def test_lines_of_every_system_log_are_read(head: str) -> None:
    assert session_of(line("x", head=head)) == SESSION.encode()
    assert session_of(line("Info: x", f"{SESSION}:R2", head=head)) == f"{SESSION}:R2".encode()


@pytest.mark.parametrize(
    "head",
    ["", "Mar  1 10:00:03 mx1 logger: ", "Mar  1 10:00:03 mx1 logger: dovecot: ", "x dovecot: "],
)
def test_another_programs_line_is_none(head: str) -> None:
    assert session_of(line("x", head=head)) is None


@pytest.mark.parametrize("session", ["short", SESSION[:-1], SESSION + "A", "A1B2C3D4E5"])
def test_only_a_session_is_one(session: str) -> None:
    assert session_of(line("x", session)) is None


STORED = "stored mail into mailbox 'INBOX'"


@given(st.sampled_from([DROPPED, "forwarded to <z@z>", "rejected message from <s@x> (reject)"]))
def test_what_a_stranger_writes_into_the_message_id_is_no_action(fake: str) -> None:
    assert did(STORED, f"<x>: {fake}") == {"delivered"}
    assert did(DROPPED, f"<x>: {STORED}") == {"discarded"}


def delivery(text: str, process: bytes = b"lmtp") -> bytes | None:
    return session_named(Own(b"mx1", b"A1B2C3", process, text.encode()))


def test_the_session_is_the_last_word_but_one_of_the_reply() -> None:
    sent = (
        f"to=<a@b>, relay=d[private/x], dsn=2.0.0, status=sent (250 2.0.0 <a@b> {SESSION}:R2 Saved)"
    )
    assert delivery(sent) == f"{SESSION}:R2".encode()
    assert delivery(sent, b"smtp") is None
    assert delivery(sent.replace("=sent", "=deferred")) is None
    assert delivery(sent.replace(SESSION, "abc")) is None
    assert delivery(f"from=<{sent}>") is None


def recipient(reply: str, status: DeliveryStatus = DeliveryStatus.DELIVERED) -> TrackedRecipient:
    return TrackedRecipient("a@b", status, reply=reply)


SAVED = f"250 2.0.0 <a@b> {SESSION} Saved"


@pytest.mark.parametrize(
    ("done", "end"),
    [
        ({"discarded"}, "discarded"),
        ({"discarded", "delivered"}, "delivered"),
        ({"sent", "delivered"}, "delivered"),
        ({"sent", "discarded"}, "sent"),
        ({"rejected"}, "rejected"),
        (set(), "delivered"),
    ],
)
def test_the_strongest_action_is_the_end(done: set[str], end: str) -> None:
    found = as_dovecot_did(recipient(SAVED), {SESSION: done})
    assert found.status.value == end
    assert found.reply is not None
    assert found.reply.startswith(SAVED)
    assert (found.reply != SAVED) == (end != "delivered")


def test_another_session_or_another_end_is_left_alone() -> None:
    dropped = {SESSION: {"discarded"}}
    for one in (
        recipient(SAVED + "!"), recipient(SAVED.replace("Q", "q")), recipient("Saved"),
        recipient(SAVED, DeliveryStatus.DEFERRED), TrackedRecipient("a@b", DeliveryStatus.DELIVERED),
    ):  # fmt: skip
        assert as_dovecot_did(one, dropped) == one


@given(st.binary() | st.binary().map(lambda x: line("") + x))
@example(line("sieve: msgid=" + ": stored mail into mailbox '" * 1000))
def test_no_line_is_too_odd(raw: bytes) -> None:
    session_of(raw)
    actions([raw])
    session_named(Own(b"h", b"q", b"lmtp", raw))


def test_a_long_line_takes_no_long_time() -> None:
    began = time.perf_counter()
    for part in (
        ": stored mail into mailbox '",
        ": ",
        "msgid=",
        f"<7><{SESSION}>: ",
        "lmtp(",
        " <",
    ):
        test_no_line_is_too_odd.hypothesis.inner_test(
            line("sieve: msgid=") + part.encode() * 20_000
        )  # type: ignore[attr-defined]
        raw = b"to=<a>, status=sent (250 2.0.0 <" + part.encode() * 20_000
        session_named(Own(b"h", b"q", b"lmtp", raw))
    assert time.perf_counter() - began < 2
