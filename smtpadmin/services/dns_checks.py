"""What the DNS says about a mail domain or host: where its mail goes, whether those hosts are there,
and the names of their addresses.

What could not be asked is untested, never failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import ip_address

from smtpadmin.model.dns import DnsAnswer, DnsStatus, IpAddress, MailHosts, MailRoute, MxHost
from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.services.checks import Check, CheckResult, elapsed_ms
from smtpadmin.services.reverse_checks import is_inside, reverse_checks, untested
from smtpadmin.transport.dns import Resolver
from smtpadmin.transport.dns_name import is_address

MOST_HOSTS = 10
MOST_SHOWN = 4
NOT_IN_THE_DNS = frozenset({"localhost", "invalid", "local", "onion"})
"""Ends of names that must not be asked for (RFC 6761 section 6, RFC 6762 section 22.1, RFC 7686)."""
MX_HOST = "mx host"
"""Name of the check of one host that an MX record names."""


async def dns_checks(name: str, addresses: Sequence[str], resolver: Resolver) -> list[Check]:
    """Check the mail route of ``name``, then reverse names: of the hosts of its MX records if it has
    any, else of its own ``addresses``. An IP address, or a name that means something to this machine
    alone, has no mail route."""
    own = [ip_address(address) for address in addresses]
    if not _is_in_the_dns(name):
        return await reverse_checks(own, resolver)
    started = time.monotonic()
    try:
        found = await resolver.mx(name)
    except SmtpadminError as error:
        return [untested("mx", name, error, started), *await reverse_checks(own, resolver)]
    checks = [replace(_route(name, found, bool(own)), took_ms=elapsed_ms(started))]
    if found.route is MailRoute.LISTED:
        hosts = _distinct(found.hosts)[:MOST_HOSTS]
        looked_at = await asyncio.gather(*(_mx_host(host, resolver) for host in hosts))
        checks += [check for check, _ in looked_at]
        own = [address for _, reached in looked_at for address in reached]
    return [*checks, *await reverse_checks(own, resolver)]


def _is_in_the_dns(name: str) -> bool:
    labels = name.strip().rstrip(".").lower().split(".")
    return (
        not is_address(name.strip("[] ")) and labels[-1] not in NOT_IN_THE_DNS and len(labels) > 1
    )


def _distinct(hosts: Iterable[MxHost]) -> list[str]:
    return list(dict.fromkeys(mx.host for mx in hosts))


def _route(name: str, found: MailHosts, has_address: bool) -> Check:
    """RFC 5321 section 5.1 in words. ``has_address``: this machine knows one, from the DNS or not."""
    check = Check("mx", name, CheckResult.INFO, "no MX record: its mail goes to its own address")
    if found.route is MailRoute.LISTED:
        check = _listed(name, found)
    elif found.route is MailRoute.NULL:
        check = replace(check, detail="it takes no mail, and says so (null MX, RFC 7505)")
    elif found.route is not MailRoute.IMPLICIT:
        check = replace(
            check, result=CheckResult.WARN if has_address else CheckResult.FAIL,
            detail="the DNS has neither an MX record nor an address for it: it gets no mail"
            if found.route is MailRoute.NOWHERE else "the DNS does not know this name",
            fix="Check the spelling, or publish MX records (a null MX if it is to get no mail).",
        )  # fmt: skip
    if found.answer.is_alias:
        check = replace(check, detail=f"alias of {found.answer.canonical}; {check.detail}")
    return check


def _listed(name: str, found: MailHosts) -> Check:
    detail = ", ".join(f"{mx.preference} {mx.host}" for mx in found.hosts[:MOST_HOSTS])
    more = len(found.hosts[MOST_HOSTS:]) + found.answer.left_off
    detail += f" and {more} more" if more else ""
    if any(mx.host == "." for mx in found.answer.records):
        return Check("mx", name, CheckResult.FAIL, f"a null MX stands beside others: {detail}",
                     "Remove the null MX, or all the others (RFC 7505 section 3).")  # fmt: skip
    if len(_distinct(found.hosts)) < len(found.hosts):
        return Check("mx", name, CheckResult.WARN, f"a host is named twice: {detail}",
                     "Keep one MX record for each host.")  # fmt: skip
    return Check("mx", name, CheckResult.PASS, detail)


async def _mx_host(host: str, resolver: Resolver) -> tuple[Check, tuple[IpAddress, ...]]:
    started = time.monotonic()
    if is_address(host):
        return Check(MX_HOST, host, CheckResult.FAIL, "an IP address stands where a name must",
                     "Give the server a name and put that into the MX record."), ()  # fmt: skip
    try:
        found = await resolver.addresses(host)
    except UsageError as error:
        return Check(MX_HOST, host, CheckResult.FAIL, error.what, "Correct the MX record."), ()
    except SmtpadminError as error:
        return untested(MX_HOST, host, error, started), ()
    return replace(_judged(host, found), took_ms=elapsed_ms(started)), found.records


def _judged(host: str, found: DnsAnswer[IpAddress]) -> Check:
    check = Check(MX_HOST, host, CheckResult.PASS, _words(found.records))
    if not found.records:
        missing = "the name has no address"
        if found.status is DnsStatus.NXDOMAIN:
            missing = "the DNS does not know this name"
        return replace(check, result=CheckResult.FAIL, detail=missing,
                       fix="Give it an address, or remove the MX record.")  # fmt: skip
    if found.is_alias:
        return replace(check, result=CheckResult.WARN,
                       detail=f"an alias of {found.canonical}, which an MX host must not be; {check.detail}",
                       fix="Name that host itself in the MX record (RFC 2181 section 10.3).")  # fmt: skip
    if all(is_inside(address) for address in found.records):
        return replace(check, result=CheckResult.WARN,
                       detail=f"nobody outside can reach it: {check.detail}",
                       fix="Give it a public address, if mail comes from outside.")  # fmt: skip
    return check


def _words(addresses: Sequence[IpAddress]) -> str:
    shown = ", ".join(str(address) for address in addresses[:MOST_SHOWN])
    return f"{shown} and {len(addresses) - MOST_SHOWN} more" if addresses[MOST_SHOWN:] else shown
