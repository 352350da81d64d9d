"""The demo's name server answers every question, always the same."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from smtpadmin.builtin.demo_dns import FailingDns


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(FailingDns, ("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")
    transport.close()


@pytest.mark.parametrize("question", ["MX", "A", "TXT"])
async def test_every_question_fails(address: tuple[str, int], question: str) -> None:
    query = dns.message.make_query("nodns.example", question)
    answer = await dns.asyncquery.udp(query, address[0], 5, address[1])
    assert answer.rcode() == dns.rcode.SERVFAIL


async def test_what_is_no_question_is_left_alone(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"hello", address)
        query = dns.message.make_query("nodns.example", "MX")
        answer = await dns.asyncquery.udp(query, address[0], 5, address[1])
    assert answer.rcode() == dns.rcode.SERVFAIL
