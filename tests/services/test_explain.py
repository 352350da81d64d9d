"""Replies explained: cause, who acts, what happens next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.explanation import Reason, WhoActs
from smtpadmin.services.explain import explain_message, explain_reply


@pytest.mark.parametrize(
    ("reply", "reason", "permanent"),
    [
        ("452 4.2.2 mailbox full", "mailbox-full", False),
        ("552 5.2.2 user over quota", "mailbox-full", True),
        ("550 5.1.1 <x@y.example>: Recipient address rejected: User unknown", "no-such-user", True),
        ("550 No such user here", "no-such-user", True),
        ("450 4.7.1 greylisted, try again in 300 s", "greylisted", False),
        ("554 5.7.1 <x@y.example>: Relay access denied", "relay-denied", True),
        ("550 5.7.30 Basic authentication is not supported for Client Submission.", "authentication", True),
        ("535 5.7.8 Authentication credentials invalid", "authentication", True),
        ("554 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org", "blocked", True),
        ("550 5.7.26 This mail has been blocked because the sender is unauthenticated", "authentication", True),
        ("552 5.3.4 Message size exceeds fixed limit", "too-big", True),
        ("421 4.7.0 try again later, too many connections", "rate-limited", False),
        ("connect to mx.a.example[192.0.2.1]:25: Connection refused", "network", None),
        ("Host or domain name not found. Name service error for name=a.example type=MX", "no-such-domain", None),
        ("TLS is required, but was not offered by host mx.a.example", "tls", None),
        ("554 5.4.6 Too many hops", "loop", True),
        ("550 5.6.0 GTUBE: spam message rejected", "spam", True),
        ("500 5.5.2 Error: bad syntax", "syntax", True),
        ("250 2.0.0 Ok: queued as ABC", "delivered", None),
        ("retry time not reached for any host", "network", None),
        ("retry timeout exceeded", "expired", None),
        ("500 5.3.0 Error: command failed", "system", True),
        ("550 mailbox closed", "mailbox-disabled", True),
        ("what is this", "other", None),
    ],
)  # fmt: skip
def test_reasons(reply: str, reason: str, permanent: bool | None) -> None:
    found = explain_reply(reply)
    assert (found.reason.value, found.permanent) == (reason, permanent)
    assert found.summary
    assert found.remedy


def test_what_happens_next_is_said_with_what_the_queue_knows() -> None:
    now = datetime.now(UTC)
    found = explain_reply(
        "452 4.2.2 mailbox full", expires=now + timedelta(days=3), next_try=now + timedelta(minutes=5),
        sender="a@b.example", tries=17,
    )  # fmt: skip
    assert found.who_acts is WhoActs.RECIPIENT
    assert "then bounces to a@b.example" in found.remedy
    assert "17 so far" in found.remedy


def test_a_bounce_message_is_explained_recipient_by_recipient() -> None:
    from tests.formats.test_bounce import DSN

    found = explain_message(DSN)
    assert (found.kind, found.reason, found.message_id) == (
        "dsn",
        Reason.NO_SUCH_USER,
        "<orig@example.org>",
    )
    assert [(r.address, r.permanent) for r in found.recipients] == [
        ("gone@b.example", True),
        ("late@b.example", False),
    ]


@given(st.text(max_size=300))
def test_any_text_has_an_explanation(text: str) -> None:
    assert explain_reply(text).summary


@given(st.binary(max_size=300))
def test_any_octets_have_an_explanation(raw: bytes) -> None:
    assert explain_message(raw).summary


def test_every_reason_has_its_words() -> None:
    from smtpadmin.services.explain import _reasons

    assert set(_reasons()) == {reason.value for reason in Reason}
    for words in _reasons().values():
        WhoActs(words["who_acts"])


def test_a_vague_status_gives_way_to_the_reply() -> None:
    raw = (b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
           b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n"
           b"Status: 5.0.0\nDiagnostic-Code: smtp; 452 4.2.2 over quota\n--b--\n")  # fmt: skip
    (found,) = explain_message(raw).recipients
    assert (found.status, found.reply_code, found.reason, found.permanent) == (
        "4.2.2",
        452,
        "mailbox-full",
        False,
    )


def test_a_delay_is_told_as_one() -> None:
    raw = (b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
           b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: delayed\n"
           b"Status: 4.4.1\n--b--\n")  # fmt: skip
    found = explain_message(raw)
    assert found.permanent is False
    assert "goes on trying" in found.summary


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Der Empfänger ist unbekannt", "no-such-user"), ("utilisateur inconnu", "no-such-user"),
        ("La cuenta de correo no existe", "no-such-user"), ("Casella di posta piena", "mailbox-full"),
        ("Das Postfach ist voll", "mailbox-full"), ("Пользователь не найден", "no-such-user"),
        ("メールボックスの容量", "mailbox-full"), ("550 mailbox is frozen", "mailbox-disabled"),
        ("you are not a member of this mailing list", "policy"), ("the user has moved", "moved"),
    ],
)  # fmt: skip
def test_words_of_many_languages(words: str, reason: str) -> None:
    assert explain_reply(words).reason.value == reason


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("auto-reply", b"Auto-Submitted: auto-replied\nSubject: x\n\naway"),
        ("feedback", b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: a@b\n--b--"),
    ],
)  # fmt: skip
def test_kinds_that_look_like_bounces(kind: str, raw: bytes) -> None:
    found = explain_message(raw)
    assert found.kind == kind
    assert found.reason in (Reason.VACATION, Reason.COMPLAINT)


def test_a_permanent_refusal_is_not_said_to_be_tried_again() -> None:
    found = explain_reply("500 5.3.0 Error: command failed")
    assert found.permanent
    assert "permanent one (5xx) send again" in found.remedy
