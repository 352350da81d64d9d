"""A raw message made readable: header, structure, text, attachments. Pure; never raises.

Bounded: what is shown is cut at ``MOST_TEXT``, the structure at the limits of ``mime_parts``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smtpadmin.formats.html_text import html_to_text
from smtpadmin.formats.mime_parts import parse_message, part_octets, part_text, walk
from smtpadmin.model.message_view import Attachment, MessageView, Part
from smtpadmin.util.text import visible

MOST_TEXT = 1_000_000
"""Octets of one text part that are decoded for reading."""
MOST_LINE = 4_000
MOST_NAME = 120
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')
_ENDINGS = {
    "text/plain": ".txt", "text/html": ".html", "message/rfc822": ".eml", "application/pdf": ".pdf",
    "message/delivery-status": ".txt", "image/png": ".png", "image/jpeg": ".jpg",
}  # fmt: skip


def view_message(raw: bytes) -> MessageView:
    """Take a message apart."""
    root = parse_message(raw)
    html = next((p for p in walk(root) if p.content_type == "text/html" and p.is_text), None)
    return MessageView(
        root=root,
        body="\n".join(_texts(raw, root)),
        html=None if html is None else part_text(raw, html, MOST_TEXT),
        attachments=tuple(_attachments(raw, root)),
        size=len(raw),
    )


def _texts(raw: bytes, part: Part) -> Iterator[str]:
    """The texts to read, in order; of alternatives the plain one. A message inside is no text of
    this one."""
    if part.content_type == "multipart/alternative" and part.parts:
        plain = [child for child in part.parts if child.content_type == "text/plain"]
        yield from _texts(raw, (plain or list(part.parts))[0 if plain else -1])
    elif part.content_type.startswith("multipart/"):
        if not part.parts:
            yield part_text(raw, part, MOST_TEXT)
        for child in part.parts:
            yield from _texts(raw, child)
    elif part.is_text:
        text = part_text(raw, part, MOST_TEXT)
        yield html_to_text(text) if part.content_type == "text/html" else text


def _attachments(raw: bytes, root: Part) -> Iterator[Attachment]:
    for part in walk(root):
        if part.is_text or part.content_type.startswith("multipart/") or part is root:
            continue
        whole = part.parts or part.encoding in ("7bit", "8bit", "binary")
        size = part.end - part.start if whole else len(part_octets(raw, part))
        yield Attachment(part.number, file_name(part), part.content_type, size)


def file_name(part: Part) -> str:
    """A name for a part that no file system trips over: no folders, no controls, no hidden file."""
    name = _UNSAFE.sub("_", part.filename).strip(" .")
    if not name:
        ending = _ENDINGS.get(part.content_type, ".bin")
        return f"part-{part.number or '0'}{ending}"
    stem, dot, ending = name.rpartition(".")
    if len(name) > MOST_NAME and dot and len(ending) <= 10:
        return f"{stem[: MOST_NAME - len(ending) - 1]}.{ending}"
    return name[:MOST_NAME]


def find_part(root: Part, number: str) -> Part | None:
    """The part with that number."""
    return next((part for part in walk(root) if part.number == number), None)


def readable(text: str) -> str:
    """Text of several lines for a person: line ends kept, tabs as blanks, every other control and
    every bidirectional character as a symbol."""
    return "\n".join(visible(line.expandtabs(8), MOST_LINE) for line in text.split("\n"))


def structure_lines(root: Part) -> Iterator[str]:
    """The tree, one line a part."""
    for part in walk(root):
        depth = part.number.count(".") + 1 if part.number else 0
        size = part.end - part.start
        name = f" {part.filename!r}" if part.filename else ""
        charset = part.parameters.get("charset", "")
        words = f"{part.number or 'message'} {part.content_type}{name} {charset} {part.encoding}"
        notes = f" ({'; '.join(part.notes)})" if part.notes else ""
        yield visible(f"{'  ' * depth}{' '.join(words.split())} {size} octets{notes}")
