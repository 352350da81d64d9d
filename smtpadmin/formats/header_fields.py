"""Header fields: split, unfolded and decoded as they really come (RFC 5322 section 2.2, 2047, 2231).

Linear in time for any input. Nothing is dropped: a field that cannot be decoded keeps its text.

>>> decode_words("=?utf-8?q?caf=C3=A9?= =?utf-8?b?IQ==?=")
'café!'
>>> read_parameters("text/plain; charset*=us-ascii'en'utf%2D8; name*0=a; name*1=b")
('text/plain', {'charset': 'utf-8', 'name': 'ab'})
"""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from smtpadmin.formats.charsets import decode_text
from smtpadmin.model.message_view import Header

MOST_FIELDS = 5_000
"""Fields of one header; what follows counts as body, so that nothing is lost."""
MOST_DECODED = 100_000
"""Characters of one field that are decoded; the rest stays as it stands."""
MOST_PARAMETERS = 200

_NAME = re.compile(rb"[!-9;-~]{1,998}[ \t]*:")
_EMPTY = re.compile(rb"\r*\n")
_FIELD = re.compile(rb"[^\n]*+(?:\n[ \t][^\n]*+)*+\n?")
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([BbQq])\?([^?]*)\?=")
_PARAMETER = re.compile(r";\s*([^\s=;\"]{1,100})\s*=\s*(\"(?:[^\"\\]|\\.)*\"?|[^;\"\s]*)", re.S)
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)


def split_header(raw: bytes, start: int = 0, end: int | None = None) -> tuple[list[Header], int]:
    """The fields at ``start``, and where the body begins. A header ends at an empty line, at a line
    that is neither field nor fold, or after ``MOST_FIELDS``."""
    stop = len(raw) if end is None else end
    fields: list[Header] = []
    place = start
    while place < stop:
        if (empty := _EMPTY.match(raw, place, stop)) is not None:
            return fields, empty.end()
        whole = _FIELD.match(raw, place, stop)
        after = whole.end() if whole is not None else stop
        is_mbox = place == start and raw.startswith((b"From ", b">From "), place)
        if is_mbox:
            after = raw.find(b"\n", place, stop) + 1 or stop
        elif not _NAME.match(raw, place, stop) or len(fields) >= MOST_FIELDS:
            return fields, place
        else:
            _keep(raw[place:after], fields)
        place = after
    return fields, stop


def _keep(field: bytes, fields: list[Header]) -> None:
    name, _, value = field.partition(b":")
    text = decode_text(re.sub(rb"\r?\n(?=[ \t])", b"", value.strip()))
    fields.append(Header(decode_text(name.strip()), decode_words(text), field.rstrip(b"\r\n")))


def decode_words(text: str) -> str:
    """Encoded words (RFC 2047) as text. A character that was cut between two words is put together
    again; white space between words is none (section 6.2)."""
    if "=?" not in text:
        return text
    head, tail = text[:MOST_DECODED], text[MOST_DECODED:]
    done: list[str] = []
    waiting: tuple[str, list[bytes]] | None = None
    place = 0
    for word in _WORD.finditer(head):
        between = head[place : word.start()]
        charset = word[1].partition("*")[0].lower()
        octets = _word_octets(word[2], word[3])
        if waiting is not None and not between.strip() and waiting[0] == charset:
            waiting[1].append(octets)
        else:
            keep = between if waiting is None or between.strip() else ""
            done += _flushed(waiting), keep
            waiting = (charset, [octets])
        place = word.end()
    return "".join((*done, _flushed(waiting), head[place:], tail))


def _flushed(waiting: tuple[str, list[bytes]] | None) -> str:
    return decode_text(b"".join(waiting[1]), waiting[0]) if waiting is not None else ""


def _word_octets(kind: str, text: str) -> bytes:
    octets = text.encode("utf-8", "surrogatepass")
    if kind in "bB":
        return loose_base64(octets)
    return binascii.a2b_qp(octets.replace(b"\n", b""), header=True)


def loose_base64(octets: bytes) -> bytes:
    """Base64 as far as it goes: foreign octets are skipped, padding may be missing, and several
    encoded texts may stand one after another."""
    pieces = octets.split(b"=") if octets.count(b"=") < 1_000 else [octets]
    decoded = []
    for piece in pieces:
        clean = piece.translate(None, _NOT_BASE64)
        clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
        decoded.append(binascii.a2b_base64(clean + b"=" * (-len(clean) % 4)))
    return b"".join(decoded)


def read_parameters(text: str) -> tuple[str, dict[str, str]]:
    """The value of a structured field, lower case, and its parameters: quoted, in sections and with
    a charset (RFC 2231), or with encoded words, which are wrong there and common."""
    text = text[:MOST_DECODED]
    value, _, _ = text.partition(";")
    sections: dict[str, dict[int, tuple[bool, str]]] = {}
    for number, found in enumerate(_PARAMETER.finditer(text, len(value))):
        if number >= MOST_PARAMETERS:
            break
        name = _SECTION.fullmatch(found[1].lower())
        if name is not None:
            section = (bool(name[3]), _unquoted(found[2]))
            sections.setdefault(name[1], {}).setdefault(int(name[2] or 0), section)
    return value.strip().lower(), {name: _joined(each) for name, each in sections.items()}


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    return re.sub(r"\\(.)", r"\1", inner, flags=re.S)


def _joined(sections: dict[int, tuple[bool, str]]) -> str:
    ordered = [sections[number] for number in sorted(sections)]
    if not any(encoded for encoded, _ in ordered):
        return decode_words("".join(text for _, text in ordered))
    charset = ""
    octets = b""
    for number, (encoded, text) in enumerate(ordered):
        if encoded and number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        plain = text.encode("utf-8", "surrogatepass")
        octets += unquote_to_bytes(plain) if encoded else plain
    return decode_text(octets, charset)
