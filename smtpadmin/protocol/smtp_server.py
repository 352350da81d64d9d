"""One client's SMTP session on a server of ours: aiosmtpd's protocol with its gaps closed.

Adds enhanced status codes (RFC 2034), honest time-outs, a reader of message data that sees one line
end only (CRLF), an address parser, and passwords checked beside the loop. Opens no socket and decides
nothing: that is the owner's (the built-in mail server, the catch server).
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import re
import socket
from collections.abc import Coroutine
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from smtpadmin.formats.message_header import normal_line_ends

END_OF_DATA = b"\r\n.\r\n"
MOST_COMMAND = 1024
MOST_AUTH_LINE = 12_288
"""RFC 4954 section 4.2."""
GOODBYE = b"421 4.3.2 Service shutting down, closing connection\r\n"
LEAVE_S = 1.0
IDLE = b"421 4.4.2 Timeout exceeded, closing connection\r\n"
NULL_PATH = "<>"
"""What aiosmtpd's envelope keeps for the null sender, so that it is not "no sender yet"."""
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's words; ours are in MailLog
_NO_ENHANCED_CODE = re.compile(rb"^([245])(\d\d) (?!\d\.\d)")
_ENHANCED = {
    b"235": b"2.7.0",
    b"421": b"4.3.2",
    b"454": b"4.7.0",
    b"500": b"5.5.2",
    b"501": b"5.5.4",
    b"502": b"5.5.1",
    b"503": b"5.5.1",
    b"530": b"5.7.0",
    b"535": b"5.7.8",
    b"538": b"5.7.11",
    b"552": b"5.3.4",
    b"555": b"5.5.4",
}
_LOCAL_PART = r'(?:"(?:[^"\\]|\\.)*"|[^<>"\s@]+)'
_PATH = re.compile(rf"<(?:@[^:<>]*:)?({_LOCAL_PART}(?:@[^<>\s@]+)?|)>(?:\s+(.*))?")
_BARE_ADDRESS = re.compile(r"([^<>\s]+)(?:\s+(.*))?")


class SessionLimits(Protocol):
    """What is too much. ``message_size`` in octets; ``idle_s`` is the longest silence of a client,
    ``data_s`` the longest time for one message."""

    @property
    def message_size(self) -> int: ...
    @property
    def idle_s(self) -> float: ...
    @property
    def data_s(self) -> float: ...
    @property
    def login_failures(self) -> int: ...


class SessionOwner(Protocol):
    """What a session tells, and asks of, whoever runs the server."""

    def on_connect(self, session: SmtpSession) -> None:
        """A client is here."""

    def on_disconnect(self, session: SmtpSession) -> None:
        """It has gone."""

    async def login_is_right(
        self, session: SmtpSession, mechanism: str, data: LoginPassword
    ) -> bool:
        """Whether a login and its password fit."""


