"""Octets in and out, and none from before TLS under it."""

from __future__ import annotations

import asyncio
import socket

import pytest

from smtpadmin.transport.smtp_stream import MOST_WAITING, SmtpStream, open_stream
from tests.support.odd_server import odd_server


async def connected(port: int) -> SmtpStream:
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return await open_stream(sock)


async def test_read_write_and_the_end() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()

    async with odd_server(talk) as port:
        stream = await connected(port)
        stream.write(b"hello\r\n")
        await stream.drain()
        assert await stream.read() == b"hello\r\n"
        assert await stream.read() == b""
        assert await stream.read() == b""
        stream.abort()


async def test_a_server_that_floods_is_made_to_wait() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 8 * MOST_WAITING)
        await writer.drain()
        writer.close()

    async with odd_server(talk) as port:
        stream = await connected(port)
        await asyncio.sleep(0.2)
        first = stream.arrived()
        assert MOST_WAITING <= len(first) < 6 * MOST_WAITING
        total = len(first)
        while octets := await stream.read():
            total += len(octets)
        assert total == 8 * MOST_WAITING
        stream.abort()


async def test_a_connection_that_is_gone_before_tls() -> None:
    import ssl

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with odd_server(talk) as port:
        stream = await connected(port)
        assert await stream.read() == b""
        with pytest.raises((OSError, RuntimeError)):
            await stream.start_tls(ssl.create_default_context(), "x", 1.0)
        stream.abort()
