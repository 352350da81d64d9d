"""From a name to a socket; nothing leaves the machine: names are resolved by the tests."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence

import pytest

from smtpadmin.model.errors import TotalDeadlineError, UnreachableError
from smtpadmin.transport import smtp_connect
from smtpadmin.transport.smtp_connect import Address, connect, named, resolve, system_resolver


def loopback(port: int, host: str = "127.0.0.1") -> Address:
    return (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))


def knows_nothing(host: str, port: int) -> Sequence[Address]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def test_a_name_that_does_not_resolve_is_named() -> None:
    with pytest.raises(UnreachableError) as caught:
        await resolve("mail.nowhere.invalid", 25, knows_nothing)
    assert str(caught.value) == (
        "mail.nowhere.invalid: the name cannot be resolved (Name or service not known). "
        "Check the spelling, and the name server of this machine."
    )


async def test_a_name_that_no_codec_takes_is_unreachable_too() -> None:
    with pytest.raises(UnreachableError, match="cannot be resolved"):
        await resolve("a" * 64 + ".invalid", 25, system_resolver)


async def test_a_resolver_that_hangs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(smtp_connect, "RESOLVE_S", 0.05)

    def hangs(host: str, port: int) -> Sequence[Address]:
        released.wait(10)
        return ()

    try:
        with pytest.raises(TotalDeadlineError, match=r"slow\.invalid: the name was not resolved"):
            await resolve("slow.invalid", 25, hangs)
    finally:
        released.set()


async def test_only_the_first_addresses_are_tried() -> None:
    found = await resolve("x", 25, lambda host, port: [loopback(port)] * 9)
    assert len(found) == smtp_connect.MOST_ADDRESSES


async def test_the_second_address_is_tried_when_the_first_refuses() -> None:
    notes: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead, alive = closed.getsockname()[1], listener.getsockname()[1]
        sock, name = await connect("mx", [loopback(dead), loopback(alive)], notes.append)
        sock.close()
    assert name == f"127.0.0.1:{alive}"
    assert notes[0].startswith(f"127.0.0.1:{dead}: ")
    assert notes[1] == f"connected to 127.0.0.1:{alive}"


async def test_nobody_at_home() -> None:
    with pytest.raises(UnreachableError, match="mx: cannot connect \\(no address\\)"):
        await connect("mx", [], lambda words: None)


async def test_an_address_that_drops_packets_costs_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(address: Address, source: tuple[str, int]) -> socket.socket:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(smtp_connect, "CONNECT_S", 0.05)
    monkeypatch.setattr(smtp_connect, "_connect_one", never)
    with pytest.raises(UnreachableError, match=r"mx:25: cannot connect \(no answer within 0.05 s"):
        await connect("mx", [loopback(25)], lambda words: None)


def test_addresses_are_written_as_usual() -> None:
    assert named(("192.0.2.1", 25)) == "192.0.2.1:25"
    assert named(("2001:db8::1", 25, 0, 0)) == "[2001:db8::1]:25"
