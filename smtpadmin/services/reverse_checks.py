"""Whether addresses have names that lead back to them (FCrDNS: PTR, RFC 1035 section 3.5, and the
``iprev`` of RFC 8601 section 2.7.3): who receives mail asks this about who sends it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import ip_network

from smtpadmin.model.dns import IpAddress
from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.services.checks import Check, CheckResult, elapsed_ms
from smtpadmin.transport.dns import Resolver

MOST_ADDRESSES = 10
MOST_NAMES = 4
"""Of one address; more than one is rare, and a stranger may list any number."""
_INSIDE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
"""RFC 1918, RFC 6598, RFC 4193."""


async def reverse_checks(addresses: Iterable[IpAddress], resolver: Resolver) -> list[Check]:
    """One check, named ``reverse``, for each of the first ten different addresses, in their order."""
    some = list(dict.fromkeys(addresses))[:MOST_ADDRESSES]
    return list(await asyncio.gather(*(_reverse(address, resolver) for address in some)))


def is_inside(address: IpAddress) -> bool:
    """Only this machine or its own network can reach it."""
    local = address.is_loopback or address.is_link_local or address.is_unspecified
    return local or any(address in network for network in _INSIDE)


def untested(name: str, target: str, error: SmtpadminError, started: float) -> Check:
    """The check that ``error`` left open; ``started`` on the clock of ``time.monotonic``."""
    detail = f"{error.where}: {error.what}" if error.where else error.what
    return Check(name, target, CheckResult.UNTESTED, detail, error.remedy, elapsed_ms(started))


async def _reverse(address: IpAddress, resolver: Resolver) -> Check:
    started, target = time.monotonic(), str(address)
    if address.is_loopback or address.is_link_local or address.is_unspecified:
        return Check("reverse", target, CheckResult.INFO, "no other network knows it; not asked")
    try:
        names = (await resolver.reverse(target)).records[:MOST_NAMES]
        back = await _leading_back(address, names, resolver)
    except SmtpadminError as error:
        return untested("reverse", target, error, started)
    return replace(_judged(address, names, back), took_ms=elapsed_ms(started))


def _judged(address: IpAddress, names: Sequence[str], back: Sequence[str]) -> Check:
    target = str(address)
    if back:
        return Check("reverse", target, CheckResult.PASS, f"{', '.join(back)}, and back")
    # A missing name matters to strangers, who never see an address of the inside.
    bad = CheckResult.INFO if is_inside(address) else CheckResult.WARN
    if names:
        return Check("reverse", target, bad, f"{', '.join(names)}, which does not lead back to it",
                     "If it sends mail: give that name this address, or the address another name.")  # fmt: skip
    return Check("reverse", target, bad, "the address has no name (PTR)",
                 "If it sends mail: ask whoever gave you the address to set one; without it, many "
                 "servers refuse mail.")  # fmt: skip


async def _leading_back(
    address: IpAddress, names: Sequence[str], resolver: Resolver
) -> tuple[str, ...]:
    """Those of ``names`` that have ``address``. Raises DnsError when none has it and one of them
    could not be asked."""
    told = await asyncio.gather(
        *(_has(name, address, resolver) for name in names), return_exceptions=True
    )
    back = tuple(name for name, answer in zip(names, told, strict=True) if answer is True)
    if not back:
        for answer in told:
            if isinstance(answer, BaseException):
                raise answer
    return back


async def _has(name: str, address: IpAddress, resolver: Resolver) -> bool:
    try:
        return address in (await resolver.addresses(name)).records
    except UsageError:
        return False  # a PTR may hold any octets; what is no host name leads nowhere
