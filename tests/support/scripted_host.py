"""A next hop on loopback that answers as told: real sockets, scripted replies."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

DEFAULTS = {
    "banner": "220 host.example ESMTP",
    "EHLO": "250-host.example\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250 SMTPUTF8",
    "DATA": "354 go on",
    "dot": "250 2.0.0 Ok: queued as H1",
    "STARTTLS": "220 2.0.0 Ready",
    "QUIT": "221 2.0.0 Bye",
}
CLOSE = "<close>"
"""Instead of a reply: close the connection."""
SILENCE = "<silence>"
"""Instead of a reply: say nothing more."""


@dataclass
class ScriptedHost:
    """``replies`` by command word, or by the whole line (``RCPT TO:<a@b>``), which counts more."""

    replies: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    port: int = 0
    sessions: int = 0
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._say(writer, self._reply("banner", "banner")):
            return
        while line := (await reader.readline()).decode("utf-8").rstrip("\r\n"):
            self.commands.append(line)
            word = line.split(" ")[0].upper()
            reply = self._reply(word, line)
            if not await self._say(writer, reply) or word == "QUIT":
                return
            if word == "DATA" and reply.startswith("354"):
                self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                if not await self._say(writer, self._reply("dot", "dot")):
                    return
            if word == "STARTTLS" and reply.startswith("220") and self.tls is not None:
                await writer.start_tls(self.tls)

    def _reply(self, word: str, line: str) -> str:
        found = self.replies.get(line) or self.replies.get(word) or DEFAULTS.get(word)
        return found or "250 2.0.0 Ok"

    async def _say(self, writer: asyncio.StreamWriter, reply: str) -> bool:
        if reply == SILENCE:
            await asyncio.Event().wait()
        if reply == CLOSE:
            return False
        writer.write(reply.encode("utf-8", "surrogateescape") + b"\r\n")
        await writer.drain()
        return True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedHost]:
        """Listen on a free port of 127.0.0.1 meanwhile."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await self._serve(reader, writer)
            except asyncio.CancelledError:
                return  # the end of the test; the stream's callback wants no cancelled task
            finally:
                self._tasks.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await self.hang_up()

    async def hang_up(self) -> None:
        """Close every connection."""
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
