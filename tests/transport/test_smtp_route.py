"""Every way to a server, against real sockets and a real SOCKS and HTTP proxy of our own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from smtpadmin.model.errors import SmtpadminError, UnreachableError, UsageError
from smtpadmin.model.smtp import SendResult
from smtpadmin.model.smtp_plan import SendPlan, Target, TlsPlan, TlsUse
from smtpadmin.transport.smtp_connect import Address
from smtpadmin.transport.smtp_route import read_proxy_url
from smtpadmin.transport.smtp_run import Secrets, Surroundings, run_plan
from tests.support.odd_server import odd_server, script
from tests.support.smtp_script import GOOD, MAIL, server_context

PEERS: list[object] = []


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    PEERS.append(writer.get_extra_info("peername"))
    for reply in (GOOD[0], b"250 mx\r\n", *GOOD[3:6]):
        writer.write(reply)
        await reader.readline()
    while await reader.readline() != b".\r\n":
        pass
    writer.write(GOOD[6])
    await reader.readline()
    writer.close()


async def send(target: Target, **around: object) -> tuple[SendResult, SmtpadminError | None]:
    secrets = around.pop("secrets", Secrets())
    return await run_plan(SendPlan(target), MAIL, secrets, total_s=5, around=Surroundings(**around))  # type: ignore[arg-type]


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp")
    server = await asyncio.start_unix_server(talk, path)
    async with server:
        result, error = await send(Target(socket_path=path))
        await asyncio.sleep(0.05)
        assert (error, result.address, result.host) == (None, path, path)
    result, error = await send(Target(socket_path=str(tmp_path / "none")))
    assert isinstance(error, UnreachableError)
    assert result.stage == "connect"


def both(host: str, port: int) -> Sequence[Address]:
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)),
    ]


async def test_families_and_source_addresses() -> None:
    PEERS.clear()
    async with odd_server(talk) as port:
        target = Target("mx.test", port, family=4)
        result, error = await send(target, resolver=both)
        assert (error, result.address) == (None, f"127.0.0.1:{port}")
        assert "[::1]" not in str(result.transcript)
        result, error = await send(replace(target, family=0, source="127.0.0.9"), resolver=both)
        assert error is None
        assert PEERS[-1][0] == "127.0.0.9"  # type: ignore[index]
        only_v4 = lambda host, port: both(host, port)[1:]  # noqa: E731
        result, error = await send(replace(target, family=6), resolver=only_v4)
    assert isinstance(error, UnreachableError)
    assert "no IPv6 address (it has 127.0.0.1" in error.what


async def test_a_source_address_that_is_not_ours() -> None:
    result, error = await send(Target("127.0.0.1", 9, source="192.0.2.1"))
    assert isinstance(error, UnreachableError)
    assert result.stage == "connect"


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(4096):
        writer.write(octets)
        await writer.drain()
    writer.close()


def socks_proxy(asked: list[object], *, refuse: bool = False):  # type: ignore[no-untyped-def]
    """SOCKS5 (RFC 1928) with user and password (RFC 1929)."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if 2 in methods:
            writer.write(b"\x05\x02")
            _, length = await reader.readexactly(2)
            user = await reader.readexactly(length)
            asked.append((user, await reader.readexactly((await reader.readexactly(1))[0])))
            writer.write(b"\x01\x00")
        else:
            writer.write(b"\x05\x00")
        _, _, _, kind = await reader.readexactly(4)
        length = (await reader.readexactly(1))[0] if kind == 3 else 4
        host = await reader.readexactly(length)
        port = int.from_bytes(await reader.readexactly(2), "big")
        asked.append((kind, host, port))
        if refuse:
            writer.write(b"\x05\x05\x00\x01\0\0\0\0\0\0")
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x05\x00\x00\x01\0\0\0\0\0\0")
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    return serve


async def test_a_socks_proxy_resolves_the_name_itself() -> None:
    asked: list[object] = []
    async with odd_server(talk) as port, odd_server(socks_proxy(asked)) as proxy:
        target = Target("mx.nowhere.invalid", port, proxy_url=f"socks5://127.0.0.1:{proxy}")
        result, error = await send(target, secrets=Secrets(proxy_login=("joe", "hunter2")))
    assert error is None
    assert asked == [(b"joe", b"hunter2"), (3, b"mx.nowhere.invalid", port)]
    assert "hunter2" not in str(result)


async def test_a_proxy_that_refuses_and_one_that_is_not_there() -> None:
    async with odd_server(socks_proxy([], refuse=True)) as proxy:
        _, error = await send(Target("mx", 25, proxy_url=f"socks5://127.0.0.1:{proxy}"))
    assert isinstance(error, UnreachableError)
    assert "no way through the proxy" in error.what
    result, error = await send(Target("mx", 25, proxy_url=f"socks5://127.0.0.1:{proxy}"))
    assert isinstance(error, UnreachableError)
    assert result.stage == "connect"


async def test_an_http_proxy() -> None:
    lines: list[bytes] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines.append(head.split(b"\r\n")[0])
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    async with odd_server(talk) as port, odd_server(connect) as proxy:
        _, error = await send(Target("mx.test", port, proxy_url=f"http://127.0.0.1:{proxy}"))
    assert error is None
    assert lines == [f"CONNECT mx.test:{port} HTTP/1.1".encode()]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://h:1",
        "socks5://h",
        "socks5://:1",
        "socks5://u:pw@h:1",
        "socks5://h:x",
        "//[",
        "http://h:99999",
    ],
)
def test_addresses_of_proxies_that_are_none(url: str) -> None:
    with pytest.raises(UsageError) as found:
        read_proxy_url(url)
    assert "pw" not in str(found.value).replace("password", "")


# From another machine.


async def test_a_jump_carries_the_session_and_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = server_context(authority.issue_cert("mx.test"))
    asked: list[tuple[str, int]] = []
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)

    async def opener(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        asked.append((host, port))
        return await asyncio.open_connection("127.0.0.1", port)

    async with server:
        port = server.sockets[0].getsockname()[1]
        tls = TlsPlan(TlsUse.IMPLICIT, ca_file=str(tmp_path / "ca.pem"))
        plan = SendPlan(Target("mx.test", port), tls=tls)
        result, error = await run_plan(plan, MAIL, total_s=5, around=Surroundings(opener=opener))
    assert error is None
    assert asked == [("mx.test", port)]
    assert result.tls is not None
    assert result.tls.level == "Verified"


@pytest.mark.parametrize(
    "failure", [OSError(111, "Connection refused"), UnreachableError("no", where="ssh")]
)
async def test_a_jump_that_does_not_get_there(failure: Exception) -> None:
    async def opener(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        raise failure

    result, error = await send(Target("mx", 25), opener=opener)
    assert isinstance(error, UnreachableError)
    assert result.stage == "connect"


async def test_a_jump_whose_far_side_hangs_ends_at_the_deadline() -> None:
    async with odd_server(script(GOOD[0], hang=True)) as port:

        async def opener(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", port)

        plan = SendPlan(Target("127.0.0.1", port))
        _, error = await run_plan(plan, MAIL, total_s=0.4, around=Surroundings(opener=opener))
    assert error is not None
    assert "no answer within 0.4 s" in error.what
