"""SPF evaluated (RFC 7208 section 4): may this address send for that domain?

Limits of section 4.6.4: ten terms that ask the DNS, two of them without an answer, ten names of MX
or PTR; twenty seconds in all. A DNS that is silent gives ``temperror``, never a verdict.
"""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol

from smtpadmin.formats.spf_record import (
    Mechanism,
    SpfRecord,
    SpfSyntaxError,
    expand,
    is_spf,
    macros_in,
    parse_spf,
)
from smtpadmin.model.authentication import SpfResult
from smtpadmin.model.dns import DnsAnswer, DnsError, DnsStatus, IpAddress, MailHosts
from smtpadmin.model.errors import UsageError

MOST_TERMS = 10
MOST_VOID = 2
MOST_NAMES = 10
DEADLINE_S = 20.0


class Lookups(Protocol):
    """What is asked of the DNS; :class:`transport.dns.Resolver` has it."""

    async def mx(self, domain: str) -> MailHosts: ...
    async def addresses(self, host: str) -> DnsAnswer[IpAddress]: ...
    async def reverse(self, address: str) -> DnsAnswer[str]: ...
    async def txt(self, name: str) -> DnsAnswer[bytes]: ...


class _PermanentError(Exception):
    """The policy cannot be evaluated."""


async def check_spf(
    resolver: Lookups, client: str, helo: str, mail_from: str, *, identity: str = "mailfrom"
) -> SpfResult:
    """The verdict for ``mailfrom`` (with the null sender it is ``postmaster`` at ``helo``) or for
    ``helo`` itself. Raises UsageError when ``client`` is no IP address."""
    sender = mail_from if identity == "mailfrom" and mail_from else f"postmaster@{helo}"
    local, _, domain = sender.rpartition("@")
    check = _Check(resolver, client, helo, f"{local or 'postmaster'}@{domain}")
    try:
        async with asyncio.timeout(DEADLINE_S):
            result, reason, record = await check.host(domain)
    except TimeoutError:
        result, reason, record = "temperror", f"not evaluated within {DEADLINE_S:g} s", ""
    except DnsError as error:
        result, reason, record = "temperror", f"the DNS gave no answer: {error.what}", ""
    except _PermanentError as error:
        result, reason, record = "permerror", str(error), ""
    return SpfResult(result, domain, identity, reason, record)


