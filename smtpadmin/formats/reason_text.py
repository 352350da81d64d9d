"""A server's reason with the other side's words first, as a table shows it. Pure function.

>>> short_reason("host mx.a.example[192.0.2.1]:25 said: 450 4.7.1 later (in reply to RCPT TO command)")
'450 4.7.1 later (mx.a.example)'
"""

from __future__ import annotations

import re

_SAID = re.compile(
    r"host (?P<host>\S+) (?:said|refused to talk to me): (?P<reply>.*?)"
    r"(?: \(in reply to [^()]*\))?",
    re.S,
)
_ADDRESS = re.compile(r"\[[^\]]*\](:\d+)?$")


def short_reason(reason: str) -> str:
    """The reply first, then the host's name; anything else as it is."""
    found = _SAID.fullmatch(reason)
    if not found:
        return reason
    return f"{found['reply']} ({short_host(found['host'])})"


def short_host(relay: str) -> str:
    """A next hop without its address and port.

    >>> short_host("mx.a.example[192.0.2.1]:25")
    'mx.a.example'
    """
    return _ADDRESS.sub("", relay) or relay
