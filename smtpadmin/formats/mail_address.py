"""Addresses found in free text, as bounces name them."""

from __future__ import annotations

import re

ADDRESS = (
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,128}@"
    r"(?:\[[A-Za-z0-9.:]{2,60}\]|[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62}){0,30})"
)
"""Source of a regular expression: a dot-atom, ``@`` and a domain or address literal."""

_FOUND = re.compile(rf"(?<![A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]){ADDRESS}")
_DAEMON = re.compile(r"^(mailer-?daemon|post-?_?master|no-?reply|mail-?daemon)@", re.I)
MOST_FOUND = 500


def addresses_in(text: str) -> list[str]:
    """Every address, in order, once each; a leading quote or equals sign is no part of it."""
    found: dict[str, str] = {}
    for match in _FOUND.finditer(text):
        address = bare_address(match[0])
        if address.startswith("@"):
            continue
        found.setdefault(address.lower(), address)
        if len(found) >= MOST_FOUND:
            break
    return list(found.values())


def bare_address(found: str) -> str:
    """Without what stands glued before it: quotes, ``SMTP=`` of X.400."""
    return re.sub(r"^(?:[^@]*smtp=|['=/]+)", "", found, flags=re.I)


def is_daemon(address: str) -> bool:
    """Whether mail from that address is written by a server."""
    return _DAEMON.match(address) is not None