class _Check:
    """One evaluation with its counters."""

    def __init__(self, resolver: Lookups, client: str, helo: str, sender: str) -> None:
        try:
            address: IpAddress = ip_address(client)
        except ValueError as error:
            raise UsageError("this is no IP address", where=client[:80]) from error
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        self._client = address
        self._resolver = resolver
        self._helo = helo
        self._sender = sender
        self._terms = 0
        self._void = 0

    async def host(self, domain: str) -> tuple[str, str, str]:
        """``check_host`` (section 4): result, why, and the record."""
        if not _is_full_name(domain):
            return "none", "the domain is not a full domain name", ""
        record = await self._record(domain)
        if record is None:
            return "none", f"{domain} publishes no SPF record", ""
        try:
            parsed = parse_spf(record)
        except SpfSyntaxError as error:
            raise _PermanentError(f"the record of {domain} is wrong: {error}") from error
        result, reason = await self._evaluate(parsed, domain)
        return result, reason, record

    async def _record(self, domain: str) -> str | None:
        try:
            answer = await self._resolver.txt(domain)
        except UsageError:
            return None  # what is no name of the DNS has no records
        found = [text for text in answer.records if is_spf(text)]
        if len(found) > 1:
            raise _PermanentError(f"{domain} publishes {len(found)} SPF records")
        if not found:
            return None
        try:
            return found[0].decode("ascii")
        except UnicodeDecodeError as error:
            raise _PermanentError(f"the record of {domain} is not ASCII") from error

    async def _evaluate(self, record: SpfRecord, domain: str) -> tuple[str, str]:
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                return mechanism.result, f"{self._client} matches {mechanism.text} of {domain}"
        if not record.redirect or any(m.name == "all" for m in record.mechanisms):
            return "neutral", f"nothing in the record of {domain} matches {self._client}"
        self._count()
        target = await self._target(record.redirect, domain)
        result, reason, _ = await self.host(target)
        if result == "none":
            raise _PermanentError(f"{domain} redirects to {target}, which has no SPF record")
        return result, reason

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.name == "all":
            return True
        if mechanism.network is not None:
            return self._client in mechanism.network
        self._count()
        target = await self._target(mechanism.domain, domain)
        if mechanism.name == "include":
            return await self._include(target, domain)
        if not _may_be_asked(target):
            return False
        if mechanism.name == "exists":
            return any(ip.version == 4 for ip in await self._addresses(target))
        if mechanism.name == "ptr":
            return any(_is_inside(name, target) for name in await self._names())
        if mechanism.name == "a":
            return self._is_one_of(await self._addresses(target), mechanism)
        return await self._mx(target, mechanism)

    async def _include(self, target: str, domain: str) -> bool:
        result, _, _ = await self.host(target)
        if result == "none":
            raise _PermanentError(f"{domain} includes {target}, which has no SPF record")
        return result == "pass"

    async def _mx(self, target: str, mechanism: Mechanism) -> bool:
        try:
            answer = (await self._resolver.mx(target)).answer
        except UsageError:
            return False
        self._empty(answer)
        if len(answer.records) + answer.left_off > MOST_NAMES:
            raise _PermanentError(f"{target} has more than {MOST_NAMES} MX records")
        for record in answer.records:
            if record.host != "." and self._is_one_of(
                await self._addresses(record.host, count=False), mechanism
            ):
                return True
        return False

    async def _names(self) -> list[str]:
        """Names of the client that lead back to it (section 5.5); a silent DNS means none."""
        try:
            answer = await self._resolver.reverse(str(self._client))
        except DnsError:
            return []
        names = []
        for name in answer.records[:MOST_NAMES]:
            try:
                back = await self._resolver.addresses(name)
            except (DnsError, UsageError):
                continue
            if self._client in back.records:
                names.append(name)
        return names

    async def _addresses(self, host: str, *, count: bool = True) -> tuple[IpAddress, ...]:
        try:
            answer = await self._resolver.addresses(host)
        except UsageError:
            return ()
        if count:
            self._empty(answer)
        return answer.records

    def _is_one_of(self, addresses: tuple[IpAddress, ...], mechanism: Mechanism) -> bool:
        for address in addresses:
            if address.version != self._client.version:
                continue
            kind = IPv4Network if address.version == 4 else IPv6Network
            prefix = mechanism.prefix4 if address.version == 4 else mechanism.prefix6
            if self._client in kind(f"{address}/{prefix}", strict=False):
                return True
        return False

    async def _target(self, spec: str, domain: str) -> str:
        if not spec:
            return domain
        local, _, sender_domain = self._sender.rpartition("@")
        values = {
            "s": self._sender, "l": local, "o": sender_domain, "d": domain, "h": self._helo,
            "i": _dotted(self._client), "v": "in-addr" if self._client.version == 4 else "ip6",
            "p": "unknown",
        }  # fmt: skip
        if "p" in macros_in(spec):
            names = await self._names()
            inside = [name for name in names if _is_inside(name, domain)]
            values["p"] = next(iter((*inside, *names)), "unknown")
        return expand(spec, values).rstrip(".")

    def _count(self) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise _PermanentError(f"more than {MOST_TERMS} terms that ask the DNS")

    def _empty(self, answer: DnsAnswer[object]) -> None:
        if answer.status in (DnsStatus.NODATA, DnsStatus.NXDOMAIN):
            self._void += 1
        if self._void > MOST_VOID:
            raise _PermanentError(f"more than {MOST_VOID} questions without an answer")


def _is_full_name(domain: str) -> bool:
    labels = domain.rstrip(".").split(".")
    return len(labels) > 1 and len(domain) <= 254 and all(0 < len(x.encode()) <= 63 for x in labels)


def _may_be_asked(name: str) -> bool:
    return all(0 < len(label.encode()) <= 63 for label in name.split("."))


def _is_inside(name: str, domain: str) -> bool:
    name, domain = name.lower().rstrip("."), domain.lower().rstrip(".")
    return name == domain or name.endswith(f".{domain}")


def _dotted(address: IpAddress) -> str:
    """IPv6 as 32 nibbles with dots (section 7.3)."""
    if address.version == 4:
        return str(address)
    return ".".join(address.exploded.replace(":", ""))
