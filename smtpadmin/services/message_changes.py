"""Compares what was sent with what arrived: fields added, removed or rewritten, and the body."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import zip_longest

from smtpadmin.formats.mime_parts import parse_message, part_octets, walk
from smtpadmin.model.message_changes import HeaderChange, MessageChanges
from smtpadmin.model.message_view import Header, Part

MOST_CHANGES = 500


def compare_messages(sent: bytes, arrived: bytes) -> MessageChanges:
    """What changed on the way. Fields of one name are compared in their order: a server adds its
    own (``Received``) above those that were there."""
    before, after = parse_message(sent), parse_message(arrived)
    old, new = _by_name(before.headers), _by_name(after.headers)
    changes: dict[str, list[HeaderChange]] = {"added": [], "removed": [], "rewritten": []}
    for name in dict.fromkeys((*new, *old)):
        for change in _changes(old.get(name, []), new.get(name, [])):
            kind = (
                "added"
                if change.before is None
                else "removed"
                if change.after is None
                else "rewritten"
            )
            changes[kind].append(change)
    body, notes = _body(sent, before, arrived, after)
    return MessageChanges(
        tuple(changes["added"][:MOST_CHANGES]),
        tuple(changes["removed"][:MOST_CHANGES]),
        tuple(changes["rewritten"][:MOST_CHANGES]),
        body,
        tuple(notes),
    )


def _by_name(headers: Sequence[Header]) -> dict[str, list[Header]]:
    found: dict[str, list[Header]] = defaultdict(list)
    for header in headers:
        found[header.name.lower()].append(header)
    return found


def _changes(old: list[Header], new: list[Header]) -> list[HeaderChange]:
    """Equal ones go first; what is left is paired from below, and the rest is new, or gone."""
    kept = Counter(_plain(h.value) for h in old) & Counter(_plain(h.value) for h in new)
    left_old, left_new = _without(old, kept), _without(new, kept)
    pairs = zip_longest(reversed(left_old), reversed(left_new))
    found = [
        HeaderChange((b or a).name, b.value if b else None, a.value if a else None)
        for b, a in pairs
        if (b or a) is not None
    ]
    return found[::-1]


def _without(headers: list[Header], kept: Counter[str]) -> list[Header]:
    """The lowest of equal ones are those that were kept: new ones stand above."""
    kept = kept.copy()
    left = []
    for header in reversed(headers):
        value = _plain(header.value)
        if kept[value]:
            kept[value] -= 1
        else:
            left.append(header)
    return left[::-1]


def _plain(value: str) -> str:
    """Folding and its blanks are no change."""
    return "".join(value.split())


def _body(sent: bytes, before: Part, arrived: bytes, after: Part) -> tuple[str, list[str]]:
    if _lines(sent[before.start :]) == _lines(arrived[after.start :]):
        return "same", []
    old = [(p.content_type, p) for p in walk(before) if not p.parts]
    new = [(p.content_type, p) for p in walk(after) if not p.parts]
    notes = []
    if [kind for kind, _ in old] != [kind for kind, _ in new]:
        return "changed", [f"{len(old)} parts were sent, {len(new)} arrived, or of other types"]
    changed = False
    for (_, a), (_, b) in zip(old, new, strict=True):
        number = b.number or "the text"
        if a.encoding != b.encoding:
            notes.append(f"part {number}: {a.encoding} became {b.encoding}")
        if _lines(part_octets(sent, a)) != _lines(part_octets(arrived, b)):
            changed = True
            notes.append(f"part {number}: the content was changed")
    return ("changed" if changed else "re-encoded"), notes


def _lines(octets: bytes) -> bytes:
    """Line ends, and empty lines at the end, mean nothing (as in RFC 6376 section 3.4.3)."""
    return octets.replace(b"\r\n", b"\n").rstrip(b"\n")
