"""Asks the DNS what mail needs to know: MX, addresses, reverse names, texts, TLSA.

A stub resolver (RFC 1034 section 5.3.1) over dnspython: the name servers of this machine or those
given, one total deadline for each call, no search domains (a name means itself). dnspython is
loaded in a thread when the first question is asked.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from smtpadmin.model.dns import (
    DnsAnswer,
    DnsError,
    DnsStatus,
    IpAddress,
    MailHosts,
    MailRoute,
    MxHost,
    NameServer,
    TlsaRecord,
)
from smtpadmin.model.errors import UsageError
from smtpadmin.transport.dns_name import shown_name, wire_name
from smtpadmin.transport.dns_query import Question, ask, failure
from smtpadmin.transport.dns_records import (
    joined,
    read_answer,
    read_ip,
    read_mx,
    read_ptr,
    read_text,
    read_tlsa,
)
from smtpadmin.transport.dns_servers import system_servers
from smtpadmin.util.tasks import run_blocking_for

if TYPE_CHECKING:
    import dns.name

DEADLINE_S = 6.0
TRY_S = 2.0
LOAD_S = 10.0
ROUNDS = 3

T = TypeVar("T")


class Resolver:
    """Asks ``servers``, or those that this machine has when it asks for the first time.

    Every method raises UsageError for what is no name or address, and DnsError when no server gave
    an answer within ``deadline_s`` seconds; that a name or record does not exist is an answer.
    """

    def __init__(
        self,
        servers: Sequence[NameServer] = (),
        *,
        deadline_s: float = DEADLINE_S,
        try_s: float = TRY_S,
    ) -> None:
        for server in servers:
            _address(server.address)
        self._servers = tuple(servers)
        self._deadline_s = deadline_s
        self._try_s = try_s
        self._loading = asyncio.Lock()
        self._loaded = False

    async def mx(self, domain: str) -> MailHosts:
        """The hosts that take mail for ``domain``: by preference, then by name (a sender shuffles
        equal ones, RFC 5321 section 5.1). Without MX records it is the domain itself, if it has an
        address; a null MX (RFC 7505) is told apart, beside others it is left out."""
        until = await self._ready()
        name = wire_name(domain)
        answer = await self._ask(Question(name, "MX"), until, read_mx)
        if answer.status is DnsStatus.NXDOMAIN:
            return MailHosts(answer.name, MailRoute.NO_DOMAIN, (), answer)
        if answer.records:
            named = (record for record in answer.records if record.host != ".")
            hosts = tuple(sorted(named, key=lambda mx: (mx.preference, mx.host)))
            route = MailRoute.LISTED if hosts else MailRoute.NULL
            return MailHosts(answer.name, route, hosts, answer)
        if (await self._addresses(name, until)).records:
            own = (MxHost(0, answer.canonical),)
            return MailHosts(answer.name, MailRoute.IMPLICIT, own, answer)
        return MailHosts(answer.name, MailRoute.NOWHERE, (), answer)

    async def addresses(self, host: str) -> DnsAnswer[IpAddress]:
        """IPv4 and IPv6 addresses (A, AAAA; RFC 3596), in that order."""
        until = await self._ready()
        return await self._addresses(wire_name(host), until)

    async def reverse(self, address: str) -> DnsAnswer[str]:
        """The names of an address (PTR; RFC 1035 section 3.5, RFC 3596 section 2.5)."""
        until = await self._ready()
        reverse = wire_name(_address(address).reverse_pointer)
        return await self._ask(Question(reverse, "PTR"), until, read_ptr)

    async def txt(self, name: str) -> DnsAnswer[bytes]:
        """The texts of a name, each with its strings joined as they stand (RFC 7208 section 3.3)."""
        until = await self._ready()
        return await self._ask(Question(wire_name(name), "TXT"), until, read_text)

    async def tlsa(self, host: str, port: int = 25) -> DnsAnswer[TlsaRecord]:
        """What the certificate of a TCP port must match (RFC 7672 section 2.2): to be believed only
        when the answer is authenticated, by a server that can be."""
        until = await self._ready()
        name = wire_name(f"_{port}._tcp.{shown_name(wire_name(host))}")
        return await self._ask(Question(name, "TLSA"), until, read_tlsa)

    async def _addresses(self, name: dns.name.Name, until: float) -> DnsAnswer[IpAddress]:
        both = await asyncio.gather(
            self._ask(Question(name, "A"), until, read_ip),
            self._ask(Question(name, "AAAA"), until, read_ip),
            return_exceptions=True,
        )
        answers: list[DnsAnswer[IpAddress]] = []
        for answer in both:
            if isinstance(answer, BaseException):
                raise answer
            answers.append(answer)
        return joined(*answers)

    async def _ask(
        self, question: Question, until: float, read: Callable[[Any], T]
    ) -> DnsAnswer[T]:
        """The first answer of any server; one that answers wrongly is not asked again."""
        failures: list[DnsError] = []
        given_up: set[NameServer] = set()
        for number, server in _tries(self._servers):
            left = until - asyncio.get_running_loop().time()
            if server in given_up or left <= 0:
                continue
            try:
                response = await ask(server, question, min(left, self._try_s), edns=not number)
                return read_answer(response, question, server, read)
            except DnsError as error:
                failures.append(error)
                if not _may_still_answer(error.status, number):
                    given_up.add(server)
        raise _worst(failures, question)

    async def _ready(self) -> float:
        """The moment, on the loop's clock, when time is up; loading is not counted."""
        async with self._loading:
            if not self._loaded:
                self._servers = await run_blocking_for(LOAD_S, _load, self._servers)
                self._loaded = True
        return asyncio.get_running_loop().time() + self._deadline_s


def _load(servers: tuple[NameServer, ...]) -> tuple[NameServer, ...]:
    import dns.asyncbackend
    import dns.asyncquery

    dns.asyncbackend.get_backend("asyncio")
    return servers or system_servers()


def _tries(servers: tuple[NameServer, ...]) -> Iterator[tuple[int, NameServer]]:
    for number in range(ROUNDS):
        for server in servers:
            yield number, server


def _may_still_answer(status: DnsStatus, number: int) -> bool:
    """Later rounds go without EDNS, for servers and middle boxes that drop it or call it wrong
    (RFC 6891 section 6.2.2)."""
    return status is DnsStatus.TIMEOUT or (status is DnsStatus.OTHER and number == 0)


def _worst(failures: Sequence[DnsError], question: Question) -> DnsError:
    """What a server said tells more than another's silence; the detail has all of them."""
    if not failures:
        return failure(DnsStatus.TIMEOUT, question)
    said = [error for error in failures if error.status is not DnsStatus.TIMEOUT]
    worst = (said or failures)[0]
    worst.detail = "\n".join(dict.fromkeys(f"{e.where}: {e.what}" for e in failures))
    return worst


def _address(text: str) -> IpAddress:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise UsageError(
            "this is no IP address", where=text[:80], remedy="Type digits, not a name."
        ) from error
