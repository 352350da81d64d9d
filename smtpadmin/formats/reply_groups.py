"""Replies that say the same become the same text, so that a thousand errors are three groups. Pure.

>>> grouped_reply("550 5.1.1 <user17@a.example>: unknown (in 4f2a91bc03d7, try 192.0.2.9)")
'550 5.1.1 <address>: unknown (in ID, try IP)'
"""

from __future__ import annotations

import re

from smtpadmin.util.text import visible

MOST = 300
_HEAD = re.compile(r"[2-5]\d\d(?:[ -][245]\.\d{1,3}\.\d{1,3}(?=[ :]|$))?")
_WORDS = re.compile(
    r"(?P<address>[^\s<>()\[\],;:]{1,200}@[^\s<>()\[\],;:]{1,250})"
    r"|(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?=[^0-9a-f:]|$))"
    r"|(?P<id>\b(?=[A-Za-z0-9-]{0,80}\d)[A-Za-z0-9]{1,40}(?:-[A-Za-z0-9]{1,40}){0,4}\b)",
    re.I,
)
_NAMES = {"address": "address", "ip": "IP", "id": "ID"}


def grouped_reply(text: str) -> str:
    """A reply with addresses, IP addresses, and words or numbers that hold a digit taken out; code
    and enhanced status code stay. At most 300 characters, safe to show."""
    text = text[:MOST]
    head = _HEAD.match(text)
    start = head.end() if head else 0
    return visible(text[:start] + _WORDS.sub(_name, text[start:]).rstrip(), MOST)


def _name(found: re.Match[str]) -> str:
    return _NAMES[found.lastgroup or "id"]
