"""The demo's outside world: a real server on loopback for each domain, each with its own rules.

Every outcome that the demo shows comes from one of these answering over a socket.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP

from smtpadmin.builtin import demo_rules
from smtpadmin.builtin.config import Address, NextHop
from smtpadmin.builtin.demo_dns import FailingDns
from smtpadmin.builtin.demo_rules import Friendly
from smtpadmin.model.profile import TlsMode

LOOPBACK = "127.0.0.1"
Factory = Callable[[], asyncio.BaseProtocol]


@dataclass(frozen=True, slots=True)
class Place:
    """One domain that speaks SMTP. ``offers_tls``: STARTTLS; ``insists_on_tls``: nothing without
    it; ``we_insist``: our server sends it nothing in clear."""

    domain: str
    rules: type[Friendly] = Friendly
    offers_tls: bool = True
    insists_on_tls: bool = False
    we_insist: bool = False


PLACES = (
    Place("partner.example", demo_rules.Partner),
    Place("mailhost.example", demo_rules.Greylisting),
    Place("strict.example", demo_rules.Strict),
    Place("bigmail.example", demo_rules.Slow),
    Place("university.example", demo_rules.Tarpit),
    Place("flaky.example", demo_rules.Flaky),
    Place("shop.example"),
    Place("bank.example", insists_on_tls=True),
    Place("oldtls.example", offers_tls=False, we_insist=True),
)
UNREACHABLE = "branch-7.example"
BUSY = "pager.example"
SILENT = "archive.example"
WITHOUT_DNS = "nodns.example"
"""Not routed: its mail exchangers are asked of :mod:`demo_dns`."""


class DemoWorld:
    """All of it. ``routes`` and ``dns`` tell the mail server how to reach it; ``rules`` are the
    handlers by domain."""

    def __init__(self) -> None:
        self.rules: dict[str, Friendly] = {}
        self.routes: dict[str, NextHop] = {}
        self.dns: Address = (LOOPBACK, 0)
        self._servers: list[asyncio.Server] = []
        self._sessions: weakref.WeakSet[asyncio.BaseProtocol] = weakref.WeakSet()
        self._name_server: asyncio.DatagramTransport | None = None
        self._reserved: socket.socket | None = None

    async def start(self, tls: ssl.SSLContext) -> None:
        """Open the ports; ``tls`` holds the certificate that the hosts show."""
        for place in PLACES:
            self.rules[place.domain] = place.rules()
            port = await self._listen(self._smtp(place, tls))
            self._route(place.domain, port, require_tls=place.we_insist)
        self._route(BUSY, await self._listen(demo_rules.Busy))
        self._route(SILENT, await self._listen(demo_rules.Silent))
        self._route(UNREACHABLE, self._refusing_port())
        self._name_server, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            FailingDns, (LOOPBACK, 0)
        )
        self.dns = self._name_server.get_extra_info("sockname")[:2]

    async def stop(self) -> None:
        """Close everything; may be called after a start that failed."""
        for server in self._servers:
            server.close()
        for session in tuple(self._sessions):
            transport = getattr(session, "transport", None)
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        if self._name_server is not None:
            self._name_server.close()
        if self._reserved is not None:
            self._reserved.close()
        await asyncio.sleep(0)  # let the aborted sessions hear of it

    def _smtp(self, place: Place, tls: ssl.SSLContext) -> Factory:
        def make() -> asyncio.BaseProtocol:
            session: asyncio.BaseProtocol = SMTP(
                self.rules[place.domain],
                hostname=f"mx.{place.domain}",
                ident="ESMTP",
                enable_SMTPUTF8=True,
                tls_context=tls if place.offers_tls else None,
                require_starttls=place.insists_on_tls,
                loop=asyncio.get_running_loop(),
            )
            return session

        return make

    async def _listen(self, factory: Factory) -> int:
        def make() -> asyncio.BaseProtocol:
            session = factory()
            self._sessions.add(session)
            return session

        server = await asyncio.get_running_loop().create_server(make, LOOPBACK, 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def _route(self, domain: str, port: int, *, require_tls: bool = False) -> None:
        self.routes[domain] = NextHop(
            LOOPBACK, port, TlsMode.STARTTLS, require_tls=require_tls, name=f"mx.{domain}"
        )

    def _refusing_port(self) -> int:
        """A port that refuses: bound, so that nobody else gets it, and not listening."""
        self._reserved = socket.socket()
        self._reserved.bind((LOOPBACK, 0))
        port: int = self._reserved.getsockname()[1]
        return port
