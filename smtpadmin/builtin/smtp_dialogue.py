"""Lines to and from a next hop: connect, command, reply, TLS; everything kept in a transcript.

Knows nothing of messages. Whatever goes wrong is a :class:`SessionError` that says what a log should
say. RFC 5321 section 4.2 (replies), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from dataclasses import dataclass, field

from smtpadmin.builtin.config import NextHop
from smtpadmin.model.profile import TlsMode
from smtpadmin.util.text import decode_line

CONNECT_S = 15.0
REPLY_S = 30.0
MOST_LINE = 8 * 1024
MOST_LINES = 100
MOST_KEPT = 1_000
"""Lines of a transcript."""
_ENHANCED = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}(?= |$)")


class SessionError(Exception):
    """The session ended before the message was through; ``reply`` says how, ``dsn`` is 4.x or
    5.x (4.x: try again)."""

    def __init__(self, reply: str, dsn: str) -> None:
        super().__init__(reply)
        self.reply = reply
        self.dsn = dsn


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """One reply, its lines joined by spaces."""

    code: int
    text: str

    @property
    def dsn(self) -> str:
        """The enhanced status code; the code's class with ``.0.0`` when there is none, or when it
        contradicts the code, which counts (RFC 3463 section 2)."""
        found = _ENHANCED.match(self.text)
        kind = str(self.code // 100)
        return found[0] if found and found[0][0] == kind else f"{kind}.0.0"

    @property
    def is_too_many(self) -> bool:
        """Whether a RCPT was refused for their number alone (RFC 5321 section 4.5.3.1.10)."""
        return (self.code, self.dsn[2:]) in ((452, "5.3"), (452, "0.0"), (552, "5.3"), (552, "0.0"))

    @property
    def line(self) -> str:
        """As a log shows it."""
        return f"{self.code} {self.text}"


@dataclass(slots=True)
class Recorder:
    """The transcript of one session: ``[t_ms, direction, line, tls]`` for each line."""

    started: float = field(default_factory=time.monotonic)
    lines: list[tuple[float, str, str, bool]] = field(default_factory=list)
    tls: bool = False
    secrets: list[str] = field(default_factory=list)

    def visible(self, line: str) -> str:
        """A line of the other side without the secrets that it may repeat."""
        for secret in self.secrets:
            line = line.replace(secret, "<redacted>")
        return line

    def add(self, direction: str, line: str) -> None:
        """Keep one line; after :data:`MOST_KEPT` lines only notes (``*``)."""
        if len(self.lines) >= MOST_KEPT and direction != "*":
            return
        t_ms = round((time.monotonic() - self.started) * 1000, 1)
        self.lines.append((t_ms, direction, line, self.tls))


class Dialogue:
    """One connection to one next hop."""

    def __init__(self, hop: NextHop, helo: str, tls: ssl.SSLContext) -> None:
        self.record = Recorder()
        self.extensions: dict[str, str] = {}
        self._hop = hop
        self._relay = str(hop)
        self._helo = helo
        self._tls = tls
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect, read the banner, say EHLO, and begin TLS as the next hop's settings want it."""
        await self._connect()
        banner = await self.reply()
        if banner.code != 220:
            raise SessionError(
                f"host {self._relay} refused to talk to me: {banner.line}", _soft(banner)
            )
        await self._hello()
        if self._hop.tls is TlsMode.STARTTLS:
            await self._start_tls()

    async def _connect(self) -> None:
        implicit = self._hop.tls is TlsMode.IMPLICIT
        try:
            async with asyncio.timeout(CONNECT_S):
                self._reader, self._writer = await asyncio.open_connection(
                    self._hop.host,
                    self._hop.port,
                    limit=MOST_LINE,
                    ssl=self._tls if implicit else None,
                )
        except TimeoutError:
            raise SessionError(f"connect to {self._relay}: Connection timed out", "4.4.1") from None
        except OSError as error:
            raise SessionError(f"connect to {self._relay}: {why(error)}", "4.4.1") from error
        peer = self._writer.get_extra_info("peername")
        self.record.tls = implicit
        self.record.add("*", f"connected to {peer[0]}:{peer[1]}")

    async def _hello(self) -> None:
        reply = await self.command(f"EHLO {self._helo}")
        if reply.code != 250:
            reply = await self.command(f"HELO {self._helo}")
            if reply.code != 250:
                raise SessionError(f"host {self._relay} said: {reply.line}", _soft(reply))

    async def _start_tls(self) -> None:
        if "STARTTLS" not in self.extensions:
            if self._hop.require_tls:
                raise SessionError(
                    f"TLS is required, but was not offered by host {self._relay}", "4.7.4"
                )
            return
        reply = await self.command("STARTTLS")
        if reply.code != 220:
            raise SessionError(f"host {self._relay} said: {reply.line} (STARTTLS)", "4.7.5")
        assert self._writer is not None
        if getattr(self._reader, "_buffer", b""):
            # Octets sent in clear before the handshake must not pass for TLS ones (CVE-2011-0411).
            raise SessionError(f"host {self._relay} sent more than its STARTTLS reply", "4.7.5")
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._writer.start_tls(self._tls, server_hostname=self._hop.host)
        except (OSError, TimeoutError) as error:
            raise SessionError(
                f"TLS handshake with {self._relay} failed: {error}", "4.7.5"
            ) from error
        self.record.tls = True
        cipher = self._writer.get_extra_info("cipher")
        self.record.add("*", f"{cipher[1]} {cipher[0]}" if cipher else "TLS")
        await self._hello()

    # Lines.

    async def command(self, line: str, shown: str = "") -> SmtpReply:
        """Send one command (recorded as ``shown`` when it holds a secret) and read its reply."""
        if not line.isprintable():
            raise SessionError("an address holds control characters", "5.1.3")
        self.record.add(">", shown or line)
        await self.send(line.encode("utf-8", "replace") + b"\r\n")
        reply = await self.reply()
        if line.startswith("EHLO ") and reply.code == 250:
            self.extensions = {}
            for part in reply.text.split("\n")[1:]:
                name, _, values = part.strip().partition(" ")
                self.extensions[name.upper()] = values
        return SmtpReply(reply.code, reply.text.replace("\n", " "))

    async def send(self, octets: bytes) -> None:
        """Send octets as they are, unrecorded."""
        assert self._writer is not None
        self._writer.write(octets)
        await self._writer.drain()

    async def reply(self, most: float = REPLY_S) -> SmtpReply:
        """Read one reply, waiting at most ``most`` seconds."""
        lines: list[str] = []
        try:
            async with asyncio.timeout(most):
                while len(lines) < MOST_LINES:
                    line = await self._line()
                    if not re.match(r"[2-5]\d\d([ -]|$)", line):
                        raise SessionError(
                            f"host {self._relay} sent nonsense: {line[:80]}", "4.5.0"
                        )
                    lines.append(line[4:])
                    if line[3:4] != "-":
                        return SmtpReply(int(line[:3]), "\n".join(lines))
        except TimeoutError:
            raise SessionError(f"conversation with {self._relay} timed out", "4.4.2") from None
        raise SessionError(f"host {self._relay} sent an endless reply", "4.5.0")

    async def _line(self) -> str:
        try:
            raw = await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            raise SessionError(f"lost connection with {self._relay}", "4.4.2") from None
        except asyncio.LimitOverrunError:
            raise SessionError(f"host {self._relay} sent too long a line", "4.5.0") from None
        line = self.record.visible(decode_line(raw.rstrip(b"\r\n")))
        self.record.add("<", line)
        return line

    async def close(self) -> None:
        """Close the connection, if there is one; may be called twice."""
        if self._writer is None:
            return
        self._writer.close()
        try:
            async with asyncio.timeout(2):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self.record.add("*", "the connection broke while it was closed")
            self._writer.transport.abort()


def _soft(reply: SmtpReply) -> str:
    """A refusal to talk at all is tried again, whatever its code."""
    return reply.dsn if reply.dsn[0] == "4" else "4.0.0"


def why(error: BaseException) -> str:
    """What the operating system says, in a few words."""
    if isinstance(error, ConnectionRefusedError):
        return "Connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
