"""Delivery reports, bounces without one, complaints and automatic answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.delivery_report import read_report

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


@given(st.binary(max_size=400))
def test_any_octets_have_an_answer(raw: bytes) -> None:
    read_report(raw)


@given(st.binary(max_size=200), st.integers(0, len(DSN)))
def test_a_damaged_report_has_an_answer(junk: bytes, place: int) -> None:
    read_report(DSN[:place] + junk + DSN[place:])
