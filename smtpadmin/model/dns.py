"""Nouns of the DNS as mail uses it: questions answered, name servers, and how asking fails.

Names are in ASCII (A-labels), lower case, without the final dot; the root is ``.``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Generic, TypeVar

from smtpadmin.model.errors import TotalDeadlineError, UnreachableError

IpAddress = IPv4Address | IPv6Address
T_co = TypeVar("T_co", covariant=True)


class DnsStatus(enum.StrEnum):
    """How a question ended. The first three are answers (RFC 2308 section 2); the others say
    nothing about the name and must never be read as "it does not exist"."""

    NOERROR = "NOERROR"
    NODATA = "NODATA"
    NXDOMAIN = "NXDOMAIN"
    SERVFAIL = "SERVFAIL"
    REFUSED = "REFUSED"
    TIMEOUT = "TIMEOUT"
    MALFORMED = "MALFORMED"
    UNREACHABLE = "UNREACHABLE"
    OTHER = "OTHER"


class DnsError(UnreachableError):
    """A question without an answer: nothing is known about the name. ``status`` says why."""

    def __init__(
        self, status: DnsStatus, what: str, *, where: str = "", remedy: str = "", detail: str = ""
    ) -> None:
        super().__init__(what, where=where, remedy=remedy, detail=detail)
        self.status = status


class DnsTimeoutError(DnsError, TotalDeadlineError):
    """No name server answered in time."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "", detail: str = "") -> None:
        super().__init__(DnsStatus.TIMEOUT, what, where=where, remedy=remedy, detail=detail)


@dataclass(frozen=True, slots=True)
class NameServer:
    """Where to ask: an IPv4 or IPv6 address (not a name) and a port."""

    address: str
    port: int = 53

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class DnsAnswer(Generic[T_co]):
    """What a name server said. ``canonical`` is where aliases (CNAME) led, or ``name``; ``ttl`` in
    seconds is how long this, or its absence, may be kept; ``left_off`` counts records beyond our
    limit. ``authenticated`` is the server's word for "DNSSEC is right" (AD, RFC 6840 section 5.8):
    worth as much as the server and the way to it."""

    name: str
    rtype: str
    status: DnsStatus
    records: tuple[T_co, ...] = ()
    ttl: int = 0
    authenticated: bool = False
    server: NameServer | None = None
    canonical: str = ""
    left_off: int = 0

    @property
    def is_alias(self) -> bool:
        """The name has a CNAME."""
        return self.canonical not in ("", self.name)


@dataclass(frozen=True, slots=True)
class MxHost:
    """One mail exchanger (RFC 5321 section 5.1); lower ``preference`` is tried first."""

    preference: int
    host: str


class MailRoute(enum.StrEnum):
    """Where the mail of a domain goes."""

    LISTED = "listed"
    """To the hosts of its MX records."""
    IMPLICIT = "implicit"
    """To its own address, for want of MX records (RFC 5321 section 5.1)."""
    NULL = "null"
    """Nowhere, on purpose: the null MX (RFC 7505)."""
    NOWHERE = "nowhere"
    """Nowhere: neither MX records nor an address."""
    NO_DOMAIN = "no-domain"
    """The domain does not exist."""


@dataclass(frozen=True, slots=True)
class MailHosts:
    """The hosts that take a domain's mail, in the order in which a sender tries them. ``answer``
    holds the MX records as they stand, the null MX among them."""

    domain: str
    route: MailRoute
    hosts: tuple[MxHost, ...]
    answer: DnsAnswer[MxHost]


@dataclass(frozen=True, slots=True)
class TlsaRecord:
    """What a server's certificate must match (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes
