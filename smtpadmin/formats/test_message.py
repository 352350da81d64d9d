"""Builds a test message: text, HTML, attachments, extra headers; marked so that it can be followed.

RFC 5322, RFC 2045, RFC 6532. Pure: values in, octets out. Everything goes out in seven bits (but for
headers with an address beyond ASCII), so that any server can take it. Header injection is refused,
not escaped.
"""

from __future__ import annotations

import email.errors
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
MOST_ADDRESS = 320
MOST_HEADER_LINE = 998
LONG_WORD = 70
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
_OWN = {"from", "to", "subject", "date", "message-id", "mime-version", MARK.lower()}
_TYPES = mimetypes.MimeTypes()
"""The standard library's own table: what this machine has installed makes no difference."""


@dataclass(frozen=True, slots=True)
class TestMessage:
    """What is to be sent. ``sender`` is empty for the null sender; ``attachments`` are names with
    octets. Any line end in the texts (CRLF, LF, a lone CR) goes out as CRLF."""

    __test__ = False

    sender: str
    recipients: tuple[str, ...]
    subject: str = "smtpadmin test"
    text: str = "This is a test message of smtpadmin.\n"
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


class _Wire(policy.EmailPolicy):
    """Leaves a header with a long word (an unsubscribe address) as it is: the library would put it
    into encoded words, which nobody may follow."""

    def fold_binary(self, name: str, value: str) -> bytes:
        line = f"{name}: {value}"
        has_long_word = any(len(word) > LONG_WORD for word in str(value).split())
        if has_long_word and line.isascii() and len(line) <= MOST_HEADER_LINE:
            return f"{line}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


def envelope_of(message: TestMessage) -> tuple[str, tuple[str, ...]]:
    """Sender and recipients as the envelope names them: a domain beyond ASCII in its ASCII form
    where the local part is ASCII, so that SMTPUTF8 is asked for only when nothing else will do.
    Raises UsageError for what is no address."""
    if not message.recipients:
        raise UsageError("a test message needs a recipient", where="To")
    sender = _wire_address(message.sender) if message.sender else ""
    return sender, tuple(_wire_address(address) for address in message.recipients)


def build(message: TestMessage, when: datetime, identity: uuid.UUID) -> tuple[bytes, str]:
    """The octets (CRLF line ends) and the Message-ID with its angle brackets. Raises UsageError."""
    sender, recipients = envelope_of(message)
    utf8 = not all(address.isascii() for address in (sender, *recipients))
    wire = _Wire(linesep="\r\n", utf8=utf8, cte_type="7bit")
    domain = sender.rpartition("@")[2]
    message_id = (
        f"<smtpadmin.{identity}@{domain if domain.isascii() and domain else 'smtpadmin.invalid'}>"
    )
    mail = EmailMessage(policy=wire)
    _set(mail, "From", sender or "MAILER-DAEMON")
    _set(mail, "To", ", ".join(recipients))
    _set(mail, "Subject", message.subject)
    _set(mail, "Date", format_datetime(when))
    _set(mail, "Message-ID", message_id)
    _set(mail, MARK, str(identity))
    _add_headers(mail, message.headers)
    _add_content(mail, message)
    return mail.as_bytes(), message_id


def _add_headers(mail: EmailMessage, headers: Sequence[tuple[str, str]]) -> None:
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise UsageError(f"{name!r} is not a header name", where="extra header")
        if name.lower() in _OWN or name.lower().startswith("content-"):
            raise UsageError(f"{name} is set by smtpadmin itself", where="extra header")
        _set(mail, name, value)


def _set(mail: EmailMessage, name: str, value: str) -> None:
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise UsageError("a header must not hold control characters", where=name)
    _check_text(value, name)
    try:
        mail[name] = value
        mail.policy.fold_binary(name, mail.get_all(name, [""])[-1])
    except (ValueError, LookupError, AttributeError, email.errors.MessageError) as error:
        # The standard library's header parser gives up on some nonsense in many ways.
        raise UsageError(f"this header cannot be written ({error})", where=name) from error


def _add_content(mail: EmailMessage, message: TestMessage) -> None:
    _check_text(message.text, "text")
    _check_text(message.html, "HTML")
    mail.set_content(_ended(message.text), cte=_encoding(message.text))
    if message.html:
        mail.add_alternative(_ended(message.html), subtype="html", cte=_encoding(message.html))
    for name, octets in message.attachments:
        _check_text(name, "attachment")
        kind, _, subtype = (_TYPES.guess_type(name)[0] or "").partition("/")
        if kind in ("", "message", "multipart"):  # Base64 is not allowed in these (RFC 2046)
            kind, subtype = "application", "octet-stream"
        mail.add_attachment(octets, maintype=kind, subtype=subtype, filename=_file_name(name))


def _ended(text: str) -> str:
    """With one kind of line end, a lone CR among them, and one at the end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def _encoding(text: str) -> str | None:
    """None lets the library choose; what is not meant for lines is coded as octets."""
    odd = any(ord(c) < 0x20 and c not in "\t\r\n" for c in text)
    return "base64" if odd else None


def _file_name(name: str) -> str:
    return "".join("_" if ord(c) < 0x20 or ord(c) == 0x7F else c for c in name)


def _check_text(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError("holds octets that are not UTF-8", where=where) from error


def _wire_address(address: str) -> str:
    local_part, at, domain = address.rpartition("@")
    bad = not at or not local_part or not domain or len(address) > MOST_ADDRESS
    if bad or any(
        ord(c) <= 0x20 or ord(c) == 0x7F or c in '<>(),;:"\\' for c in local_part + domain
    ):
        raise UsageError(f"{address!r} is not an address", remedy="Use the form name@example.org.")
    _check_text(address, "address")
    if domain.isascii() or not local_part.isascii():
        return address
    return f"{local_part}@{_ascii_domain(domain) or domain}"


def _ascii_domain(domain: str) -> str:
    """The domain in its ASCII form (RFC 5890); empty when the codec, which follows the rules of
    2003, would make another domain of it (``faß.example``)."""
    try:
        coded = domain.encode("idna")
        return coded.decode("ascii") if coded.decode("idna") == domain.lower() else ""
    except UnicodeError:
        return ""
