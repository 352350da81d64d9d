"""The MIME structure of a raw message (RFC 2046), found in time linear in its length.

Our own, because the standard library's parser recurses once a level and takes quadratic time on
nested parts. Parts are places in the raw message, never copies. What is broken is noted and shown
as it stands: a missing boundary makes one part of the rest.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from smtpadmin.formats.charsets import decode_text
from smtpadmin.formats.header_fields import loose_base64, read_parameters, split_header
from smtpadmin.model.message_view import Header, Part

MOST_DEPTH = 30
MOST_PARTS = 1_000
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_IDENTITY = {"", "7bit", "8bit", "binary"}
_INSIDE = {"message/rfc822", "message/global", "text/rfc822"}


class _Budget:
    """How many parts may still be made."""

    def __init__(self) -> None:
        self.left = MOST_PARTS


def parse_message(raw: bytes) -> Part:
    """The root of the structure. Never raises; deeper than ``MOST_DEPTH``, or after ``MOST_PARTS``
    parts, a part stays whole and says so."""
    return _part(raw, 0, len(raw), "", 0, _Budget(), "text/plain")


def _part(
    raw: bytes, start: int, end: int, number: str, depth: int, budget: _Budget, default: str
) -> Part:  # fmt: skip
    budget.left -= 1
    headers, body = split_header(raw, start, end)
    kind, parameters = read_parameters(_field(headers, "content-type"))
    disposition, more = read_parameters(_field(headers, "content-disposition"))
    encoding = _field(headers, "content-transfer-encoding").strip().split(";")[0].strip().lower()
    notes = []
    if not _TYPE.fullmatch(kind):
        if kind:
            notes.append("Content-Type is malformed")
        kind = default
    children: list[Part] = []
    if kind.startswith("multipart/") or (kind in _INSIDE and encoding in _IDENTITY):
        if depth >= MOST_DEPTH or budget.left <= 0:
            notes.append("too many parts, or too deep: not taken apart")
        elif kind in _INSIDE:
            inner = f"{number}.1" if number else "1"
            children.append(_part(raw, body, end, inner, depth + 1, budget, "text/plain"))
        else:
            children = _children(raw, body, end, parameters, number, depth, budget, kind, notes)
    return Part(
        number, kind, body, end, tuple(headers), parameters, disposition,
        more.get("filename") or parameters.get("name", ""), encoding or "7bit", tuple(children),
        tuple(notes),
    )  # fmt: skip


def _children(
    raw: bytes, start: int, end: int, parameters: dict[str, str], number: str, depth: int,
    budget: _Budget, kind: str, notes: list[str],
) -> list[Part]:  # fmt: skip
    boundary = parameters.get("boundary", "").rstrip().encode("utf-8", "surrogatepass")
    if not boundary:
        notes.append("multipart without a boundary")
        return []
    places, closed = _between(raw, start, end, boundary)
    if not closed:
        notes.append("the closing boundary is missing" if places else "the boundary never comes")
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    children = []
    for count, (first, last) in enumerate(places, 1):
        if budget.left <= 0:
            notes.append("too many parts: the rest is not taken apart")
            break
        inner = f"{number}.{count}" if number else str(count)
        children.append(_part(raw, first, last, inner, depth + 1, budget, default))
    return children


def _between(
    raw: bytes, start: int, end: int, boundary: bytes
) -> tuple[list[tuple[int, int]], bool]:
    """Where parts begin and end, and whether the closing delimiter was there."""
    places: list[tuple[int, int]] = []
    begin = -1
    for line, after, last in _delimiters(raw, start, end, b"--" + boundary):
        if begin >= 0:
            places.append((begin, max(begin, _before_line_end(raw, line))))
        begin = -1 if last else after
        if last or len(places) > MOST_PARTS:
            return places, last
    if begin >= 0:
        places.append((begin, end))
    return places, False


def _delimiters(raw: bytes, start: int, end: int, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    """Each delimiter line: its place, what follows it, and whether it closes."""
    place = start
    while (place := raw.find(mark, place, end)) >= 0:
        if place > start and raw[place - 1 : place] != b"\n":
            place += len(mark)
            continue
        feed = raw.find(b"\n", place, end)
        after = feed + 1 if feed >= 0 else end
        tail = raw[place + len(mark) : min(after, place + len(mark) + 200)].strip()
        if tail in (b"", b"--"):
            yield place, after, tail == b"--"
        place = after


def _before_line_end(raw: bytes, place: int) -> int:
    """The line end before a delimiter belongs to it (RFC 2046 section 5.1.1)."""
    if raw[place - 2 : place] == b"\r\n":
        return place - 2
    return place - 1 if raw[place - 1 : place] == b"\n" else place


def _field(headers: list[Header], name: str) -> str:
    return next((h.value for h in headers if h.name.lower() == name), "")


def walk(part: Part) -> Iterator[Part]:
    """The part and all below, in the order of the message."""
    yield part
    for child in part.parts:
        yield from walk(child)


def part_octets(raw: bytes, part: Part) -> bytes:
    """A part's content with its transfer encoding undone, as far as it can be."""
    body = raw[part.start : part.end]
    if part.parts or part.encoding in _IDENTITY:
        return body
    if part.encoding == "base64":
        return loose_base64(body)
    if part.encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if part.encoding in ("x-uuencode", "uuencode", "x-uue"):
        return _uudecoded(body)
    return body


def part_text(raw: bytes, part: Part, limit: int) -> str:
    """A text part decoded, at most ``limit`` octets of it, line ends as line feeds."""
    text = decode_text(part_octets(raw, part)[:limit], part.parameters.get("charset", ""))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _uudecoded(body: bytes) -> bytes:
    done = []
    for line in body.splitlines():
        if line.startswith(b"begin ") or line in (b"", b"end", b"`"):
            continue
        try:
            done.append(binascii.a2b_uu(line))
        except binascii.Error:
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            done.append(_uu_cut(line[:length]))
    return b"".join(done)


def _uu_cut(line: bytes) -> bytes:
    """Some encoders write trailing garbage; what remains wrong stays as it is."""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return line
