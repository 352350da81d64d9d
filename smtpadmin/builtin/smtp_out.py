"""Hands a message to a next hop: one session, all recipients that share it, a transcript.

A small client of its own on asyncio streams: every line both ways is kept (redacted), each
recipient gets its own outcome, and one deadline bounds the whole session. RFC 5321 section 3.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from smtpadmin.builtin.config import NextHop
from smtpadmin.builtin.spool_records import Attempt, Outcome, SpooledMessage, SpooledRecipient
from smtpadmin.model.profile import TlsMode
from smtpadmin.util.text import decode_line

CONNECT_S = 15.0
REPLY_S = 30.0
SESSION_S = 300.0
MOST_LINE = 8 * 1024
MOST_LINES = 100
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
        """The enhanced status code, or the code's class with ``.0.0``."""
        found = _ENHANCED.match(self.text)
        return found[0] if found else f"{self.code // 100}.0.0"

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

    def add(self, direction: str, line: str) -> None:
        t_ms = round((time.monotonic() - self.started) * 1000, 1)
        self.lines.append((t_ms, direction, line, self.tls))


class OutgoingSession:
    """One connection to one next hop."""

    def __init__(self, hop: NextHop, helo: str, tls: ssl.SSLContext) -> None:
        self.relay = str(hop)
        self._hop = hop
        self._helo = helo
        self._tls = tls
        self._record = Recorder()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._extensions: set[str] = set()

    def attempt(self, started: float, outcome: str) -> Attempt:
        """The session as the spool keeps it."""
        return Attempt(started, self.relay, outcome, json.dumps(self._record.lines))

    async def deliver(
        self, message: SpooledMessage, recipients: Sequence[SpooledRecipient], raw: bytes
    ) -> list[Outcome]:
        """Connect, hand over, say goodbye; one outcome for each recipient. Never raises for what
        the other side does."""
        outcomes: dict[int, Outcome] = {}
        try:
            async with asyncio.timeout(SESSION_S):
                await self._open()
                await self._transaction(message, recipients, raw, outcomes)
        except SessionError as error:
            self._fill(recipients, outcomes, error.reply, error.dsn)
        except TimeoutError:
            self._fill(recipients, outcomes, "conversation timed out", "4.4.2")
        except (OSError, asyncio.IncompleteReadError) as error:
            self._fill(recipients, outcomes, f"lost connection: {_why(error)}", "4.4.2")
        finally:
            await self._close()
        return [outcomes[r.n] for r in recipients]

    def _fill(
        self,
        recipients: Sequence[SpooledRecipient],
        outcomes: dict[int, Outcome],
        reply: str,
        dsn: str,
    ) -> None:
        self._record.add("*", reply)
        for recipient in recipients:
            outcomes.setdefault(recipient.n, self._outcome(recipient, dsn, reply))

    def _outcome(self, recipient: SpooledRecipient, dsn: str, reply: str) -> Outcome:
        status = {"2": "sent", "5": "bounced"}.get(dsn[0], "deferred")
        return Outcome(recipient.n, recipient.address, status, dsn, reply, self.relay)

    # The dialogue.

    async def _open(self) -> None:
        await self._connect()
        banner = await self._reply()
        if banner.code != 220:
            raise SessionError(
                f"host {self.relay} refused to talk to me: {banner.line}", _soft(banner)
            )
        await self._hello()
        if self._hop.tls is TlsMode.STARTTLS:
            await self._start_tls()
        if self._hop.user:
            await self._authenticate()

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
            raise SessionError(f"connect to {self.relay}: Connection timed out", "4.4.1") from None
        except OSError as error:
            raise SessionError(f"connect to {self.relay}: {_why(error)}", "4.4.1") from error
        peer = self._writer.get_extra_info("peername")
        self._record.tls = implicit
        self._record.add("*", f"connected to {peer[0]}:{peer[1]}")

    async def _hello(self) -> None:
        reply = await self._command(f"EHLO {self._helo}")
        if reply.code != 250:
            reply = await self._command(f"HELO {self._helo}")
            if reply.code != 250:
                raise SessionError(f"host {self.relay} said: {reply.line}", _soft(reply))

    async def _start_tls(self) -> None:
        if "STARTTLS" not in self._extensions:
            if self._hop.require_tls:
                raise SessionError(
                    f"TLS is required, but was not offered by host {self.relay}", "4.7.4"
                )
            return
        reply = await self._command("STARTTLS")
        if reply.code != 220:
            raise SessionError(f"host {self.relay} said: {reply.line} (STARTTLS)", "4.7.5")
        assert self._writer is not None
        if getattr(self._reader, "_buffer", b""):
            # Octets sent in clear before the handshake must not pass for TLS ones (CVE-2011-0411).
            raise SessionError(f"host {self.relay} sent more than its STARTTLS reply", "4.7.5")
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._writer.start_tls(self._tls, server_hostname=self._hop.host)
        except (OSError, TimeoutError) as error:
            raise SessionError(
                f"TLS handshake with {self.relay} failed: {error}", "4.7.5"
            ) from error
        self._record.tls = True
        cipher = self._writer.get_extra_info("cipher")
        self._record.add("*", f"{cipher[1]} {cipher[0]}" if cipher else "TLS")
        await self._hello()

    async def _authenticate(self) -> None:
        secret = base64.b64encode(f"\0{self._hop.user}\0{self._hop.password}".encode()).decode()
        reply = await self._command(f"AUTH PLAIN {secret}", shown="AUTH PLAIN <redacted>")
        if reply.code != 235:
            raise SessionError(f"SASL authentication failed at {self.relay}: {reply.line}", "4.7.8")

    async def _transaction(
        self,
        message: SpooledMessage,
        recipients: Sequence[SpooledRecipient],
        raw: bytes,
        outcomes: dict[int, Outcome],
    ) -> None:
        reply = await self._command(
            f"MAIL FROM:<{message.sender}>{self._mail_options(message, raw)}"
        )
        if reply.code != 250:
            raise self._said(reply, "MAIL FROM")
        accepted = []
        for recipient in recipients:
            reply = await self._command(f"RCPT TO:<{recipient.address}>")
            if reply.code // 100 == 2:
                accepted.append(recipient)
            else:
                outcomes[recipient.n] = self._refused(recipient, reply, "RCPT TO")
        if accepted:
            await self._data(accepted, raw, outcomes)
        await self._goodbye()

    def _mail_options(self, message: SpooledMessage, raw: bytes) -> str:
        options = ""
        if "SIZE" in self._extensions:
            options += f" SIZE={len(raw)}"
        if "8BITMIME" in self._extensions and not raw.isascii():
            options += " BODY=8BITMIME"
        if message.smtputf8:
            if "SMTPUTF8" not in self._extensions:
                raise SessionError(
                    f"SMTPUTF8 is required, but was not offered by host {self.relay}", "5.6.7"
                )
            options += " SMTPUTF8"
        return options

    async def _data(
        self, accepted: Sequence[SpooledRecipient], raw: bytes, outcomes: dict[int, Outcome]
    ) -> None:
        reply = await self._command("DATA")
        if reply.code == 354:
            self._record.add(">", f"({len(raw)} octets of message, then the final dot)")
            await self._send(_stuffed(raw) + b".\r\n")
            reply = await self._reply(most=SESSION_S)
            stage = "end of DATA"
        else:
            stage = "DATA"
        for recipient in accepted:
            if reply.code // 100 == 2:
                outcomes[recipient.n] = self._outcome(recipient, reply.dsn, reply.line)
            else:
                outcomes[recipient.n] = self._refused(recipient, reply, stage)

    async def _goodbye(self) -> None:
        try:
            await self._command("QUIT")
        except (OSError, EOFError, SessionError):
            self._record.add("*", "closed without a goodbye")

    def _said(self, reply: SmtpReply, stage: str) -> SessionError:
        words = f"host {self.relay} said: {reply.line} (in reply to {stage} command)"
        return SessionError(words, reply.dsn if reply.code >= 400 else "4.5.0")

    def _refused(self, recipient: SpooledRecipient, reply: SmtpReply, stage: str) -> Outcome:
        error = self._said(reply, stage)
        dsn = error.dsn if error.dsn[0] == str(reply.code)[0] else f"{reply.code // 100}.0.0"
        return self._outcome(recipient, dsn if dsn[0] in "45" else "4.5.0", error.reply)

    # Lines.

    async def _command(self, line: str, shown: str = "") -> SmtpReply:
        self._record.add(">", shown or line)
        await self._send(line.encode("utf-8", "replace") + b"\r\n")
        reply = await self._reply()
        if line.startswith("EHLO ") and reply.code == 250:
            self._extensions = {
                part.split()[0].upper() for part in reply.text.split("\n")[1:] if part.strip()
            }
        return SmtpReply(reply.code, reply.text.replace("\n", " "))

    async def _send(self, octets: bytes) -> None:
        assert self._writer is not None
        self._writer.write(octets)
        async with asyncio.timeout(SESSION_S):
            await self._writer.drain()

    async def _reply(self, most: float = REPLY_S) -> SmtpReply:
        lines: list[str] = []
        try:
            async with asyncio.timeout(most):
                while len(lines) < MOST_LINES:
                    line = await self._line()
                    if not re.match(r"[2-5]\d\d([ -]|$)", line):
                        raise SessionError(f"host {self.relay} sent nonsense: {line[:80]}", "4.5.0")
                    lines.append(line[4:])
                    if line[3:4] != "-":
                        return SmtpReply(int(line[:3]), "\n".join(lines))
        except TimeoutError:
            raise SessionError(f"conversation with {self.relay} timed out", "4.4.2") from None
        raise SessionError(f"host {self.relay} sent an endless reply", "4.5.0")

    async def _line(self) -> str:
        try:
            raw = await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            raise SessionError(f"lost connection with {self.relay}", "4.4.2") from None
        except asyncio.LimitOverrunError:
            raise SessionError(f"host {self.relay} sent too long a line", "4.5.0") from None
        line = decode_line(raw.rstrip(b"\r\n"))
        self._record.add("<", line)
        return line

    async def _close(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        try:
            async with asyncio.timeout(2):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._record.add("*", "the connection broke while it was closed")


def _stuffed(raw: bytes) -> bytes:
    """Dot-stuffed, with CRLF line ends and one at the very end (RFC 5321 section 4.5.2)."""
    text = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    text = text if text.endswith(b"\r\n") else text + b"\r\n"
    text = text.replace(b"\r\n.", b"\r\n..")
    return b"." + text if text.startswith(b".") else text


def _soft(reply: SmtpReply) -> str:
    """A refusal to talk at all is tried again, whatever its code."""
    return reply.dsn if reply.dsn[0] == "4" else "4.0.0"


def _why(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "Connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