class SmtpSession(SMTP):
    """One client. ``owner`` is also aiosmtpd's handler."""

    line_length_limit = 64 * 1024  # of the stream's buffer; commands have MOST_COMMAND

    def __init__(self, owner: SessionOwner, limits: SessionLimits, **options: Any) -> None:
        # A mapping of its own: aiosmtpd's is shared by all sessions, and grows at each EHLO.
        self.command_size_limits = collections.defaultdict(lambda: MOST_COMMAND)
        super().__init__(
            owner,
            data_size_limit=limits.message_size,
            timeout=limits.idle_s,
            enable_SMTPUTF8=True,
            authenticator=_collected,
            **options,
        )
        self.client = ""
        self.sasl_username: str | None = None
        self._owner = owner
        self._limits = limits
        self._gone = asyncio.Event()
        # Kept, because a TLS transport that was closed twice knows it no more.
        self._socket: socket.socket | None = None
        self._together: list[bytes] | None = None
        self._failed_logins = 0
        self._data_until: float | None = None

    @property
    def cipher(self) -> tuple[str, str, int] | None:
        """Name, TLS version and bits; None in clear text."""
        found: tuple[str, str, int] | None = (
            self.transport.get_extra_info("cipher") if self.transport is not None else None
        )
        return found

    def __dir__(self) -> tuple[str, ...]:
        """aiosmtpd looks through ``dir()`` at each connection: what it looks for, and no more
        (a third of a connection's time otherwise)."""
        return _LOOKED_FOR

    # Coming and going.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        is_new = self.session is None
        super().connection_made(transport)
        self.sasl_username = None
        if is_new:
            self.client = peer_address(transport)
            self._socket = transport.get_extra_info("socket")
            self._owner.on_connect(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._gone.is_set():
            return  # aiosmtpd calls it once more after a failed TLS handshake
        self._gone.set()
        super().connection_lost(error)
        self._owner.on_disconnect(self)

    async def end(self) -> None:
        """Say 421 and close; returns when task and connection have ended. A client that does not
        take its leave is left after a second."""
        self._close_with(GOODBYE)
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
            await asyncio.wait([self._handler_coroutine], timeout=LEAVE_S)
        if not await self._has_gone() and self._socket is not None:
            # Not the transport's abort(): under TLS that does nothing once it was closed twice.
            with contextlib.suppress(OSError):  # it went at this moment
                self._socket.shutdown(socket.SHUT_RDWR)
            await self._has_gone()

    async def _has_gone(self) -> bool:
        """Whether the connection ends soon; it is never told of one that is lost in a handshake."""
        try:
            async with asyncio.timeout(LEAVE_S):
                return await self._gone.wait()
        except TimeoutError:
            return False

    def _close_with(self, line: bytes) -> None:
        if isinstance(self.transport, asyncio.Transport) and not self.transport.is_closing():
            self.transport.write(line)
            self.transport.close()

    def _timeout_cb(self) -> None:
        self._close_with(IDLE)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._data_until is not None:
            left = self._data_until - self.loop.time()
            self._reset_timeout(max(0.001, min(self._limits.idle_s, left)))

    # Replies.

    async def push(self, status: Any) -> None:
        """Send a reply, or keep it for :meth:`_plainly`."""
        line = status if isinstance(status, bytes) else str(status).encode("utf-8", "replace")
        if self._together is not None:
            self._together.append(line)
            return
        if not line.startswith((b"220", b"354", b"334")):
            line = _with_enhanced_code(line)
        await super().push(line)

    async def smtp_HELO(self, hostname: str) -> None:
        """RFC 2034 section 4: no enhanced code in this reply."""
        await self._plainly(super().smtp_HELO(hostname))

    async def smtp_EHLO(self, hostname: str) -> None:
        """The same for the capability list."""
        await self._plainly(super().smtp_EHLO(hostname))
        self.command_size_limits.clear()
        self.command_size_limits["AUTH"] = MOST_AUTH_LINE

    async def _plainly(self, command: Coroutine[Any, Any, None]) -> None:
        """All replies of a command as they are, and in one packet."""
        lines: list[bytes] = []
        self._together = lines
        try:
            await command
        finally:
            self._together = None
        await super().push(b"\r\n".join(lines))

    # Addresses and data.

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """A path and what follows it; :data:`NULL_PATH` for the null path (RFC 5321 section 4.1.2)."""
        found = _PATH.fullmatch(arg.strip()) or _BARE_ADDRESS.fullmatch(arg.strip())
        if found is None:
            return None, None
        return found[1] or NULL_PATH, found[2] or ""

    async def smtp_DATA(self, arg: str | None) -> None:
        """Take a message and ask the owner about it."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        assert envelope is not None
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        raw = await self._read_data()
        if raw is None:
            status = self.too_big()
        else:
            envelope.original_content = envelope.content = raw
            status = await self._call_handler_hook("DATA")
        self.envelope = self._create_envelope()
        await self.push(status)

    async def _read_data(self) -> bytes | None:
        """Octets up to CRLF.CRLF, the only end (a lone LF or CR ends no line here), with normal
        line ends and without stuffed dots; None when they were more than the limit."""
        parts: list[bytes] = []
        size, is_last = 0, False
        # The final dot of an empty message has no line before it: pretend that it has.
        self._reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]
        self._data_until = self.loop.time() + self._limits.data_s
        while not is_last:
            part, is_last = await self._read_part()
            size += len(part)
            parts.append(part)
            if not self.has_room(size - len(b"\r\n" + END_OF_DATA)):
                parts.clear()
        self._data_until = None
        return self.content_of(b"".join(parts)[2:-3]) if parts else None

    def has_room(self, size: int) -> bool:
        """Whether a message that has grown to ``size`` octets may go on; once it may not, the rest
        of it is read and thrown away."""
        return size <= self._limits.message_size

    def too_big(self) -> str:
        """The reply to a message that had no room."""
        return f"552 5.3.4 Message size exceeds fixed limit of {self.data_size_limit} octets"

    def content_of(self, wire: bytes) -> bytes:
        """The message in what came over the wire, its final dot left out."""
        return _unstuffed(wire)

    async def _read_part(self) -> tuple[bytes, bool]:
        try:
            return await self._reader.readuntil(END_OF_DATA), True
        except asyncio.LimitOverrunError as error:
            return await self._reader.read(error.consumed), False

    # Authentication.

    async def auth_PLAIN(self, _: Any, args: list[str]) -> AuthResult:
        """RFC 4616."""
        return await self._verified("PLAIN", await super().auth_PLAIN(_, args))

    async def auth_LOGIN(self, _: Any, args: list[str]) -> AuthResult:
        """The old mechanism that many clients still use."""
        return await self._verified("LOGIN", await super().auth_LOGIN(_, args))

    async def _verified(self, mechanism: str, collected: AuthResult) -> AuthResult:
        if not isinstance(collected.auth_data, LoginPassword):
            return collected
        if await self._owner.login_is_right(self, mechanism, collected.auth_data):
            self.sasl_username = collected.auth_data.login.decode("utf-8", "replace")
            return AuthResult(success=True, auth_data=self.sasl_username)
        self._failed_logins += 1
        if self._failed_logins >= self._limits.login_failures:
            self._close_with(b"421 4.7.0 Too many failed logins, closing connection\r\n")
            return AuthResult(success=False, handled=True)
        return AuthResult(success=False, handled=False)


def peer_address(transport: asyncio.BaseTransport) -> str:
    """The client's IP address."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) and peer else "local"


_LOOKED_FOR = tuple(n for n in vars(SMTP) | vars(SmtpSession) if n.startswith(("smtp_", "auth_")))


def _collected(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    """aiosmtpd asks here, without awaiting; the answer is found in ``SmtpSession._verified``."""
    return AuthResult(success=False, handled=False, auth_data=data)


def _unstuffed(data: bytes) -> bytes:
    """RFC 5321 section 4.5.2. Lines that ended with a bare LF were stuffed by their sender too."""
    data = normal_line_ends(data)
    data = data.removeprefix(b".")
    return data.replace(b"\r\n.", b"\r\n")


def _with_enhanced_code(line: bytes) -> bytes:
    found = _NO_ENHANCED_CODE.match(line)
    if not found:
        return line
    default = found[1] + b".0.0"
    return line[:4] + _ENHANCED.get(line[:3], default) + b" " + line[4:]
