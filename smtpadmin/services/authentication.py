"""What a receiver should have found when it checked a message: SPF, DKIM, ARC, DMARC and the client's
reverse name, computed here and now by our own resolver.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

from smtpadmin.model.authentication import Authentication, IprevResult, SpfResult
from smtpadmin.model.dns import DnsError
from smtpadmin.model.errors import UsageError
from smtpadmin.services.dmarc import DmarcCheck
from smtpadmin.services.signatures import check_signatures
from smtpadmin.services.spf import Lookups, check_spf

MOST_NAMES = 10


async def authenticate(
    raw: bytes, resolver: Lookups, *, client: str = "", helo: str = "", mail_from: str = ""
) -> Authentication:
    """Check a message as it came. Without ``client`` (its IP address) SPF and the reverse name are
    left out. Raises UsageError when ``client`` is no address; what the DNS does not tell is
    ``temperror``."""
    client = _normal(client)
    spf, by_helo, iprev, (dkim, arc) = await asyncio.gather(
        _spf(resolver, client, helo, mail_from, "mailfrom"),
        _spf(resolver, client, helo, mail_from, "helo"),
        _iprev(resolver, client),
        check_signatures(raw, resolver),
    )
    dmarc = await DmarcCheck(resolver).check(raw, spf, dkim)
    return Authentication(dkim, arc, dmarc, spf, by_helo, iprev)


def _normal(client: str) -> str:
    """The one way of writing an address, so that it can be compared; checked before anything is asked."""
    try:
        return str(ip_address(client)) if client else ""
    except ValueError as error:
        raise UsageError("this is no IP address", where=client[:80]) from error


async def _spf(
    resolver: Lookups, client: str, helo: str, mail_from: str, identity: str
) -> SpfResult | None:
    if not client:
        return None
    return await check_spf(resolver, client, helo, mail_from, identity=identity)


async def _iprev(resolver: Lookups, client: str) -> IprevResult | None:
    if not client:
        return None
    try:
        answer = await resolver.reverse(client)
    except DnsError as error:
        return IprevResult("temperror", client, (), f"the DNS gave no answer: {error.what}")
    names = answer.records[:MOST_NAMES]
    if not names:
        return IprevResult("fail", client, (), "the address has no name")
    silent = ""
    for name in names:
        try:
            back = await resolver.addresses(name)
        except UsageError:
            continue
        except DnsError as error:
            silent = f"the DNS gave no answer for {name}: {error.what}"
            continue
        if client in map(str, back.records):
            return IprevResult("pass", client, names, f"{name} leads back to {client}")
    if silent:
        return IprevResult("temperror", client, names, silent)
    return IprevResult("fail", client, names, "no name leads back to the address")
