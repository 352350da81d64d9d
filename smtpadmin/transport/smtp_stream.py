"""A connection whose every octet is recorded: read, write, TLS in the middle. Knows no SMTP.

asyncio's own streams keep what was read before a handshake; here it is handed out, so that octets
from before TLS are never taken for ones said under it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque

MOST_WAITING = 256 * 1024
"""Octets that wait to be read before the server is made to wait."""


class SmtpStream(asyncio.Protocol):
    """Made by :func:`open_stream`."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._arrived: deque[bytes] = deque()
        self._waiting = 0
        self._paused = False
        self._ended = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._arrived.append(data)
        self._waiting += len(data)
        if self._waiting > MOST_WAITING and self.transport is not None and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._news.set()

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def _end(self) -> None:
        self._ended = True
        self._news.set()
        self._room.set()

    # What the session calls.

    async def read(self) -> bytes:
        """What has arrived; nothing when the server has hung up."""
        while not self._arrived and not self._ended:
            self._news.clear()
            await self._news.wait()
        return self.arrived()

    def arrived(self) -> bytes:
        """What is here already."""
        octets = b"".join(self._arrived)
        self._arrived.clear()
        self._waiting = 0
        if self._paused and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        return octets

    def write(self, octets: bytes) -> None:
        """Send. A lost connection is found by reading."""
        assert self.transport is not None
        if not (self._ended and self.transport.is_closing()):
            self.transport.write(octets)

    async def drain(self) -> None:
        """Wait while the server does not read."""
        if not self._room.is_set():
            await self._room.wait()

    async def start_tls(self, context: ssl.SSLContext, name: str, seconds: float) -> ssl.SSLObject:
        """The handshake; ``name`` is sent as SNI, unless it is an address. Raises OSError."""
        assert self.transport is not None
        transport = await asyncio.get_running_loop().start_tls(
            self.transport, self, context, server_hostname=name, ssl_handshake_timeout=seconds
        )
        if transport is None or self._ended:
            raise ConnectionResetError("the connection was closed")
        self.transport = transport
        tls = transport.get_extra_info("ssl_object")
        assert isinstance(tls, ssl.SSLObject)
        return tls

    def abort(self) -> None:
        """Give it up at once: under TLS, closing would wait for the server's goodbye."""
        if self.transport is not None:
            self.transport.abort()


async def open_stream(sock: socket.socket) -> SmtpStream:
    """Take a connected socket over."""
    loop = asyncio.get_running_loop()
    try:
        _, stream = await loop.create_connection(SmtpStream, sock=sock)
    except BaseException:
        sock.close()
        raise
    return stream
