"""Addresses found in free text, as bounces name them."""

from __future__ import annotations

import re

ADDRESS = (
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,128}@[A-Za-z0-9\[](?:[A-Za-z0-9.:_-]{0,252}[A-Za-z0-9\]])?"
)
"""Source of a regular expression: a dot-atom, ``@`` and a domain or address literal."""

_FOUND = re.compile(rf"(?<![A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]){ADDRESS}")
_DAEMON = re.compile(r"^(mailer-?daemon|post-?_?master|no-?reply|mail-?daemon)@", re.I)
MOST_FOUND = 500


def addresses_in(text: str) -> list[str]:
    """Every address, in order, once each; a leading quote or equals sign is no part of it."""
    found: dict[str, str] = {}
    for match in _FOUND.finditer(text):
        address = match[0].lstrip("'=").removeprefix("mailto:")
        if address.startswith("@"):
            continue
        found.setdefault(address.lower(), address)
        if len(found) >= MOST_FOUND:
            break
    return list(found.values())


def is_daemon(address: str) -> bool:
    """Whether mail from that address is written by a server."""
    return _DAEMON.match(address) is not None
