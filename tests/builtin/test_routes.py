"""Where mail goes, with a name server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import dns.message
import dns.rcode
import dns.rrset
import pytest

from smtpadmin.builtin.config import NextHop, ServerConfig
from smtpadmin.builtin.routes import (
    LOCAL,
    Destination,
    RouteError,
    destination_of,
    next_hops,
    usable_exchangers,
)

HOP = NextHop("10.0.0.1", 2525)
STAR = NextHop("smart.example", 587)
CONFIG = ServerConfig(
    data=Path("unused"),
    hostname="mx.me.example",
    local_domains={"me.example": None},
    routes={"hop.example": HOP},
    mx_port=2500,
)
ZONE = {
    "two.example": ("MX", ["20 b.two.example.", "10 a.two.example."]),
    "null.example": ("MX", ["0 ."]),
    "loop.example": ("MX", ["10 mx.me.example.", "20 backup.example."]),
    "second.example": ("MX", ["10 first.example.", "20 MX.me.example.", "30 third.example."]),
    "plain.example": ("A", ["192.0.2.1"]),
}


class NameServer(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text(omit_final_dot=True)
        answer = dns.message.make_response(query)
        if name == "broken.example":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in ZONE:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif ZONE[name][0] == "MX":
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "MX", *ZONE[name][1]))
        self.transport.sendto(answer.to_wire(), addr)  # type: ignore[arg-type]


@asynccontextmanager
async def name_server() -> AsyncIterator[ServerConfig]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        yield replace(CONFIG, dns_servers=(("127.0.0.1", port),))
    finally:
        transport.close()


async def hosts(domain: str) -> list[str]:
    async with name_server() as config:
        found = await next_hops(config, Destination("mx", domain))
        assert all(hop.port == 2500 for hop in found)
        return [hop.host for hop in found]


@pytest.mark.parametrize(
    ("address", "destination"),
    [
        ("a@ME.example", Destination(LOCAL, "me.example")),
        ("a@hop.example", Destination("hop", str(HOP), HOP)),
        ("a@far.example", Destination("mx", "far.example")),
    ],
)
def test_destinations(address: str, destination: Destination) -> None:
    assert destination_of(CONFIG, address) == destination


def test_a_route_for_everything_else() -> None:
    config = replace(CONFIG, routes={"hop.example": HOP, "*": STAR})
    assert destination_of(config, "a@far.example").hop == STAR
    assert destination_of(config, "a@hop.example").hop == HOP


async def test_a_fixed_hop_asks_nobody() -> None:
    assert await next_hops(CONFIG, destination_of(CONFIG, "a@hop.example")) == [HOP]


async def test_exchangers_by_preference() -> None:
    assert await hosts("two.example") == ["a.two.example", "b.two.example"]


async def test_a_domain_without_exchangers_is_its_own() -> None:
    assert await hosts("plain.example") == ["plain.example"]


async def test_only_better_exchangers_than_we_are() -> None:
    assert await hosts("second.example") == ["first.example"]


@pytest.mark.parametrize(
    ("domain", "dsn", "words"),
    [
        ("null.example", "5.1.10", "does not accept mail"),
        ("loop.example", "5.4.6", "loops back to myself"),
        ("missing.example", "5.4.4", "Host not found"),
        ("broken.example", "4.4.3", "try again"),
        ("[not an address]", "5.1.2", "not an address literal"),
    ],
)
async def test_no_way(domain: str, dsn: str, words: str) -> None:
    with pytest.raises(RouteError, match=words) as caught:
        await hosts(domain)
    assert caught.value.dsn == dsn


@pytest.mark.parametrize(
    ("domain", "host"), [("[192.0.2.7]", "192.0.2.7"), ("[IPv6:2001:db8::7]", "2001:db8::7")]
)
async def test_address_literals(domain: str, host: str) -> None:
    assert await hosts(domain) == [host]


def test_at_most_five_exchangers() -> None:
    found = [(n, f"mx{n}.example") for n in range(9)]
    assert len(usable_exchangers("x.example", found, "me.example")) == 5
