"""Whole messages: delivery reports, bounces without one, complaints, automatic answers, and none of these."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.bounce import read_report

DSN = b"""From: MAILER-DAEMON@mx1.example.org
To: anna@example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

sorry
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx1.example.org

Final-Recipient: rfc822; gone@b.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550-5.1.1 no
 such user

Final-Recipient: late@b.example
Action: delayed
Status: 4.4.1 (waiting)

--b
Content-Type: text/rfc822-headers

Message-ID: <orig@example.org>
Subject: hello
--b--
"""


def test_a_delivery_status_notification() -> None:
    report = read_report(DSN)
    assert (report.kind, report.message_id) == ("dsn", "<orig@example.org>")
    first, second = report.recipients
    assert (first.address, first.action, first.status) == ("gone@b.example", "failed", "5.1.1")
    assert first.diagnostic == "550-5.1.1 no such user"
    assert (second.address, second.action, second.status) == ("late@b.example", "delayed", "4.4.1")


def test_a_bounce_in_words_alone() -> None:
    raw = (b"From: MAILER-DAEMON@x.example\r\nReturn-Path: <>\r\nTo: anna@example.org\r\n"
           b"Subject: failure notice\r\n\r\n<gone@b.example>:\r\n550 5.1.1 unknown user\r\n")  # fmt: skip
    report = read_report(raw)
    assert report.kind == "bounce"
    (recipient,) = report.recipients
    assert (recipient.address, recipient.status) == ("gone@b.example", "5.1.1")


def test_an_automatic_answer_and_an_ordinary_message() -> None:
    away = b"From: b@b.example\r\nAuto-Submitted: auto-replied\r\nSubject: away\r\n\r\nback on Monday\r\n"
    assert read_report(away).kind == "auto-reply"
    assert (
        read_report(b"From: b@b.example\r\nSubject: the word bounce\r\n\r\nhi\r\n").kind
        == "not-a-bounce"
    )


def test_a_complaint() -> None:
    raw = b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\r\n--x--\r\n"
    assert read_report(raw).kind == "feedback"


DAEMON = "From: MAILER-DAEMON@x.example\nReturn-Path: <>\nTo: anna@example.org\n"
EXIM = """X-Failed-Recipients: a@b.example, c@d.example
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: anna@example.org
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  a@b.example
    host mx.b.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<a@b.example>:
    550 5.1.1 no such user here
  c@d.example
    host mx.d.example [192.0.2.2]
    SMTP error from remote mail server after end of data:
    452-4.2.2 The mailbox
    452 4.2.2 is full

