"""One client's session with the catch server: everything is taken, recorded, and answered as the
rules say.

aiosmtpd underneath (:mod:`smtpadmin.protocol.smtp_server`). What a rule does is decided elsewhere
(:mod:`smtpadmin.protocol.catch_rules`); this file does it. Implicit TLS begins here and not in the
listener, so that a failed handshake has its transcript too.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets
import ssl
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from aiosmtpd.smtp import (
    MISSING,
    SMTP,
    AuthResult,
    Envelope,
    LoginPassword,
    TLSSetupException,
)

from smtpadmin.formats.catch_rules import effective_reply
from smtpadmin.model.catch import CaughtTls
from smtpadmin.model.smtp import Stage
from smtpadmin.protocol.catch_rules import Facts
from smtpadmin.protocol.smtp_server import SmtpSession
from smtpadmin.transport.catch_hooks import HOOKS, CatchOwner, sender_of
from smtpadmin.transport.catch_wire import CaughtWire, RecordingReader, RecordingWriter

MOST_NAMED = 1_000
"""Messages and rules that are named of one session."""
OUR_FAULT = "451 4.3.0 Error: internal error"
NO_MEMORY = "452 4.3.1 Too much mail at once, try again later"
NOT_KNOWN = '500 Error: command "'
"""How aiosmtpd begins its answer to a command that it does not know."""
DROPPED = "421 4.3.2 dropped"
"""Said to nobody: the connection is gone by then."""
TAKEN_PARAMETERS = ("RET", "ENVID", "NOTIFY", "ORCPT", "AUTH")
"""RFC 3461 and RFC 4954 section 5: taken, kept and not acted on."""
EXTENSIONS = ("250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-DSN")
_BEARER = re.compile(rb"user=([^\x01]*)\x01auth=Bearer [^\x01]*\x01\x01")


class CatchSession(SmtpSession):
    """One client. ``wire.lines`` is the transcript so far; ``rules`` (names of those that acted) and
    ``messages`` (ids) are the last ones. It leaves ``live`` at its end."""

    def __init__(
        self,
        owner: CatchOwner,
        *,
        tls_context: ssl.SSLContext | None,
        implicit_tls: bool,
        hostname: str,
        live: set[CatchSession],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._catch = owner
        self._live = live
        self._implicit = implicit_tls
        self._silent = False
        self._hidden: tuple[str, ...] = ()
        self._held = 0
        self._no_memory = False
        self._first_part = False
        self.session_id = secrets.token_hex(6)
        self.began = datetime.now(UTC)
        self.mechanism: str | None = None
        self.rules: deque[str] = deque(maxlen=MOST_NAMED)
        self.messages: deque[str] = deque(maxlen=MOST_NAMED)
        self.last_tls: CaughtTls | None = None
        self._count = 0
        self.wire = CaughtWire()
        super().__init__(
            HOOKS,
            owner.limits,
            hostname=hostname,
            ident="ESMTP smtpadmin catch",
            tls_context=tls_context,
            auth_require_tls=False,
            loop=loop,
        )

    def __dir__(self) -> tuple[str, ...]:
        """See ``SmtpSession.__dir__``."""
        return _LOOKED_FOR

    @property
    def helo(self) -> str:
        """What EHLO or HELO said."""
        return str(self.session.host_name or "") if self.session else ""

    @property
    def tls(self) -> CaughtTls | None:
        """What was negotiated; None in clear text."""
        found = self.cipher
        return CaughtTls(found[1], found[0], found[2] or 0) if found else None

    @property
    def protocol(self) -> str:
        """The transmission type as a Received field names it (RFC 3848, RFC 6531)."""
        if self.session is None or not self.session.extended_smtp:
            return "SMTP"
        utf8 = bool(self.envelope is not None and self.envelope.smtp_utf8)
        secured = ("S" if self.cipher else "") + ("A" if self.sasl_username is not None else "")
        return ("UTF8SMTP" if utf8 else "ESMTP") + secured

    # Coming and going.

    def _cb_client_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._in = RecordingReader(reader, self.wire)
        self._out = RecordingWriter(writer, self.wire)
        self._reader = cast(asyncio.StreamReader, self._in)
        self._writer = cast(asyncio.StreamWriter, self._out)

    def ended(self) -> None:
        """Called once, by the hooks, when the connection is gone."""
        self._live.discard(self)
        self.release()
        self.wire.end()
        self._catch.on_session_ended(self)

    def came(self) -> None:
        """Called once, by the hooks, when the connection is there."""
        self.wire.note(f"connection from {self.client}")
        self._catch.on_session_began(self)

    async def _handle_client(self) -> None:
        if not await self._goes_on(Stage.CONNECT):
            if self.transport is not None:
                self.transport.close()
            return
        if self._implicit and not await self._tls_first():
            return
        if self._in.waiting:
            self.wire.note("(the client spoke before the banner)")
        await super()._handle_client()

    async def _tls_first(self) -> bool:
        self._silent = True  # aiosmtpd's STARTTLS without its 220
        try:
            await SMTP.smtp_STARTTLS(self, None)
        except TLSSetupException as error:
            await self.handle_exception(error)
            if self.transport is not None:
                self.transport.close()
            self.connection_lost(error)
            return False
        finally:
            self._silent = False
        return True

    async def handle_exception(self, error: Exception) -> str:
        """A failed handshake is the client's answer to our certificate; all else is a bug."""
        if isinstance(error, TLSSetupException):
            self.wire.note(f"(the TLS handshake failed: {error.__cause__ or error})")
        else:
            self.wire.note("(an internal error)")
            self._catch.on_bug(error)
        return OUR_FAULT

    def tls_began(self) -> None:
        """Called by the hooks when the handshake is over."""
        found = self.last_tls = self.tls
        self.wire.recorder.tls = True
        self.sasl_username = self.mechanism = None
        if found is not None:
            self.wire.note(f"TLS: {found.version} {found.cipher}")

    def _close_with(self, line: bytes) -> None:
        if isinstance(self.transport, asyncio.Transport) and not self.transport.is_closing():
            self.wire.to_client(line)
        super()._close_with(line)

    async def push(self, status: Any) -> None:
        """Send a reply, whose lines a rule may have given."""
        if self._silent or self.transport is None or self.transport.is_closing():
            return
        if isinstance(status, str) and status.startswith(NOT_KNOWN):
            status = "500 5.5.2 Error: command not recognized"  # not echoed: see login_refused
        if isinstance(status, str) and "\n" in status:
            *head, last = status.split("\n")
            status = "\r\n".join([*(line[:3] + "-" + line[4:] for line in head), last])
        await super().push(status)

    # Rules.

    def facts(self, recipients: Sequence[str] = (), **known: str) -> Facts:
        envelope = self.envelope
        sender = sender_of(envelope) if envelope is not None else ""
        found = {"sender": sender, "user": self.sasl_username or "", "helo": self.helo, **known}
        return Facts(client=self.client, recipients=tuple(recipients), **found)

    async def obey(self, at: Stage, facts: Facts) -> str:
        """Do what the rules want at a point; gives the reply that they want instead of the usual
        one, or ``""``."""
        rule = self._catch.decide(at, facts)
        if rule is None:
            return ""
        self.rules.append(rule.name or at.value)
        self.wire.note(f"(rule {rule.name or at.value})")
        if rule.tarpit_s:
            self._out.pause_s = rule.tarpit_s
        if rule.delay_s:
            self._reset_timeout(rule.delay_s + self._catch.limits.idle_s)
            await asyncio.sleep(rule.delay_s)
        if rule.hide:
            self._hidden = rule.hide
        if rule.certificate is not None:
            self.tls_context = self._catch.bad_context(rule.certificate)
        reply = effective_reply(rule)
        if rule.drop:
            if reply:
                await self.push(reply)
            self._drop(at_once=not reply)
            return reply or DROPPED
        return reply

    def _drop(self, *, at_once: bool) -> None:
        self.wire.note("(dropped)")
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort() if at_once else self.transport.close()
        self._in.forget()  # what the client sent ahead is not answered

    async def _goes_on(self, at: Stage, recipients: Sequence[str] = (), **known: str) -> bool:
        """Whether a command runs as usual; if not, the client was told."""
        reply = await self.obey(at, self.facts(recipients, **known))
        if reply:
            await self.push(reply)
        return not reply

    # Commands.

    async def smtp_HELO(self, hostname: str) -> None:
        """RFC 5321 section 4.1.1.1."""
        if await self._goes_on(Stage.EHLO, helo=hostname or ""):
            await super().smtp_HELO(hostname)

    async def smtp_EHLO(self, hostname: str) -> None:
        """The same; a rule may hide extensions."""
        self._hidden = ()
        if await self._goes_on(Stage.EHLO, helo=hostname or ""):
            await super().smtp_EHLO(hostname)

    def listed(self, lines: Sequence[str]) -> list[str]:
        """The capability list: aiosmtpd's, ours, and without what is hidden."""
        *head, last = [*lines[:-1], *EXTENSIONS, lines[-1]]
        found = [line for line in head[1:] if line[4:].split(" ")[0] not in self._hidden]
        return [head[0], *found, last]

    async def smtp_STARTTLS(self, arg: str) -> None:
        """RFC 3207. What is hidden is not there."""
        if "STARTTLS" in self._hidden:
            await self.push("502 5.5.1 Error: command not implemented")
        elif await self._goes_on(Stage.STARTTLS):
            await super().smtp_STARTTLS(arg)

    async def smtp_DATA(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.4."""
        recipients = self.envelope.rcpt_tos if self.envelope is not None else []
        if not recipients or await self._goes_on(Stage.DATA, recipients):
            await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        """RFC 5321 section 4.1.1.10."""
        if await self._goes_on(Stage.QUIT):
            await super().smtp_QUIT(arg)

    def _getparams(self, params: Sequence[str]) -> dict[str, Any] | None:
        """aiosmtpd refuses what it does not know."""
        found: dict[str, Any] | None = super()._getparams(params)
        if found is not None:
            for name in TAKEN_PARAMETERS:
                found.pop(name, None)
        return found

    # The message.

    async def _read_data(self) -> bytes | None:
        self._in.in_data = self._first_part = True
        self._no_memory = False
        try:
            return await super()._read_data()
        finally:
            self._in.in_data = False

    async def _read_part(self) -> tuple[bytes, bool]:
        part, is_last = await super()._read_part()
        # The line end before the first line is only pretended, see SmtpSession.
        self.wire.from_client(part[2:] if self._first_part else part)
        self._first_part = False
        return part, is_last

    def has_room(self, size: int) -> bool:
        """Whether the message may go on, by its own size and by what all sessions hold."""
        if self._no_memory or not super().has_room(size):
            return False
        more = max(0, size - self._held)
        if not self._catch.reserve(more):
            self._no_memory = True
            return False
        self._held += more
        return True

    def too_big(self) -> str:
        """The reply to a message that had no room."""
        self.release()
        return NO_MEMORY if self._no_memory else super().too_big()

    def release(self) -> None:
        """Give back what the message reserved."""
        self._catch.reserve(-self._held)
        self._held = 0

    def content_of(self, wire: bytes) -> bytes:
        """The message as it came: wrong line ends stay, for they are what a test looks for."""
        return wire.removeprefix(b".").replace(b"\n.", b"\n")

    async def came_whole(self, envelope: Envelope) -> str:
        """A message is here: the rules at the dot, then tell the owner."""
        raw = bytes(envelope.original_content or b"")
        self.release()
        reply = await self.obey(Stage.DOT, self.facts(envelope.rcpt_tos))
        self._count += 1
        identity = f"{self.session_id}-{self._count}"
        reply = reply or f"250 2.0.0 Ok: queued as {identity}"
        self.messages.append(identity)
        self._catch.on_message(self, envelope, raw, reply)
        return reply

    # Authentication: every login is right unless a rule refuses it.

    async def smtp_AUTH(self, arg: str | None) -> None:
        """RFC 4954; a mechanism's name has no case (RFC 4422 section 3.1), aiosmtpd's table has."""
        mechanism, _, response = (arg or "").partition(" ")
        await super().smtp_AUTH(f"{mechanism.upper()} {response}".strip())
        self._in.login_refused = self.sasl_username is None

    async def auth_CRAM__MD5(self, _: Any, args: list[str]) -> AuthResult:
        """RFC 2195; the digest cannot be checked and need not be."""
        if len(args) != 1:
            return AuthResult(success=False, handled=False, message="501 5.5.4 No initial response")
        response = await self.challenge_auth(f"<{secrets.token_hex(8)}@{self.hostname}>")
        if response is MISSING:
            return AuthResult(success=False, handled=True)
        user, _, digest = bytes(response).rpartition(b" ")
        return await self._verified("CRAM-MD5", _collected(user, digest))

    async def auth_XOAUTH2(self, _: Any, args: list[str]) -> AuthResult:
        """Google's and Microsoft's; any token."""
        response = _decoded(args[1]) if len(args) > 1 else await self.challenge_auth("")
        if response is MISSING:
            return AuthResult(success=False, handled=True)
        found = _BEARER.fullmatch(bytes(response or b""))
        if found is None:
            return AuthResult(
                success=False, handled=False, message="501 5.5.2 This is no XOAUTH2 response"
            )
        return await self._verified("XOAUTH2", _collected(found[1], b""))

    async def _verified(self, mechanism: str, collected: AuthResult) -> AuthResult:
        if not isinstance(collected.auth_data, LoginPassword):
            return collected
        user = collected.auth_data.login.decode("utf-8", "replace")
        reply = await self.obey(Stage.AUTH, self.facts(user=user))
        if reply:
            return AuthResult(success=False, handled=False, message=reply)
        self.sasl_username, self.mechanism = user, mechanism
        return AuthResult(success=True, auth_data=user)


_LOOKED_FOR = tuple(
    name
    for name in vars(SMTP) | vars(SmtpSession) | vars(CatchSession)
    if name.startswith(("smtp_", "auth_"))
)


def _collected(user: bytes, password: bytes) -> AuthResult:
    return AuthResult(success=False, handled=False, auth_data=LoginPassword(user, password))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii", "replace"), validate=True)
    except binascii.Error:
        return b""
