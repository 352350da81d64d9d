"""Where a recipient's mail goes next: a mailbox here, a fixed next hop, or its mail exchangers.

RFC 5321 section 5.1 (mail exchangers), RFC 7505 (null MX). DNS is asked only for domains that are
neither local nor routed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from smtpadmin.builtin.config import NextHop, ServerConfig
from smtpadmin.builtin.policy import domain_of

DNS_DEADLINE_S = 10.0
MOST_EXCHANGERS = 5
LOCAL = "local"


class RouteError(Exception):
    """No way to the domain: ``dsn`` is 4.x for now, 5.x for good."""

    def __init__(self, reply: str, dsn: str) -> None:
        super().__init__(reply)
        self.reply = reply
        self.dsn = dsn


@dataclass(frozen=True, slots=True)
class Destination:
    """What recipients share when they can go in one session: ``kind`` is ``local``, ``hop`` or
    ``mx``; ``name`` the domain or next hop."""

    kind: str
    name: str
    hop: NextHop | None = None


def destination_of(config: ServerConfig, address: str) -> Destination:
    """Where an address goes; asks nobody."""
    domain = domain_of(address)
    if domain in config.local_domains:
        return Destination(LOCAL, domain)
    hop = config.routes.get(domain) or config.routes.get("*")
    if hop is not None:
        return Destination("hop", str(hop), hop)
    return Destination("mx", domain)


async def next_hops(config: ServerConfig, destination: Destination) -> Sequence[NextHop]:
    """Hosts to try, best first. Raises RouteError."""
    if destination.hop is not None:
        return [destination.hop]
    if destination.name.startswith("["):
        return [NextHop(_literal(destination.name), config.mx_port)]
    hosts = await _exchangers(config, destination.name)
    return [NextHop(host, config.mx_port) for host in hosts]


def _literal(domain: str) -> str:
    """The host of an address literal (RFC 5321 section 4.1.3). Raises RouteError."""
    text = domain.strip("[]")
    if text.lower().startswith("ipv6:"):
        text = text[5:]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise RouteError(f"{domain} is not an address literal", "5.1.2") from None


async def _exchangers(config: ServerConfig, domain: str) -> list[str]:
    import dns.asyncresolver
    import dns.exception
    import dns.resolver

    resolver = dns.asyncresolver.Resolver(configure=not config.dns_servers)
    if config.dns_servers:
        resolver.nameservers = [host for host, _ in config.dns_servers]
        resolver.port = config.dns_servers[0][1]
    resolver.lifetime = DNS_DEADLINE_S
    try:
        answer = await resolver.resolve(domain, "MX")
    except dns.resolver.NoAnswer:
        return [domain]
    except dns.resolver.NXDOMAIN:
        raise RouteError(
            "Host or domain name not found. Name service error for "
            f"name={domain} type=MX: Host not found",
            "5.4.4",
        ) from None
    except (dns.exception.DNSException, OSError) as error:
        raise RouteError(
            f"Host or domain name not found. Name service error for name={domain} type=MX: "
            f"{type(error).__name__}, try again",
            "4.4.3",
        ) from error
    found = [(int(r.preference), str(r.exchange).rstrip(".")) for r in answer]
    return usable_exchangers(domain, found, config.hostname)


def usable_exchangers(domain: str, found: Sequence[tuple[int, str]], own_name: str) -> list[str]:
    """Hosts better than this one, best first, from (preference, name) pairs. Raises RouteError."""
    ordered = sorted(found)
    if [host for _, host in ordered] == [""]:
        raise RouteError(f"Domain {domain} does not accept mail (null MX)", "5.1.10")
    own = [preference for preference, host in ordered if host.lower() == own_name.lower()]
    hosts = [host for preference, host in ordered if host and (not own or preference < own[0])]
    if not hosts:
        raise RouteError(f"mail for {domain} loops back to myself", "5.4.6")
    return hosts[:MOST_EXCHANGERS]
