"""Delivery status notifications, RFC 3464: failure and delay, made for people and programs.

Sent from the null sender with ``Auto-Submitted`` (RFC 3834), never about a message that itself has
the null sender. Pure functions: records in, octets out.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.utils import format_datetime

from smtpadmin.builtin.spool_records import NewMessage, Outcome, SpooledMessage

MOST_HEADER_RETURNED = 64 * 1024
NO_HOST = ("none", "local", "")
"""Relays that are no host."""
_SAID = re.compile(r"(?:^|said: )([45]\d\d[ -].*?)(?: \(in reply to .*\))?$", re.S)
_WIRE = policy.SMTP.clone(max_line_length=998, utf8=True)


def may_notify(message: SpooledMessage) -> bool:
    """Whether anyone may be told: never the null sender, so that bounces do not bounce."""
    return message.sender != ""


def make(
    kind: str,
    message: SpooledMessage,
    outcomes: Sequence[Outcome],
    raw: bytes,
    hostname: str,
    now: float,
    expires: float,
) -> NewMessage:
    """The notification of ``kind`` ``failure`` (these recipients have failed for good) or
    ``delay`` (they are still being tried)."""
    return (failure if kind == "failure" else delay)(message, outcomes, raw, hostname, now, expires)


def failure(
    message: SpooledMessage,
    outcomes: Sequence[Outcome],
    raw: bytes,
    hostname: str,
    now: float,
    expires: float,
) -> NewMessage:
    """The notification that these recipients have failed for good."""
    return _notification(
        message,
        outcomes,
        raw,
        hostname,
        now,
        expires,
        action="failed",
        subject="Undelivered mail returned to sender",
        opening="Your message could not be delivered to one or more recipients. "
        "It will not be tried again for them.",
    )


def delay(
    message: SpooledMessage,
    outcomes: Sequence[Outcome],
    raw: bytes,
    hostname: str,
    now: float,
    expires: float,
) -> NewMessage:
    """The notification that these recipients are still being tried."""
    until = format_datetime(datetime.fromtimestamp(message.expires, UTC))
    return _notification(
        message,
        outcomes,
        raw,
        hostname,
        now,
        expires,
        action="delayed",
        subject="Delayed mail (still being tried)",
        opening="Your message has not been delivered yet. You need not send it again: it will be "
        f"tried until {until}.",
    )


def _notification(
    message: SpooledMessage,
    outcomes: Sequence[Outcome],
    raw: bytes,
    hostname: str,
    now: float,
    expires: float,
    *,
    action: str,
    subject: str,
    opening: str,
) -> NewMessage:
    message_id = f"<{uuid.uuid4()}@{hostname}>"
    report = MIMEMultipart("report", policy=_WIRE)
    report.set_param("report-type", "delivery-status")
    report["From"] = f"Mail Delivery System <mailer-daemon@{hostname}>"
    report["To"] = message.sender
    report["Subject"] = subject
    report["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    report["Message-ID"] = message_id
    report["Auto-Submitted"] = "auto-replied"
    report.attach(_words(opening, outcomes, hostname))
    report.attach(_status(message, outcomes, hostname, action))
    report.attach(_returned_header(raw))
    return NewMessage(
        sender="",
        recipients=(message.sender,),
        raw=report.as_bytes(policy=_WIRE),
        arrived=now,
        expires=expires,
        message_id=message_id,
        subject=subject,
        client_name=hostname,
        smtputf8=message.smtputf8,
    )


def _words(opening: str, outcomes: Sequence[Outcome], hostname: str) -> Message:
    lines = [f"This is the mail system at {hostname}.", "", opening, ""]
    for outcome in outcomes:
        lines += [f"<{outcome.address}>: {outcome.reply}", ""]
    part = EmailMessage(policy=_WIRE)
    part.set_content("\n".join(lines), cte="8bit")
    return part


def _status(
    message: SpooledMessage, outcomes: Sequence[Outcome], hostname: str, action: str
) -> Message:
    part = MIMEBase("message", "delivery-status", policy=_WIRE)
    arrived = format_datetime(datetime.fromtimestamp(message.arrived, UTC))
    blocks: list[Message | str] = [
        _block(
            ("Reporting-MTA", f"dns; {hostname}"),
            ("X-Smtpadmin-Queue-ID", message.queue_id),
            ("Arrival-Date", arrived),
        )
    ]
    for outcome in outcomes:
        fields = [
            ("Final-Recipient", _typed(outcome.address)),
            ("Action", action),
            ("Status", outcome.dsn),
        ]
        if outcome.relay not in NO_HOST:
            fields.append(("Remote-MTA", f"dns; {outcome.relay.rpartition(':')[0]}"))
        fields.append(("Diagnostic-Code", _diagnosis(outcome)))
        if action == "delayed":
            until = format_datetime(datetime.fromtimestamp(message.expires, UTC))
            fields.append(("Will-Retry-Until", until))
        blocks.append(_block(*fields))
    part.set_payload(blocks)
    return part


def _block(*fields: tuple[str, str]) -> Message:
    block = Message(policy=_WIRE)
    for name, value in fields:
        block[name] = value
    return block


def _returned_header(raw: bytes) -> Message:
    header = raw.split(b"\r\n\r\n", 1)[0][:MOST_HEADER_RETURNED]
    text = header.replace(b"\r\n", b"\n").decode("utf-8", "replace")
    part = EmailMessage(policy=_WIRE)
    part.set_content(text + "\n", subtype="rfc822-headers", cte="8bit")
    return part


def _typed(address: str) -> str:
    """RFC 3464 section 2.1.2; RFC 6533 section 3 for what is not ASCII."""
    if address.isascii():
        return f"rfc822; {address}"
    return "utf-8; " + "".join(c if c.isascii() else f"\\x{{{ord(c):X}}}" for c in address)


def _diagnosis(outcome: Outcome) -> str:
    """The host's own reply where there is one, else our words."""
    said = _SAID.search(outcome.reply)
    if said is not None and outcome.relay not in NO_HOST:
        return f"smtp; {_one_line(said[1])}"
    return f"x-smtpadmin; {_one_line(outcome.reply)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:900]
