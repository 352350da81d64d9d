"""SMTP replies as they come over the wire, RFC 5321 section 4.2, and the queue ID in the last one.

>>> parse_reply([b"250-mx1.example.org", b"250 SIZE 1000"]).text
'mx1.example.org\\nSIZE 1000'
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.smtp import Reply
from smtpadmin.util.text import decode_line

_LINE = re.compile(rb"([2-5]\d\d)([ -]?)(.*)", re.S)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:[ \n]|$)")
_QUEUE_IDS = (
    re.compile(r"queued as ([A-Za-z0-9]{6,32})\b"),
    re.compile(r"\bid=([A-Za-z0-9]{6}-[A-Za-z0-9]{6,11}-[A-Za-z0-9]{2,4})\b"),
    re.compile(r"^([A-Za-z0-9]{14,20}) Message accepted for delivery"),
    re.compile(r"<[^<>\s]{3,200}> \[InternalId=(\d+)"),
    re.compile(r"\bOk:? ([0-9a-f]{16}-[0-9a-f-]{36,60})$"),
    re.compile(r"\bOk:? queued as ([A-Za-z0-9_-]{6,64})"),
    re.compile(r"^OK\s+\d+ ([A-Za-z0-9-]{10,80})\b.* - gsmtp"),
)
"""Postfix and the built-in server; Exim; sendmail; Exchange; Amazon SES; others; Gmail."""


def parse_reply(lines: Sequence[bytes]) -> Reply:
    """One whole reply from its lines (without line ends). Raises ProtocolError for lines that are
    no reply, whose code changes, or that do not end."""
    if not lines:
        raise ProtocolError("the server sent no reply")
    parts = [_split(line) for line in lines]
    code = parts[0][0]
    for number, (other, separator, _) in enumerate(parts):
        if other != code:
            raise ProtocolError(f"the code changes in the middle of a reply ({code}, then {other})")
        if (separator == "-") == (number == len(parts) - 1):
            raise ProtocolError(
                "the reply has no last line" if separator == "-" else "lines after the last one"
            )
    text = "\n".join(text for _, _, text in parts)
    return Reply(code, text, enhanced_code(text))


def enhanced_code(text: str) -> str | None:
    """The enhanced status code (RFC 3463) at the head of a reply's text, or None."""
    found = _ENHANCED.match(text)
    return found[1] if found else None


def is_last(line: bytes) -> bool:
    """Whether a reply ends with this line. Raises ProtocolError for one that is no reply."""
    return _split(line)[1] != "-"


def _split(line: bytes) -> tuple[int, str, str]:
    found = _LINE.fullmatch(line)
    if not found or (not found[2] and found[3]):
        raise ProtocolError(f"the server's answer is no SMTP reply: {decode_line(line[:80])}")
    return int(found[1]), found[2].decode() or " ", decode_line(found[3])


def queue_id_in(text: str) -> str | None:
    """The queue ID that a server names when it accepts a message, or None."""
    line = text.replace("\n", " ")
    bare = _ENHANCED.sub("", line, count=1).strip()
    for pattern in _QUEUE_IDS:
        found = pattern.search(bare)
        if found:
            return found[1]
    return None
