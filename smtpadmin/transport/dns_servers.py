"""The name servers that this machine is set to ask."""

from __future__ import annotations

from pathlib import Path

from smtpadmin.model.dns import DnsError, DnsStatus, NameServer

MOST_SERVERS = 3
"""As many as the C library takes from resolv.conf."""
RESOLV_CONF = Path("/etc/resolv.conf")


def system_servers(resolv_conf: Path = RESOLV_CONF) -> tuple[NameServer, ...]:
    """At most three: from ``resolv_conf``, on Windows from the registry. Blocking. Raises DnsError
    when there is none."""
    import dns.resolver

    try:
        found = dns.resolver.Resolver(str(resolv_conf)).nameservers
    except (dns.resolver.NoResolverConfiguration, OSError, ValueError) as error:
        raise DnsError(
            DnsStatus.UNREACHABLE,
            "this machine has no usable name server",
            where=str(resolv_conf),
            remedy="Set one in its network settings.",
            detail=str(error),
        ) from error
    return tuple(NameServer(str(server)) for server in found[:MOST_SERVERS])
