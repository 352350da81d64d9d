"""The demo's outside world: real SMTP servers that greylist, refuse, delay, drop and accept.

Every outcome that the demo shows comes from one of these answering over a socket.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from smtpadmin.builtin.config import Address, NextHop
from smtpadmin.builtin.policy import domain_of
from smtpadmin.model.profile import TlsMode

LOOPBACK = "127.0.0.1"
GREYLIST_S = 25.0
SLOW_S = 2.5
BUSY = b"421 4.7.0 try again later, too many connections from your network\r\n"


@dataclass
class WorldRules:
    """How the world's domains answer; remembers whom it has greylisted and dropped."""

    first_seen: dict[tuple[str, str], float] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    received: int = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer a recipient by its domain's rule."""
        rule = _RECIPIENT_RULES.get(domain_of(address))
        reply = rule(self, envelope.mail_from or "", address) if rule else None
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the message, slowly, or drop the line."""
        domain = domain_of(envelope.rcpt_tos[0])
        if domain == "bigmail.example":
            await asyncio.sleep(SLOW_S)
        if domain == "flaky.example" and envelope.rcpt_tos[0] not in self.dropped:
            self.dropped.add(envelope.rcpt_tos[0])
            if isinstance(server.transport, asyncio.Transport):
                server.transport.abort()
        self.received += 1
        return f"250 2.0.0 Ok: queued as W{self.received:07d}"


def _partner(rules: WorldRules, sender: str, address: str) -> str | None:
    local_part = address.partition("@")[0]
    if local_part == "finance":
        return "452 4.2.2 mailbox full"
    if local_part in ("gone", "former.colleague"):
        return f"550 5.1.1 <{address}>: no such user here"
    return None


def _greylist(rules: WorldRules, sender: str, address: str) -> str | None:
    first = rules.first_seen.setdefault((sender, address), time.monotonic())
    left = GREYLIST_S - (time.monotonic() - first)
    return f"450 4.7.1 greylisted, try again in {int(left) + 1} s" if left > 0 else None


def _spam_filter(rules: WorldRules, sender: str, address: str) -> str | None:
    if sender.startswith("newsletter@"):
        return "554 5.7.1 Message refused: this network is listed for bulk mail"
    return None


_RECIPIENT_RULES: dict[str, Callable[[WorldRules, str, str], str | None]] = {
    "partner.example": _partner,
    "mailhost.example": _greylist,
    "strict.example": _spam_filter,
}


class DemoWorld:
    """All servers of the outside world. ``routes`` tells the mail server how to reach them."""

    def __init__(self) -> None:
        self.rules = WorldRules()
        self.routes: dict[str, NextHop] = {}
        self.dns: Address = (LOOPBACK, 0)
        self._servers: list[asyncio.Server] = []
        self._dns_transport: asyncio.DatagramTransport | None = None
        self._unused_port: Any = None

    async def start(self, tls: ssl.SSLContext) -> None:
        """Open the ports; ``tls`` is the certificate that most of the servers show."""
        loop = asyncio.get_running_loop()

        def polite() -> SMTP:
            return SMTP(self.rules, hostname="mx.world.example", tls_context=tls, loop=loop)

        def without_tls() -> SMTP:
            return SMTP(self.rules, hostname="mail.oldtls.example", loop=loop)

        port = await self._listen(polite)
        accepting = ("partner", "mailhost", "strict", "bigmail", "flaky", "shop", "university")
        for name in accepting:
            self._route(f"{name}.example", port)
        self._route("oldtls.example", await self._listen(without_tls), require_tls=True)
        self._route("pager.example", await self._listen(_Busy))
        self._route("branch-7.example", self._refusing_port())
        self.dns = await self._start_dns(loop)

    def _route(self, domain: str, port: int, *, require_tls: bool = False) -> None:
        self.routes[domain] = NextHop(
            LOOPBACK, port, TlsMode.STARTTLS, require_tls=require_tls, name=f"mx.{domain}"
        )

    async def _listen(self, factory: Callable[[], asyncio.BaseProtocol]) -> int:
        server = await asyncio.get_running_loop().create_server(factory, LOOPBACK, 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def _refusing_port(self) -> int:
        """A port that refuses: bound, so that nobody else gets it, and not listening."""
        import socket

        self._unused_port = socket.socket()
        self._unused_port.bind((LOOPBACK, 0))
        port: int = self._unused_port.getsockname()[1]
        return port

    async def _start_dns(self, loop: asyncio.AbstractEventLoop) -> Address:
        transport, _ = await loop.create_datagram_endpoint(_FailingDns, (LOOPBACK, 0))
        self._dns_transport = transport
        host, port = transport.get_extra_info("sockname")[:2]
        return (host, port)

    async def stop(self) -> None:
        """Close everything."""
        for server in self._servers:
            server.close()
        if self._dns_transport is not None:
            self._dns_transport.close()
        if self._unused_port is not None:
            self._unused_port.close()


class _Busy(asyncio.Protocol):
    """A server that has no time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(BUSY)
        transport.close()


class _FailingDns(asyncio.DatagramProtocol):
    """A name server whose zone is broken: it answers every question with SERVFAIL, so that no
    question of the demo leaves this machine."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        import dns.exception
        import dns.message
        import dns.rcode

        try:
            answer = dns.message.make_response(dns.message.from_wire(data))
        except dns.exception.DNSException:
            return
        answer.set_rcode(dns.rcode.SERVFAIL)
        self._transport.sendto(answer.to_wire(), addr)
