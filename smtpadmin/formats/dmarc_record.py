"""DMARC records (RFC 9989 section 4.7; the tags of RFC 7489 that it removed are read and ignored).

>>> parse_dmarc(b"v=DMARC1; p=reject; adkim=s").policy
'reject'
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_LENGTH = 4_000
POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """One record. ``psd`` is ``y``, ``n`` or ``u``; ``testing`` is ``t=y``."""

    policy: str
    subdomain_policy: str
    missing_policy: str
    strict_dkim: bool = False
    strict_spf: bool = False
    psd: str = "u"
    testing: bool = False
    text: str = ""


def parse_dmarc(text: bytes) -> DmarcRecord | None:
    """The record; None for a text that is none. A ``p`` that is missing or unknown means ``none``
    (section 4.7)."""
    words = text[:MOST_LENGTH].decode("utf-8", "backslashreplace")
    pairs = [part.partition("=") for part in words.split(";")]
    tags = [(name.strip().lower(), value.strip()) for name, equals, value in pairs if equals]
    if not tags or tags[0] != ("v", "DMARC1"):
        return None
    found = {name: value.lower() for name, value in reversed(tags)}
    policy = found.get("p", "")
    policy = policy if policy in POLICIES else "none"
    below = found.get("sp", "")
    below = below if below in POLICIES else policy
    missing = found.get("np", "")
    return DmarcRecord(
        policy,
        below,
        missing if missing in POLICIES else below,
        found.get("adkim") == "s",
        found.get("aspf") == "s",
        found.get("psd", "u") if found.get("psd") in ("y", "n") else "u",
        found.get("t") == "y",
        words,
    )
