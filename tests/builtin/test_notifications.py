"""What a notification says, read back by the standard library."""

from __future__ import annotations

import email
from dataclasses import replace
from email import policy
from email.message import EmailMessage, Message
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.builtin import notifications
from smtpadmin.builtin.spool_records import (
    NewMessage,
    Outcome,
    SpooledMessage,
    SpooledRecipient,
)

RAW = b"From: a@x.example\r\nSubject: h\xc3\xa4\r\n\r\nsecret body\r\n"
MESSAGE = SpooledMessage(
    queue_id="Q1",
    state="active",
    arrived=1_700_000_000.0,
    expires=1_700_432_000.0,
    next_try=0,
    tries=1,
    notified=False,
    sender="a@x.example",
    size=len(RAW),
    message_id="<1@x>",
    subject="hä",
    client_name=None,
    client_address=None,
    sasl_username=None,
    smtputf8=False,
    recipients=(SpooledRecipient(0, "b@y.example"),),
)
GONE = Outcome(0, "b@y.example", "bounced", "5.1.1", "550 5.1.1 no such user", "mx.y.example:25")
SAID = "host mx.y.example:25 said: 550 5.1.1 no such user (in reply to RCPT TO command)"
ADDRESSES = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,40}@[a-z0-9.-]{1,40}", fullmatch=True)
REPLIES = st.text(max_size=2000)


def parsed(new: NewMessage) -> EmailMessage:
    assert b"\n" not in new.raw.replace(b"\r\n", b"")
    return email.message_from_bytes(new.raw, policy=policy.default)


def parts_of(new: NewMessage) -> list[Any]:
    report = parsed(new)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    return list(report.iter_parts())


def make(kind: str, message: SpooledMessage, *outcomes: Outcome, raw: bytes = RAW) -> NewMessage:
    return notifications.make(kind, message, outcomes, raw, "mx.example", 1_700_000_100.0, 2e9)


def blocks_of(new: NewMessage) -> list[Message]:
    return list(parts_of(new)[1].get_payload())


def test_a_failure_names_recipient_status_and_reply() -> None:
    new = make("failure", MESSAGE, GONE)
    assert (new.sender, new.recipients, new.expires) == ("", ("a@x.example",), 2e9)
    report = parsed(new)
    assert report["To"] == "a@x.example"
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["Message-ID"] == new.message_id
    words, status, header = parts_of(new)
    assert blocks_of(make("failure", MESSAGE, replace(GONE, reply=SAID)))[1].items() == (
        blocks_of(new)[1].items()
    )
    assert "<b@y.example>: 550 5.1.1 no such user" in words.get_content()
    about_message, about_recipient = status.get_payload()
    assert about_message["Reporting-MTA"] == "dns; mx.example"
    assert about_message["Arrival-Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert dict(about_recipient.items()) == {
        "Final-Recipient": "rfc822; b@y.example",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.y.example",
        "Diagnostic-Code": "smtp; 550 5.1.1 no such user",
    }
    assert header.get_content_type() == "text/rfc822-headers"
    assert "Subject: hä" in header.get_content()
    assert "secret body" not in new.raw.decode()


def test_a_delay_says_until_when() -> None:
    waiting = replace(GONE, status="deferred", dsn="4.2.2", reply="450 4.2.2 later")
    new = make("delay", MESSAGE, waiting)
    (_, about) = blocks_of(new)
    assert about["Action"] == "delayed"
    assert about["Status"] == "4.2.2"
    assert about["Will-Retry-Until"] == "Sun, 19 Nov 2023 22:13:20 +0000"
    assert "need not send it again" in parts_of(new)[0].get_content()


def test_what_no_host_said_is_no_smtp_diagnosis() -> None:
    nowhere = replace(GONE, dsn="5.4.4", reply="Host not found", relay="none")
    local = replace(GONE, reply="unknown user: b@y.example", relay="local")
    _, first, second = blocks_of(make("failure", MESSAGE, nowhere, local))
    assert first["Diagnostic-Code"] == "x-smtpadmin; Host not found"
    assert second["Diagnostic-Code"] == "x-smtpadmin; unknown user: b@y.example"
    assert first["Remote-MTA"] is None
    assert second["Remote-MTA"] is None


def test_addresses_beyond_ascii_are_marked_so() -> None:
    message = replace(MESSAGE, sender="ä@x.example", smtputf8=True)
    new = make("failure", message, replace(GONE, address="ö@y.example"))
    assert new.smtputf8
    assert new.recipients == ("ä@x.example",)
    assert blocks_of(new)[1]["Final-Recipient"] == r"utf-8; \x{F6}@y.example"


def test_nobody_is_told_about_a_notification() -> None:
    assert notifications.may_notify(MESSAGE)
    assert not notifications.may_notify(replace(MESSAGE, sender=""))


@given(st.lists(st.tuples(ADDRESSES, REPLIES), min_size=1, max_size=5), st.binary(max_size=500))
def test_whatever_hosts_and_messages_say_the_report_reads_back(
    failures: list[tuple[str, str]], raw: bytes
) -> None:
    outcomes = [
        Outcome(n, address, "bounced", "5.0.0", reply, "mx:25")
        for n, (address, reply) in enumerate(failures)
    ]
    new = make("failure", MESSAGE, *outcomes, raw=raw)
    assert len(parts_of(new)) == 3
    _, *about = blocks_of(new)
    assert [block["Final-Recipient"] for block in about] == [
        f"rfc822; {address}" for address, _ in failures
    ]
    for block in about:
        assert block.keys() == [
            "Final-Recipient",
            "Action",
            "Status",
            "Remote-MTA",
            "Diagnostic-Code",
        ]
