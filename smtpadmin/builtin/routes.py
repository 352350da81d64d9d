"""Where a recipient's mail goes next: a mailbox here, a fixed next hop, or its mail exchangers.

RFC 5321 section 5.1 (mail exchangers), RFC 7505 (null MX). DNS is asked only for domains that are
neither local nor routed.
"""

from __future__ import annotations

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
    return [NextHop(host) for host in await _exchangers(config, destination.name)]


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
    found = sorted((int(r.preference), str(r.exchange).rstrip(".")) for r in answer)
    if [host for _, host in found] == [""]:
        raise RouteError(f"Domain {domain} does not accept mail (null MX)", "5.1.10")
    return [host for _, host in found if host][:MOST_EXCHANGERS]
