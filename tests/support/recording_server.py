"""An SMTP and LMTP server on loopback that says yes to all and keeps every octet it was sent."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OFFERS = (
    "PIPELINING",
    "PRDR",
    "XCLIENT ADDR NAME HELO LOGIN",
    "AUTH PLAIN LOGIN CRAM-MD5 CRAM-SHA1",
)
CHALLENGE = b"<1896.697170952@postoffice.example>"


@dataclass
class Recorded:
    """``wire`` is what the client sent, in clear; ``peers`` from where."""

    port: int = 0
    wire: bytearray = field(default_factory=bytearray)
    peers: list[object] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    header: int = 0
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def lines(self) -> list[str]:
        """The client's lines."""
        return bytes(self.wire).decode("utf-8", "backslashreplace").split("\r\n")[:-1]


class _Client:
    def __init__(
        self, recorded: Recorded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.recorded = recorded
        self.reader = reader
        self.writer = writer
        self.lmtp = self.prdr = self.secure = False
        self.recipients = 0

    async def line(self) -> bytes:
        line = await self.reader.readline()
        self.recorded.wire += line
        return line

    def say(self, *replies: bytes) -> None:
        self.writer.write(b"".join(reply + b"\r\n" for reply in replies))

    async def serve(self) -> None:
        if self.recorded.header:
            self.recorded.wire += await self.reader.readexactly(self.recorded.header)
        self.say(b"220 mx.example ESMTP")
        while line := await self.line():
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"PROXY":
                continue
            await self.command(verb, line)
            if verb == b"QUIT":
                return

    async def command(self, verb: bytes, line: bytes) -> None:
        if verb in (b"EHLO", b"LHLO"):
            self.lmtp = verb == b"LHLO"
            offers = [*OFFERS] + (["STARTTLS"] if self.recorded.tls and not self.secure else [])
            words = [b"mx.example", *(offer.encode() for offer in offers)]
            self.say(*(b"250-" + word for word in words[:-1]), b"250 " + words[-1])
        elif verb == b"STARTTLS" and self.recorded.tls:
            self.say(b"220 go")
            await self.writer.start_tls(self.recorded.tls)
            self.secure = True
        elif verb == b"AUTH":
            await self.auth(line.split())
        elif verb == b"XCLIENT":
            self.say(b"220 mx.example ESMTP")
        elif verb == b"DATA":
            await self.data()
        else:
            self.prdr |= verb == b"MAIL" and b"PRDR" in line
            self.recipients = 0 if verb == b"MAIL" else self.recipients + (verb == b"RCPT")
            self.say(b"221 bye" if verb == b"QUIT" else b"250 2.0.0 ok")

    async def auth(self, words: list[bytes]) -> None:
        if words[1] == b"LOGIN":
            for prompt in (b"Username:", b"Password:")[len(words) - 2 :]:
                self.say(b"334 " + base64.b64encode(prompt))
                await self.line()
        elif words[1].startswith(b"CRAM"):
            self.say(b"334 " + base64.b64encode(CHALLENGE))
            await self.line()
        self.say(b"235 2.7.0 welcome")

    async def data(self) -> None:
        self.say(b"354 go on")
        while await self.line() not in (b".\r\n", b""):
            pass
        if self.prdr:
            self.say(b"353 each")
        for _ in range(self.recipients if self.lmtp or self.prdr else 0):
            self.say(b"250 2.0.0 for this one")
        if not self.lmtp:
            self.say(b"250 2.0.0 Ok: queued as ABCDEF123456")


@asynccontextmanager
async def recording_server(
    *, path: str = "", tls: ssl.SSLContext | None = None, implicit: bool = False, header: int = 0
) -> AsyncIterator[Recorded]:
    """``header`` octets come before the banner (a PROXY header of version 2)."""
    recorded = Recorded(tls=None if implicit else tls, header=header)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recorded.peers.append(writer.get_extra_info("peername"))
        try:
            await _Client(recorded, reader, writer).serve()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            recorded.finished.set()

    if path:
        server: asyncio.Server = await asyncio.start_unix_server(serve, path)
    else:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls if implicit else None)
        recorded.port = server.sockets[0].getsockname()[1]
    try:
        yield recorded
        async with asyncio.timeout(10):
            await recorded.finished.wait()
        await asyncio.sleep(0)
    finally:
        server.close()
