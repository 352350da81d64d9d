"""Showing hostile text safely: what a server says, made visible and short."""

from __future__ import annotations

import unicodedata

MAX_SHOWN = 2_000
"""Characters of one text shown to a person before it is cut with a note."""

_BIDI_AND_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}


def visible(text: str, limit: int = MAX_SHOWN) -> str:
    """``text`` on one line with every control, bidirectional or unassigned character as a symbol.

    C0 controls become Unicode control pictures (a line feed ``␊``), others ``\\u{202E}``. Longer than
    ``limit`` characters is cut with a note of how much was left out.
    """
    cut = "" if len(text) <= limit else f" … ({len(text) - limit} more characters)"
    text = text[:limit]
    if text.isascii() and text.isprintable():
        return text + cut
    return "".join(map(_shown, text)) + cut


def visible_text(raw: bytes, limit: int = MAX_SHOWN) -> str:
    """Octets of a message as lines of text, each like :func:`visible` and at most ``limit``
    characters; line ends and tabs stay what they are."""
    lines = raw.replace(b"\r\n", b"\n").split(b"\n")
    return "\n".join(_visible_with_tabs(decode_line(line), limit) for line in lines)


def _visible_with_tabs(line: str, limit: int) -> str:
    return visible(line, limit).replace("␉", "\t") if "\t" in line else visible(line, limit)


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if character != " " and unicodedata.category(character) in _BIDI_AND_INVISIBLE:
        return f"\\u{{{code:04X}}}"
    return character


def decode_line(raw: bytes) -> str:
    """Bytes of a log or session as text: UTF-8 where valid, every other octet as ``\\xNN``."""
    return raw.decode("utf-8", "backslashreplace")
