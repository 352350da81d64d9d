"""Delivery reports (RFC 3464), complaints (RFC 5965) and automatic answers (RFC 3834), read from a
whole message. Tolerant: whatever the octets are, there is an answer.
"""

from __future__ import annotations

import email
import re
from dataclasses import dataclass
from email import policy
from email.message import Message

MOST_OCTETS = 5 * 1024 * 1024
MOST_RECIPIENTS = 200
MOST_DIAGNOSTIC = 2_000
_ADDRESS = re.compile(r"<?([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255})>?")
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|returned mail|delivery (status|failure|has failed)|failure notice|mail delivery"
    r"|non.?remis|unzustellbar|nicht zustellbar|rejected|could not be delivered",
    re.I,
)
_FAILURE_LINE = re.compile(r"\b[45]\d\d[ -]|\b[45]\.\d\.\d{1,3}\b")
_ACTIONS = {"failed", "delayed", "delivered", "relayed", "expanded"}


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """One recipient of a report; ``status`` is an enhanced status code."""

    address: str
    action: str
    status: str | None
    diagnostic: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """``kind`` is ``dsn``, ``bounce``, ``feedback``, ``auto-reply`` or ``not-a-bounce``;
    ``message_id`` is the original message's."""

    kind: str
    recipients: tuple[ReportedRecipient, ...] = ()
    message_id: str | None = None


def read_report(raw: bytes) -> DeliveryReport:
    """What a message reports. Never raises."""
    message = email.message_from_bytes(raw[:MOST_OCTETS], policy=policy.compat32)
    parts = list(message.walk())
    original = _original_id(parts)
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            recipients = _recipients(part)
            if recipients:
                return DeliveryReport("dsn", recipients, original)
    if any(part.get_content_type() == "message/feedback-report" for part in parts):
        return DeliveryReport("feedback", (), original)
    if _is_bounce(message):
        return DeliveryReport("bounce", _guessed(message, parts), original)
    automatic = str(message.get("Auto-Submitted", "no")).split(";")[0].strip().lower()
    if automatic not in ("no", "") or message.get("X-Autoreply"):
        return DeliveryReport("auto-reply", (), original)
    return DeliveryReport("not-a-bounce", (), None)


def _recipients(part: Message) -> tuple[ReportedRecipient, ...]:
    payload = part.get_payload()
    blocks = (
        [block for block in payload if isinstance(block, Message)]
        if isinstance(payload, list)
        else []
    )
    found = [_recipient(block) for block in blocks[:MOST_RECIPIENTS]]
    return tuple(recipient for recipient in found if recipient is not None)


def _recipient(block: Message) -> ReportedRecipient | None:
    address = _typed(block, "Final-Recipient") or _typed(block, "Original-Recipient")
    action = _one_line(block, "Action").lower().split(" ")[0]
    if not address or not action:
        return None
    status = re.search(r"[245]\.\d{1,3}\.\d{1,3}", _one_line(block, "Status"))
    return ReportedRecipient(
        address=address,
        action=action if action in _ACTIONS else "failed",
        status=status[0] if status else None,
        diagnostic=_typed(block, "Diagnostic-Code")[:MOST_DIAGNOSTIC],
    )


def _typed(block: Message, name: str) -> str:
    """The value behind ``rfc822;`` or ``smtp;``, which some servers leave out."""
    text = _one_line(block, name)
    kind, semicolon, rest = text.partition(";")
    value = rest if semicolon and re.fullmatch(r"[A-Za-z0-9-]+", kind.strip()) else text
    return value.strip().removeprefix("<").removesuffix(">")


def _one_line(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())


def _is_bounce(message: Message) -> bool:
    sender = str(message.get("From", "")).lower()
    from_daemon = "mailer-daemon" in sender or "postmaster" in sender or "mail delivery" in sender
    null_path = str(message.get("Return-Path", "")).strip() == "<>"
    subject = _BOUNCE_SUBJECT.search(str(message.get("Subject", "")))
    failed = message.get("X-Failed-Recipients")
    return bool(failed or (subject and (from_daemon or null_path)) or (from_daemon and null_path))


def _guessed(message: Message, parts: list[Message]) -> tuple[ReportedRecipient, ...]:
    """The recipient and the reason, as far as the words tell."""
    text = _first_text(parts)
    own = {found.lower() for found in _ADDRESS.findall(str(message.get("To", "")))}
    named = _ADDRESS.findall(str(message.get("X-Failed-Recipients", ""))) or [
        found
        for found in _ADDRESS.findall(text)
        if found.lower() not in own
        and not found.lower().startswith(("mailer-daemon", "postmaster"))
    ]
    if not named:
        return ()
    line = next((line.strip() for line in text.splitlines() if _FAILURE_LINE.search(line)), "")
    status = re.search(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])", line)
    diagnostic = (line or " ".join(text.split()))[:MOST_DIAGNOSTIC]
    return (ReportedRecipient(named[0], "failed", status[0] if status else None, diagnostic),)


def _first_text(parts: list[Message]) -> str:
    for part in parts:
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                return payload[:20_000].decode("utf-8", "replace")
    return ""


def _original_id(parts: list[Message]) -> str | None:
    for part in parts[1:]:
        kind = part.get_content_type()
        if kind in ("message/rfc822", "text/rfc822-headers"):
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(part)
            found = re.search(r"^message-id:\s*(<[^>\s]{1,990}>)", text, re.I | re.M)
            if found:
                return found[1]
    return None
