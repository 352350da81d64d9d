"""Takes a message apart once for all that look at it: header fields as they stand, body, MIME parts and
what is broken about them. Pure; any octets are survived.

RFC 5322 and RFC 2045. Where the standard library would take too long, or slips, ``untested`` says why.
"""

from __future__ import annotations

import email
import email.errors
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import Message

from smtpadmin.formats.message_header import MOST_HEADER_OCTETS

MOST_PARSED = 10 * 1024 * 1024
"""Octets of a message whose MIME structure is looked at."""
MOST_PARTS = 1_000
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]{0,50}:(.*)", re.S)


@dataclass(frozen=True, slots=True)
class TakenApart:
    """``fields`` maps lower-case names to values in order; ``not_fields`` are lines of the header that
    are none; ``mail_options`` are the parameters of MAIL."""

    raw: bytes
    head: bytes
    body: bytes
    fields: Mapping[str, list[str]]
    not_fields: tuple[bytes, ...]
    mail_options: tuple[str, ...]
    smtputf8: bool
    parts: tuple[Message, ...] = field(default=(), repr=False)
    defects: tuple[str, ...] = ()
    untested: str = ""

    def values(self, name: str) -> list[str]:
        """The values of a field, by its lower-case name."""
        return self.fields.get(name, [])


def take_apart(raw: bytes, mail_options: tuple[str, ...], smtputf8: bool) -> TakenApart:
    """Raises nothing."""
    head, body = _halves(raw)
    fields: dict[str, list[str]] = {}
    not_fields = []
    for line in _unfolded(head):
        found = _FIELD.fullmatch(line)
        if found is None:
            not_fields.append(line)
        else:
            value = found[2].decode("utf-8", "backslashreplace").strip()
            fields.setdefault(found[1].decode("ascii").lower(), []).append(value)
    parts, defects, untested = _structure(raw)
    return TakenApart(
        raw, head, body, fields, tuple(not_fields), mail_options, smtputf8, parts, defects, untested
    )


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    """Header and body, parted by the first empty line, whatever the line ends."""
    if raw.startswith((b"\r\n", b"\n")):
        return b"", raw.lstrip(b"\r")[1:]
    ends = [at for at in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if at >= 0]
    if not ends:
        return raw, b""
    end = min(ends)
    gap = 4 if raw.startswith(b"\r\n\r\n", end) else 2
    return raw[:end], raw[end + gap :]


def _unfolded(head: bytes) -> Iterator[bytes]:
    """The header's lines, those that go on joined (RFC 5322 section 2.2.3)."""
    parts: list[bytes] = []
    for line in head[:MOST_HEADER_OCTETS].split(b"\n"):
        line = line.removesuffix(b"\r")
        if line[:1] in (b" ", b"\t") and parts:
            parts.append(b" " + line.strip())
            continue
        if parts:
            yield b"".join(parts)
        parts = [line] if line else []
    if parts:
        yield b"".join(parts)


def _structure(raw: bytes) -> tuple[tuple[Message, ...], tuple[str, ...], str]:
    """The parts, the parser's complaints, and why neither can be known."""
    if len(raw) > MOST_PARSED:
        return (), (), f"larger than {MOST_PARSED // 1024 // 1024} MiB"
    parts: list[Message] = []
    defects: list[str] = []
    try:
        whole = email.message_from_bytes(raw, policy=policy.compat32)
        for part in whole.walk():
            if len(parts) >= MOST_PARTS:
                return tuple(parts), tuple(defects), f"more than {MOST_PARTS} parts"
            parts.append(part)
            if part.get_content_maintype() == "text":
                part.get_payload(decode=True)  # notices broken Base64
            defects += [_defect(found) for found in part.defects]
    except RecursionError:
        return (), (), "parts nested too deep"
    except (ValueError, LookupError, AssertionError, TypeError, AttributeError) as error:
        # The library's own slips on broken messages; the message is broken all the same.
        defects.append(f"cannot be parsed ({type(error).__name__})")
    return tuple(parts), tuple(dict.fromkeys(defects)), ""


def _defect(defect: email.errors.MessageDefect) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(defect).__name__.removesuffix("Defect"))
    return words.lower()
