"""What SPF, DKIM, ARC, DMARC and the reverse name say about a message, as computed by us.

``result`` is a word of RFC 8601 section 2.7: ``pass``, ``fail``, ``softfail``, ``neutral``, ``none``,
``temperror`` (the DNS gave no answer: nothing is known) or ``permerror``. ``reason`` is a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpfResult:
    """RFC 7208. ``identity`` is ``mailfrom`` or ``helo``; ``record`` the policy that was evaluated."""

    result: str
    domain: str
    identity: str
    reason: str
    record: str = ""


@dataclass(frozen=True, slots=True)
class DkimResult:
    """One signature (RFC 6376), in the order of the header."""

    result: str
    domain: str
    selector: str
    reason: str
    algorithm: str = ""
    key_bits: int | None = None
    signed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArcResult:
    """The chain (RFC 8617); ``sealers`` are the domains of its seals, the oldest first."""

    result: str
    sealers: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """RFC 9989. ``policy`` is what the domain's owner asks for (``none``, ``quarantine``,
    ``reject``; ``""`` without a record), ``found_at`` where the record stood; ``spf_aligned`` and
    ``dkim_aligned`` whether such a pass counts for the author's domain."""

    result: str
    domain: str
    policy: str
    found_at: str
    spf_aligned: bool
    dkim_aligned: bool
    reason: str


@dataclass(frozen=True, slots=True)
class IprevResult:
    """The client's reverse name, confirmed by its own address or not (RFC 8601 section 2.7.3)."""

    result: str
    address: str
    names: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Authentication:
    """All of it. ``spf``, ``helo`` and ``iprev`` are None when the client's address is unknown."""

    dkim: tuple[DkimResult, ...]
    arc: ArcResult
    dmarc: DmarcResult
    spf: SpfResult | None = None
    helo: SpfResult | None = None
    iprev: IprevResult | None = None
