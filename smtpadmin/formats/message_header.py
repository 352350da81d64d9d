"""What a server reads in a message's header, and the one kind of line end. Pure functions.

Folding, encoded words and broken octets are survived: a header that cannot be read is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header

MOST_HEADER_OCTETS = 256 * 1024
MOST_SUBJECT_CHARACTERS = 500
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:[ \t]*", re.M)
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_FOLD = re.compile(r"\r?\n[ \t]+")


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the log and the queue show of a message. ``hops`` counts Received fields."""

    message_id: str | None
    subject: str | None
    hops: int


def normal_line_ends(raw: bytes) -> bytes:
    """A message whose every line ends with CRLF, as RFC 5321 section 2.3.8 wants it. Bare CR and
    LF become line ends, so that no hop sees lines that another one does not (SMTP smuggling)."""
    if raw.count(b"\r") != raw.count(b"\r\n") or raw.count(b"\n") != raw.count(b"\r\n"):
        raw = _BARE.sub(b"\r\n", raw)
    return raw if raw.endswith(b"\r\n") or not raw else raw + b"\r\n"


def header_is_too_long(raw: bytes) -> bool:
    """Whether the header does not end within :data:`MOST_HEADER_OCTETS`."""
    return len(raw) > MOST_HEADER_OCTETS and b"\r\n\r\n" not in raw[: MOST_HEADER_OCTETS + 4]


def read_header(raw: bytes) -> HeaderFacts:
    """Read the header of a message with CRLF line ends."""
    header = _header_part(raw)
    values: dict[bytes, str] = {}
    hops = 0
    fields = list(_FIELD.finditer(header))
    ends = [field.start() for field in fields[1:]] + [len(header)]
    for field, end in zip(fields, ends, strict=False):
        name = field[1].lower()
        hops += name == b"received"
        if name in (b"message-id", b"subject") and name not in values:
            values[name] = header[field.end() : end].decode("utf-8", "replace").strip()
    return HeaderFacts(
        message_id=_unfold(values.get(b"message-id")) or None,
        subject=_decoded(_unfold(values.get(b"subject"))),
        hops=hops,
    )


def _header_part(raw: bytes) -> bytes:
    head = raw[:MOST_HEADER_OCTETS]
    if head.startswith(b"\r\n"):
        return b""
    end = head.find(b"\r\n\r\n")
    return head[: end + 2] if end >= 0 else head


def _unfold(text: str | None) -> str:
    return _FOLD.sub(" ", text) if text else ""


def _decoded(text: str) -> str | None:
    if not text:
        return None
    try:
        subject = str(make_header(decode_header(text)))
    except (ValueError, LookupError, HeaderParseError):
        subject = text
    return subject[:MOST_SUBJECT_CHARACTERS]
