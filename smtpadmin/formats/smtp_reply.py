"""SMTP replies as they come over the wire, RFC 5321 section 4.2, and the queue ID in the last one.

Strict on purpose: a console that tests servers says so when a reply is malformed, and never waits
for an end that cannot come.

>>> parse_reply([b"250-mx1.example.org", b"250 SIZE 1000"]).text
'mx1.example.org\\nSIZE 1000'
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.smtp import Reply
from smtpadmin.util.text import decode_line, visible

MOST_SHOWN = 80
"""Characters of a malformed line that its error repeats."""

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.S)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3}):?(?:[ \n]|$)")
_QUEUE_IDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bqueued as ([A-Za-z0-9][A-Za-z0-9_-]{5,63})",
        r"\bid=([A-Za-z0-9]{6}-[A-Za-z0-9]{6,11}-[A-Za-z0-9]{2,4})\b",
        r"^([A-Za-z0-9]{8,20}) Message accepted for delivery",
        r"<[^<>\s]{3,200}> \[InternalId=(\d+)",
        r"^Ok ([0-9a-f]{16}-[0-9a-f-]{36,60})$",
        r"^OK\s+\d+ ([A-Za-z0-9-]{10,80})\b.* - gsmtp",
        r"\bids=([0-9a-f]{32})\b",
        r"[Mm]essage [Qq]ueued \(([0-9A-F]{8}-[0-9A-F-]{27}(?:\.\d+)?)\)",
        r"\bqueued with id ([0-9a-f]{6,32})\b",
        r"^ok \d+ qp (\d+)$",
    )
)
"""Postfix, SendGrid and the built-in server; Exim; sendmail and OpenSMTPD; Exchange; Amazon SES;
Gmail; KumoMTA; Haraka; Stalwart; qmail."""


def read_reply(received: bytes) -> tuple[Reply, int] | None:
    """The reply at the head of what was received, and how many octets it took; None while it has
    no end. Raises ProtocolError as soon as it cannot become a reply."""
    lines: list[bytes] = []
    start = 0
    while (end := received.find(b"\n", start)) >= 0:
        line = received[start:end]
        if not line.endswith(b"\r"):
            raise ProtocolError(f"a line of the server ends without CR: {_shown(line)}")
        lines.append(line[:-1])
        start = end + 1
        if is_last(lines[-1]):
            return parse_reply(lines), start
        if len(lines) > 1:
            _check_code(lines[0], lines[-1])
    return None


def parse_reply(lines: Sequence[bytes]) -> Reply:
    """One whole reply from its lines (without line ends). Raises ProtocolError for lines that are
    no reply, whose code changes, or that do not end."""
    if not lines:
        raise ProtocolError("the server sent no reply")
    parts = [_split(line) for line in lines]
    for number, (_, last, _) in enumerate(parts):
        _check_code(lines[0], lines[number])
        if last != (number == len(parts) - 1):
            raise ProtocolError(
                "lines after the last one" if last else "the reply has no last line"
            )
    text = "\n".join(text for _, _, text in parts)
    return Reply(parts[0][0], text, enhanced_code(text))


def is_last(line: bytes) -> bool:
    """Whether a reply ends with this line. Raises ProtocolError for one that is no reply."""
    return _split(line)[1]


def enhanced_code(text: str) -> str | None:
    """The enhanced status code (RFC 3463) at the head of a reply's text, or None. It may
    contradict the code, or change in later lines: the first one counts, the rest is text."""
    found = _ENHANCED.match(text)
    return found[1] if found else None


def queue_id_in(text: str) -> str | None:
    """The queue ID that a server names when it accepts a message, or None."""
    bare = _ENHANCED.sub("", text.replace("\n", " "), count=1).strip()
    for pattern in _QUEUE_IDS:
        found = pattern.search(bare)
        if found:
            return found[1]
    return None


def _split(line: bytes) -> tuple[int, bool, str]:
    """Code, whether it is the last line, text."""
    found = _LINE.fullmatch(line)
    if not found:
        raise ProtocolError(f"the server's answer is no SMTP reply: {_shown(line)}")
    return int(found[1]), found[2] != b"-", decode_line(found[3] or b"")


def _check_code(first: bytes, line: bytes) -> None:
    if line[:3] != first[:3]:
        codes = f"{first[:3].decode()}, then {line[:3].decode()}"
        raise ProtocolError(f"the code changes in the middle of a reply ({codes})")


def _shown(line: bytes) -> str:
    text = decode_line(line[: 4 * MOST_SHOWN])
    return visible(text, MOST_SHOWN) if text else "(an empty line)"
