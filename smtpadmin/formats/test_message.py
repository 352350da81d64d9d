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
from collections.abc import Mapping, Sequence
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
_FILLER = "%07d smtpadmin fills this message up to the size that was asked for"
_CID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200}")
_KIND = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,80}/[A-Za-z0-9!#$&^_.+-]{1,80}")
_OWN = {"from", "to", "cc", "subject", "date", "message-id", "mime-version", MARK.lower()}
_TYPES = mimetypes.MimeTypes()
"""The standard library's own table: what this machine has installed makes no difference."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a message. ``kind`` is its media type, empty for what its name says; with ``cid`` it
    is a picture inside the HTML."""

    name: str
    octets: bytes = field(repr=False)
    kind: str = ""
    cid: str = ""


@dataclass(frozen=True, slots=True)
class TestMessage:
    """What is to be sent. ``sender`` is empty for the null sender; ``attachments`` are names with
    octets, ``parts`` those of which more is known. Any line end in the texts (CRLF, LF, a lone CR)
    goes out as CRLF. ``replaced`` headers take the place of our own. ``as_it_is`` sends the text in
    seven or eight bits whatever the length of its lines; ``size`` is the least number of octets."""

    __test__ = False

    sender: str
    recipients: tuple[str, ...]
    subject: str = "smtpadmin test"
    text: str = "This is a test message of smtpadmin.\n"
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    as_it_is: bool = False
    size: int = 0


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
    everybody = (*message.recipients, *message.cc, *message.bcc)
    if not everybody:
        raise UsageError("a test message needs a recipient", where="To")
    sender = wire_address(message.sender) if message.sender else ""
    return sender, tuple(dict.fromkeys(wire_address(address) for address in everybody))


def build(message: TestMessage, when: datetime, identity: uuid.UUID) -> tuple[bytes, str]:
    """The octets (CRLF line ends) and the Message-ID with its angle brackets. Raises UsageError."""
    sender, recipients = envelope_of(message)
    utf8 = not all(address.isascii() for address in (sender, *recipients))
    wire = _Wire(linesep="\r\n", utf8=utf8, cte_type="8bit" if message.as_it_is else "7bit")
    message_id = message_id_for(sender, identity)
    mail = EmailMessage(policy=wire)
    own = {
        "From": sender or "MAILER-DAEMON",
        **_addressed("To", message.recipients),
        **_addressed("Cc", message.cc),
        "Subject": message.subject,
        "Date": format_datetime(when),
        "Message-ID": message_id,
        MARK: str(identity),
    }
    for name, value in _with_replaced(own, message.replaced):
        _set(mail, name, value)
    _add_headers(mail, message.headers)
    _add_content(mail, message, "")
    missing = message.size - len(mail.as_bytes())
    if missing > 0:
        _add_content(mail, message, _filler(missing))
    return mail.as_bytes(), str(mail["Message-ID"] or message_id).strip()


def message_id_for(sender: str, identity: uuid.UUID) -> str:
    """The Message-ID of a test message, with its angle brackets."""
    domain = sender.rpartition("@")[2]
    return (
        f"<smtpadmin.{identity}@{domain if domain.isascii() and domain else 'smtpadmin.invalid'}>"
    )


def _addressed(name: str, addresses: Sequence[str]) -> dict[str, str]:
    return {name: ", ".join(map(wire_address, addresses))} if addresses else {}


def _with_replaced(
    own: Mapping[str, str], replaced: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Our headers, or those that take their place, in order; one replaced by nothing is left out."""
    theirs = {name.lower(): (name, value) for name, value in replaced}
    found = []
    for name, value in own.items():
        instead = theirs.pop(name.lower(), None)
        found += [(name, value)] if instead is None else [instead] if instead[1] else []
    for name, _ in theirs.values():
        if not _HEADER_NAME.fullmatch(name) or _is_mime(name):
            raise UsageError(f"{name!r} cannot be replaced", where="header")
    return [*found, *(header for header in theirs.values() if header[1])]


def _is_mime(name: str) -> bool:
    return name.lower() == "mime-version" or name.lower().startswith("content-")


def _filler(octets: int) -> str:
    line = len(_FILLER % 0) + 2
    return "".join(f"{_FILLER % number}\n" for number in range(-(-octets // line)))


def _add_headers(mail: EmailMessage, headers: Sequence[tuple[str, str]]) -> None:
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise UsageError(f"{name!r} is not a header name", where="extra header")
        if name.lower() in _OWN or _is_mime(name):
            raise UsageError(
                f"{name} is set by smtpadmin itself",
                where="extra header",
                remedy="It can be replaced instead.",
            )
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


def _add_content(mail: EmailMessage, message: TestMessage, filler: str) -> None:
    """Text, HTML and files; called again it replaces them."""
    _check_text(message.text, "text")
    _check_text(message.html, "HTML")
    mail.clear_content()
    text = _ended(message.text) + filler
    mail.set_content(text, cte=_encoding(text, message))
    if message.html:
        html = _ended(message.html)
        mail.add_alternative(html, subtype="html", cte=_encoding(html, message))
        _add_pictures(mail, [part for part in message.parts if part.cid])
    files = [part for part in message.parts if not part.cid or not message.html]
    for part in (*(Part(name, octets) for name, octets in message.attachments), *files):
        kind, subtype = _media_type(part)
        name = _file_name(part.name)
        mail.add_attachment(part.octets, maintype=kind, subtype=subtype, filename=name)


def _add_pictures(mail: EmailMessage, pictures: Sequence[Part]) -> None:
    """Beside the HTML that shows them (multipart/related, RFC 2387; cid: RFC 2392)."""
    html = mail.get_body(("html",))
    assert isinstance(html, EmailMessage)
    for part in pictures:
        if not _CID.fullmatch(part.cid):
            raise UsageError(f"{part.cid[:80]!r} is no Content-ID", where="picture")
        kind, subtype = _media_type(part)
        name = _file_name(part.name)
        html.add_related(
            part.octets, kind, subtype, cid=f"<{part.cid}>", filename=name, disposition="inline"
        )


def _media_type(part: Part) -> tuple[str, str]:
    _check_text(part.name, "attachment")
    wanted = part.kind or _TYPES.guess_type(part.name)[0] or ""
    if part.kind and not _KIND.fullmatch(part.kind):
        raise UsageError(f"{part.kind[:80]!r} is no media type", where=part.name[:80])
    kind, _, subtype = wanted.partition("/")
    if kind in ("", "message", "multipart"):  # Base64 is not allowed in these (RFC 2046)
        return "application", "octet-stream"
    return kind, subtype


def _ended(text: str) -> str:
    """With one kind of line end, a lone CR among them, and one at the end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def _encoding(text: str, message: TestMessage) -> str | None:
    """None lets the library choose; what is not meant for lines is coded as octets."""
    if message.as_it_is:
        return "7bit" if text.isascii() else "8bit"
    odd = any(ord(c) < 0x20 and c not in "\t\r\n" for c in text)
    return "base64" if odd else None


def _file_name(name: str) -> str:
    return "".join("_" if ord(c) < 0x20 or ord(c) == 0x7F else c for c in name)


def _check_text(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError("holds octets that are not UTF-8", where=where) from error


def wire_address(address: str) -> str:
    """As the envelope names it. Raises UsageError for what is no address."""
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
