"""The demo's name server: its zone is broken, it answers every question with SERVFAIL, so that no
question of the demo ever leaves this machine."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import dns.exception
import dns.message
import dns.rcode


class FailingDns(asyncio.DatagramProtocol):
    """DNS over UDP (RFC 1035 section 4.2.1)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            answer = dns.message.make_response(dns.message.from_wire(data))
        except dns.exception.DNSException:
            return  # not a question: nothing to answer
        answer.set_rcode(dns.rcode.SERVFAIL)
        self._transport.sendto(answer.to_wire(), addr)
