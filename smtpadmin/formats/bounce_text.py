"""Bounces that say it in words alone: who was not reached, and what the server answered.

Every mail server has its own words; the shape is common: a sentence, the address at the head of a
line or after a key word, the reply near it, then a copy of the message behind a line that says so.
"""

from __future__ import annotations

import re

from smtpadmin.formats.mail_address import ADDRESS, addresses_in, bare_address, is_daemon
from smtpadmin.model.bounce import ReportedRecipient

MOST_TEXT = 100_000
MOST_LINES = 2_000
MOST_LINE = 2_000
MOST_RECIPIENTS = 200
MOST_DIAGNOSTIC = 2_000

_COPY = re.compile(
    r"(?:(?=[\s*>=_]{0,40}-{2})[\s*>=_-]*+.{0,20}?(?:below this line|this is a copy|original message|returned message|message header"
    r"|header of the original|unsent message|copy of the message|message follows|message text|undelivered message|forwarded message"
    r"|ursprüngliche nachricht|message d'origine|mensaje original)"
    r"|[\s*>=_-]*+(?:below is a copy|message headers follow|original message follows|included is a copy|original message:"
    r"|the original message (?:headers|was attached)))",
    re.I,
)  # fmt: skip
_FIELD_OF_COPY = re.compile(r"(received|return-path|x-originating-ip|x-google-smtp-source):", re.I)
_REPLY = re.compile(
    r"(?<![\w./@-])(?<!\w:)[#('\"]*[45][0-5]\d(?=[ \-,:;'<#]|$)|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])"
)
_HEAD_OF_LINE = re.compile(rf"[\s>*<\"'(\[+.:-]{{0,40}}(?:to:?\s+)?[<\"']?({ADDRESS})[>\"']?")
_AFTER_WORD = re.compile(
    rf"(?:rcpt to|recipients?|deliver(?:y|ed)?(?: (?:your )?(?:the )?(?:e-?mail|message|mail))?(?: (?:to|für|à|a))?|unknown user|user|mailbox|address(?:es)?"
    rf"|empfänger\w*|destinatari\w*|destinataire\w*|gateway for|sent to|reach|mailing list|e-?mail to|message to|mail to|an|konto)"
    rf"[\s:(<\[\"'=]{{1,10}}(?:smtp:)?({ADDRESS})",
    re.I,
)  # fmt: skip
_NOT_A_RECIPIENT = re.compile(
    r"mail from|^\s*[<>*\s]*from\b|^\s*(sender|reporting-mta|envelope-from|reply-to|message-id|von|de|subject|betreff)\s*[:=]"
    r"|original sender|contact|if you know|to the address|please send|questions|envelope-from|mailto:|https?://|abuse@|^\s*to:\s*.*$|id=<|message-id",
    re.I,
)  # fmt: skip
_LEADING_CODE = re.compile(r"[<>#('\"\s]*([245][0-5]\d)\b")
_RULE = re.compile(r"\s*[-=*_]{3,}")


def own_words(text: str) -> str:
    """What the server wrote itself: quote marks taken off, without the copy of the message."""
    lines = [_unquoted(line[:MOST_LINE]) for line in text[:MOST_TEXT].split("\n")[:MOST_LINES]]
    for number, line in enumerate(lines):
        if _COPY.match(line) and number > 0:
            return "\n".join(lines[:number])
        if _FIELD_OF_COPY.match(line) and number > 0:
            return "\n".join(lines[:number])
    return "\n".join(lines)


def _unquoted(line: str) -> str:
    """Without the ``> `` of a quotation; ``>>>`` is a transcript's mark, not a quotation."""
    return line[2:] if line.startswith("> ") else line


def read_bounce_text(
    words: str, named: tuple[str, ...], own: frozenset[str]
) -> tuple[ReportedRecipient, ...]:
    """Recipients that the ``words`` of a bounce name, each with the reply near it. ``named`` are known
    already (``X-Failed-Recipients``); ``own`` is who the bounce was sent to, in lower case."""
    lines = words.split("\n")
    places = _places(lines, own)
    for address in named:
        known = places.get(address.lower())
        start = known[1] if known else _first_line_with(lines, address)
        places[address.lower()] = (address, start)
    if named:
        places = {key: places[key] for key in {a.lower(): None for a in named}}
    chosen = sorted(places.values(), key=lambda place: place[1])[:MOST_RECIPIENTS]
    return tuple(
        _reported(address, lines, start, _next_start(chosen, number, len(lines)), len(chosen) == 1)
        for number, (address, start) in enumerate(chosen)
    )


def _places(lines: list[str], own: frozenset[str]) -> dict[str, tuple[str, int]]:
    """Address (lower case) -> as written, and its first line; the surest way of naming that is used."""
    ways: tuple[re.Pattern[str] | None, ...] = (_HEAD_OF_LINE, _AFTER_WORD, None)
    for way in ways:
        found: dict[str, tuple[str, int]] = {}
        for number, line in enumerate(lines):
            if _NOT_A_RECIPIENT.search(line) and way is not _HEAD_OF_LINE:
                rcpt = _AFTER_WORD.search(line) if "rcpt to" in line.lower() else None
                names = [rcpt[1]] if rcpt else []
            else:
                names = _names(line, way)
            for name in names:
                if name.lower() not in own and not (is_daemon(name) and way is None):
                    found.setdefault(name.lower(), (name, number))
        if found:
            return found
    return {}


def _names(line: str, way: re.Pattern[str] | None) -> list[str]:
    if way is None:
        return addresses_in(line)
    match = way.match(line) if way is _HEAD_OF_LINE else way.search(line)
    return [bare_address(match[1])] if match else []


def _first_line_with(lines: list[str], address: str) -> int:
    low = address.lower()
    return next((number for number, line in enumerate(lines) if low in line.lower()), 0)


def _next_start(chosen: list[tuple[str, int]], number: int, last: int) -> int:
    later = [start for _, start in chosen[number + 1 :] if start > chosen[number][1]]
    return later[0] if later else last


def _reported(
    address: str, lines: list[str], start: int, stop: int, alone: bool
) -> ReportedRecipient:  # fmt: skip
    """The reply behind the address, or before it when it is the only one."""
    block = lines[start:stop]
    diagnostic = reply_in(block) or (reply_in(lines) if alone else "")
    if not diagnostic:
        near = [line.strip() for line in (block if len(block) > 1 or not alone else lines)]
        diagnostic = " ".join(filter(None, near))
    found = re.search(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])", diagnostic)
    return ReportedRecipient(
        address, "failed", found[0] if found else None, diagnostic[:MOST_DIAGNOSTIC]
    )


def reply_in(lines: list[str]) -> str:
    """The first SMTP reply with the lines that go on with it, on one line; empty without one."""
    for number, line in enumerate(lines):
        found = _REPLY.search(line)
        if found is None:
            continue
        parts = [line[found.start() :].strip()]
        code = _LEADING_CODE.match(parts[0])
        for more in lines[number + 1 : number + 8]:
            other = _LEADING_CODE.match(more.strip())
            again = code is not None and other is not None and other[1] == code[1]
            if not more.strip() or (other is not None and not again) or _RULE.match(more):
                break
            if _HEAD_OF_LINE.match(more) and not again:
                break
            parts.append(more.strip())
        return " ".join(parts)[:MOST_DIAGNOSTIC]
    return ""
