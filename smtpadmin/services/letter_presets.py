"""Ready-made test messages: each preset changes one thing about a recipe, so that several add up."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from smtpadmin.formats.header_presets import PRESETS as HEADER_PRESETS
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import FileRef, Letter, Recipe
from smtpadmin.services.compose import with_presets
from smtpadmin.settings.files import write_private

BIG = 10 * 1024 * 1024
LONG_LINE = 2_000
"""Octets; RFC 5321 section 4.5.3.1.6 allows 998 without the line end."""
PICTURE = "picture.png"
_UTF8_LOCAL_PART = "δοκιμή"
_HTML = """<html><body style="font-family: sans-serif">
<h1>smtpadmin test</h1>
<p>Message %N% of %TIMES%, with a picture that lies inside the message:</p>
<p><img src="cid:picture.png" width="96" height="96" alt="a square from blue to green"></p>
</body></html>
"""
_EIGHT_BIT = "Grüße aus Köln, žluťoučký kůň, Ελληνικά, 日本語, one emoji 📬.\n"


class LetterPreset(NamedTuple):
    """``title`` for a menu, ``help`` says what it tests."""

    name: str
    title: str
    help: str


LETTER_PRESETS = (
    LetterPreset("plain", "Plain text", "Takes all of the others out again"),
    LetterPreset("html", "HTML with a picture inside", "multipart/related, RFC 2387"),
    LetterPreset("gtube", "Spam test (GTUBE)", "Spam filters must find it"),
    LetterPreset("gtphish", "Phishing test (GTphish)", "Spam filters must find it"),
    LetterPreset("eicar", "Virus test (EICAR)", "Virus scanners must find it"),
    LetterPreset("eicar-zip", "Virus test in a ZIP file", "Scanners must look into archives"),
    LetterPreset("big", "Big: 10 MiB", "Size limits"),
    LetterPreset("eight-bit", "8-bit text", "8BITMIME, RFC 6152"),
    LetterPreset("utf8", "UTF-8 address", "SMTPUTF8, RFC 6531"),
    LetterPreset("long-line", "A line that is too long", "More than 998 octets, RFC 5321"),
    LetterPreset("null-sender", "Empty sender", "As bounces have it: MAIL FROM:<>"),
    LetterPreset("unsubscribe", "List-Unsubscribe", "One click, RFC 8058"),
    LetterPreset("campaign", "Campaign headers", "X-Campaign and Feedback-ID"),
)
HEADER_TITLES: Mapping[str, str] = {
    name: ", ".join(dict(headers)) for name, headers in HEADER_PRESETS.items()
}
"""Every header preset by name, for a menu of its own."""


def apply_preset(recipe: Recipe, name: str, folder: Path) -> Recipe:
    """The recipe with one preset; ``folder`` takes the picture's file. Raises UsageError, OSError."""
    letter, plan = recipe.letter, recipe.plan
    if name == "plain":
        return Recipe(_plain(letter), plan)
    if name == "html":
        picture = FileRef(str(_picture_file(folder)), "image/png", PICTURE)
        return Recipe(replace(letter, html=_HTML, pictures=(picture,)), plan)
    if name in ("gtube", "gtphish", "eicar", "eicar-zip"):
        return Recipe(replace(letter, payload=name), plan)
    if name == "utf8":
        envelope = replace(plan.envelope, utf8=True)
        return Recipe(_utf8_recipient(letter), replace(plan, envelope=envelope))
    changes = {
        "big": {"size": BIG},
        "eight-bit": {"eight_bit": True, "text": _EIGHT_BIT},
        "long-line": {"line_length": LONG_LINE},
        "null-sender": {"sender": ""},
    }
    if name in changes:
        return Recipe(replace(letter, **changes[name]), plan)  # type: ignore[arg-type]
    if name in HEADER_PRESETS:
        return Recipe(with_presets(letter, (name,)), plan)
    raise UsageError(f"{name!r} is no preset")


def extras(letter: Letter) -> list[str]:
    """What a letter has beside what one sees in a form, in a few words each."""
    found = [f"scanner test {letter.payload}"] if letter.payload else []
    found += [f"at least {letter.size / 1024 / 1024:g} MiB"] if letter.size else []
    found += [f"a line of {letter.line_length} octets"] if letter.line_length else []
    found += ["8-bit text"] if letter.eight_bit else []
    found += [f"Cc {', '.join(letter.cc)}"] if letter.cc else []
    found += [f"Bcc {', '.join(letter.bcc)}"] if letter.bcc else []
    found += [f"{name} replaced" for name, _ in letter.replaced]
    found += [f"signed for {letter.dkim.domain}"] if letter.dkim else []
    return found


def without_extras(letter: Letter) -> Letter:
    """The letter without what :func:`extras` tells."""
    return replace(
        letter,
        payload="",
        size=0,
        line_length=0,
        eight_bit=False,
        cc=(),
        bcc=(),
        replaced=(),
        dkim=None,
    )


def _plain(letter: Letter) -> Letter:
    text = Letter().text if letter.text == _EIGHT_BIT else letter.text
    bare = without_extras(letter)
    return replace(bare, text=text, html="", headers=(), attachments=(), pictures=(), raw_file="")


def _utf8_recipient(letter: Letter) -> Letter:
    """The first recipient's local part becomes one that only SMTPUTF8 can carry."""
    domain = letter.to[0].rpartition("@")[2] if letter.to else ""
    first = f"{_UTF8_LOCAL_PART}@{domain or 'example.org'}"
    return replace(letter, to=(first, *letter.to[1:]))


def _picture_file(folder: Path) -> Path:
    path = folder / PICTURE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, png(96))
    return path


def png(side: int) -> bytes:
    """A square from blue to green, as PNG (RFC 2083)."""
    rows = b"".join(
        b"\0" + bytes((36, 87 + 120 * y // side, 214 - 160 * y // side)) * side for y in range(side)
    )
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
