"""Builds a test message: text, HTML, attachments, extra headers; marked so that it can be followed.

RFC 5322, RFC 2045. Pure: values in, octets out. Header injection is refused, not escaped.
"""

from __future__ import annotations

import mimetypes
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from smtpadmin.model.errors import UsageError

MARK = "X-Smtpadmin-Test"
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
_OWN = {"from", "to", "subject", "date", "message-id", "mime-version", MARK.lower()}


@dataclass(frozen=True, slots=True)
class TestMessage:
    """What is to be sent. ``attachments`` are names with octets."""

    __test__ = False

    sender: str
    recipients: tuple[str, ...]
    subject: str = "smtpadmin test"
    text: str = "This is a test message of smtpadmin.\n"
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


def build(message: TestMessage, when: datetime, identity: uuid.UUID) -> tuple[bytes, str]:
    """The octets (CRLF line ends) and the Message-ID with its angle brackets. Raises UsageError."""
    for address in (message.sender, *message.recipients):
        _check_address(address, allow_empty=address is message.sender)
    if not message.recipients:
        raise UsageError("a test message needs a recipient", where="To")
    domain = message.sender.rpartition("@")[2] or "smtpadmin.invalid"
    message_id = f"<smtpadmin.{identity}@{domain.encode('idna').decode() if not domain.isascii() else domain}>"
    mail = EmailMessage(policy=policy.SMTPUTF8)
    mail["From"] = message.sender or "MAILER-DAEMON"
    mail["To"] = ", ".join(message.recipients)
    mail["Subject"] = _one_line(message.subject, "Subject")
    mail["Date"] = format_datetime(when)
    mail["Message-ID"] = message_id
    mail[MARK] = str(identity)
    _add_headers(mail, message.headers)
    mail.set_content(message.text if message.text.endswith("\n") else message.text + "\n")
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    for name, octets in message.attachments:
        kind = (mimetypes.guess_type(name)[0] or "application/octet-stream").split("/")
        mail.add_attachment(octets, maintype=kind[0], subtype=kind[1], filename=name)
    ascii_headers = all(value.isascii() for value in (message.sender, *message.recipients))
    wire = policy.SMTP if ascii_headers else policy.SMTPUTF8
    return mail.as_bytes(policy=wire), message_id


def _add_headers(mail: EmailMessage, headers: Sequence[tuple[str, str]]) -> None:
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise UsageError(f"{name!r} is not a header name", where="extra header")
        if name.lower() in _OWN:
            raise UsageError(f"{name} is set by smtpadmin itself", where="extra header")
        mail[name] = _one_line(value, name)


def _one_line(value: str, where: str) -> str:
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise UsageError("a header must not hold control characters", where=where)
    return value


def _check_address(address: str, *, allow_empty: bool) -> None:
    if not address and allow_empty:
        return
    local_part, at, domain = address.rpartition("@")
    bad = not at or not local_part or not domain or len(address) > 320
    if bad or any(ord(c) <= 0x20 or ord(c) == 0x7F or c in "<>()," for c in address):
        raise UsageError(f"{address!r} is not an address", remedy="Use the form name@example.org.")
