"""A plain TCP relay that keeps every octet that goes through it, in the order in which it came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby


@dataclass
class Tap:
    """``heard`` are the pieces with their direction: ``>`` from the client, ``<`` from the server."""

    port: int = 0
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def octets(self, direction: str) -> bytes:
        """All of one direction."""
        return b"".join(piece for way, piece in self.heard if way == direction)

    def turns(self) -> list[tuple[str, bytes]]:
        """What one side said until the other spoke."""
        turns = groupby(self.heard, key=lambda piece: piece[0])
        return [(way, b"".join(octets for _, octets in pieces)) for way, pieces in turns]


@asynccontextmanager
async def wire_tap(port: int) -> AsyncIterator[Tap]:
    """Between a free port and ``port``, both on this computer; one connection."""
    tap = Tap()

    async def pump(way: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while octets := await source.read(65_536):
                tap.heard.append((way, octets))
                sink.write(octets)
                await sink.drain()
        with suppress(ConnectionError, OSError):
            sink.write_eof()

    async def relay(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(pump(">", client, to_server), pump("<", server, to_client))
        finally:
            to_server.close()
            to_client.close()
            tap.closed.set()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    tap.port = server.sockets[0].getsockname()[1]
    try:
        yield tap
        async with asyncio.timeout(10):
            await tap.closed.wait()
    finally:
        server.close()
