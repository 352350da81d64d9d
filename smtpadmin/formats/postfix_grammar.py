"""Pieces that many of Postfix's log lines share: queue IDs, addresses, peers, and pairs.

Postfix logs addresses in external form, quoted where needed (RELEASE_NOTES-3.5), so ``<>`` may hold
blanks, commas and brackets between quotes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Fields = dict[str, object]

QUEUE_ID = r"(?:[0-9A-F]{6,15}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20})"
"""Short form: hexadecimal, upper case. Long form: digits and letters without vowels, and its case
counts (src/global/mail_queue.h)."""
ADDRESS = r"""(?:[^<>"\\]|\\.|"(?:[^"\\]|\\.)*+")*+"""
"""What stands between ``<`` and ``>``; atomic, so that no line takes more than linear time."""
PEER = r"[^\s\[\],]{0,255}\[[^\s\[\],]{1,255}\](?::\d{1,5})?"
"""``NAME[ADDRESS]`` with a port perhaps; postscreen(8) leaves the name out."""
_PEER = re.compile(r"([^\s\[\]]*)\[([^\[\]]*)\](?::(\d{1,5}))?")
_PAIR = re.compile(
    rf"(?<![\w-])([A-Za-z][\w-]{{0,40}}+)="
    rf"(?:<({ADDRESS})>(?=[\s,;]|$)|<([^<>]*+)>|\"((?:[^\"\\]|\\.)*+)\"|([^\s,;]*))"
)
_INTEGERS = frozenset({"size", "nrcpt", "uid", "conn_use"})


class Peer(NamedTuple):
    """A client or relay; the name is None when it stands for no name."""

    name: str | None
    address: str | None
    port: int | None


def split_peer(text: str) -> Peer:
    """Name, address (or socket path) and port of a client or relay as logged.

    >>> split_peer("mx.example.org[2001:db8::1]:25")
    Peer(name='mx.example.org', address='2001:db8::1', port=25)
    >>> split_peer("dovecot")
    Peer(name='dovecot', address=None, port=None)
    """
    found = _PEER.fullmatch(text)
    if found is None:
        return Peer(text or None, None, None)
    name, address, port = found.groups()
    return Peer(name or None, address, int(port) if port else None)


def client_fields(text: str) -> Fields:
    """``client`` as logged, and its parts by the names of Postfix's policy protocol."""
    name, address, port = split_peer(text)
    fields: Fields = {"client": text, "client_name": name, "client_address": address}
    if port is not None:
        fields["client_port"] = port
    return fields


def pairs(text: str) -> Fields:
    """Every ``name=value`` of a text, the first of each name; an address without its ``<>``."""
    fields: Fields = {}
    for found in _PAIR.finditer(text):
        name, *values = found.groups()
        fields.setdefault(name, typed(name, next(v for v in values if v is not None)))
    return fields


def typed(name: str, value: str) -> object:
    """A value as a number where the name says that it is one."""
    if name in _INTEGERS and value.isdecimal() and len(value) < 19:
        return int(value)
    return seconds(value) if name == "delay" else value


def seconds(value: str) -> object:
    """A delay as a number of seconds; other text as it is."""
    try:
        return float(value)
    except ValueError:
        return value