------ This is a copy of the message, including all the headers. ------
Return-path: <anna@example.org>
Message-ID: <one@example.org>
To: other@z.example
"""


def test_each_recipient_has_the_reply_near_it_and_the_copy_is_not_read() -> None:
    report = read_report(EXIM.encode())
    assert (report.kind, report.message_id) == ("bounce", "<one@example.org>")
    assert [(r.address, r.status, r.diagnostic) for r in report.recipients] == [
        ("a@b.example", "5.1.1", "550 5.1.1 no such user here"),
        ("c@d.example", "4.2.2", "452-4.2.2 The mailbox 452 4.2.2 is full"),
    ]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends(end: str) -> None:
    report = read_report(EXIM.replace("\n", end).encode())
    assert [r.address for r in report.recipients] == ["a@b.example", "c@d.example"]


@pytest.mark.parametrize(
    ("head", "text", "address"),
    [
        ("Subject: Nicht zustellbar: b@b.example\n", "Das Postfach ist unbekannt.", "b@b.example"),
        ("Subject: Undeliverable\nContent-Type: text/html\n", "<p>Your message to <b>b@b.example</b> couldn&#39;t be delivered.<p>550 5.1.1 gone", "b@b.example"),
        ("Subject: =?utf-8?b?6YCA5L+h?=\n", "收件人不存在\n<b@b.example>: 550 user not found", "b@b.example"),
        ("Subject: Non remis\n", "Destinataire inconnu : b@b.example", "b@b.example"),
        ("Subject: failure notice\n", "> <b@b.example>:\n> 550 quoted", "b@b.example"),
        ("Subject: Returned mail\n", "Unknown user: b@b.example\nOriginal message follows.\n\nTo: c@c.example", "b@b.example"),
        ("Subject: Returned mail\n", "no address here\n--- Original message ---\nReceived: x\nTo: c@c.example", "c@c.example"),
    ],
)  # fmt: skip
def test_bounces_of_many_kinds(head: str, text: str, address: str) -> None:
    report = read_report(f"{DAEMON}{head}\n{text}\n".encode())
    assert report.kind == "bounce"
    assert [r.address for r in report.recipients] == [address]


def test_a_report_attached_to_a_message_also_when_encoded_against_the_rules() -> None:
    import base64

    for encoding, inner in (("7bit", DSN), ("base64", base64.encodebytes(DSN))):
        raw = (b"From: anna@example.org\nSubject: what is this?\nContent-Type: multipart/mixed; boundary=o\n\n"
               b"--o\n\nsee below\n--o\nContent-Type: message/rfc822\nContent-Transfer-Encoding: "
               + encoding.encode() + b"\n\n" + inner + b"\n--o--\n")  # fmt: skip
        report = read_report(raw)
        assert report.kind == "dsn"
        assert len(report.recipients) == 2


def test_a_report_in_the_copy_is_not_this_ones() -> None:
    raw = (b"From: MAILER-DAEMON@y.example\nSubject: Undelivered Mail\nContent-Type: multipart/mixed; boundary=o\n\n"
           b"--o\n\n<postmaster@q.example>: 550 5.2.2 full\n--o\nContent-Type: message/rfc822\n\n" + DSN + b"\n--o--\n")  # fmt: skip
    report = read_report(raw)
    assert (report.kind, [r.address for r in report.recipients]) == (
        "bounce",
        ["postmaster@q.example"],
    )


@pytest.mark.parametrize(
    "raw",
    [
        "From: b@b.example\nSubject: bounce rates\n\nOur bounces are undeliverable mail, 550 and such.\n",
        "From: b@b.example\nSubject: Re: Undelivered Mail\nIn-Reply-To: <x@y>\n\nWhy does 550 5.1.1 happen to a@b.example?\n",
        "From: shop@b.example\nSubject: delivery status of your parcel\n\nIt was delivered to you.\n",
        "From: no-reply@b.example\nSubject: Delivery problem\n\nYour parcel could not be delivered.\n",
        "From: postmaster@b.example\nSubject: Mail delivery statistics\n\n4711 messages last week.\n",
        "From: b@b.example\nTo: list-owner@b.example\nSubject: undeliverable\n\nIs the list broken?\n",
        "", "\n", "From: MAILER-DAEMON@x\n\n", "\0",
    ],
)  # fmt: skip
def test_what_is_no_bounce(raw: str) -> None:
    assert read_report(raw.encode()).kind == "not-a-bounce"


def test_messages_in_messages_end_in_time() -> None:
    started = time.process_time()
    read_report(b"Content-Type: message/rfc822\n\n" * 40 + b"x" * 4_000_000)
    parts = b"".join(b"--b\nContent-Type: message/rfc822\n\nSubject: x\n\nx\n" for _ in range(990))
    read_report(b"Content-Type: multipart/mixed; boundary=b\n\n" + parts)
    assert time.process_time() - started < 5


PIECES = [
    "a@b.c ",
    "a@",
    "550 ",
    "@",
    "-",
    "a.",
    "<a@b.cc>:\n550 x\n",
    "rcpt to:",
    "user ",
    "> ",
    "recipient was ",
    "不",
]


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_bounces_end_in_time(piece: str) -> None:
    started = time.process_time()
    for many in (piece * (1_000_000 // len(piece)), (piece * 30 + "\n") * (30_000 // len(piece))):
        read_report(f"{DAEMON}Subject: failure notice\n\n{many}".encode())
    assert time.process_time() - started < 5


@given(st.binary(max_size=400))
def test_any_octets_have_an_answer(raw: bytes) -> None:
    read_report(raw)


@given(st.binary(max_size=200), st.integers(0, len(DSN)))
def test_a_damaged_report_has_an_answer(junk: bytes, place: int) -> None:
    read_report(DSN[:place] + junk + DSN[place:])
