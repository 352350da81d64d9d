"""One SMTP session, stage by stage, so that its outcome says where it ended. aiosmtplib underneath.

Raises SmtpadminError; deadlines of a single step are kept here, the session's own one by its caller.
Nothing is ever sent in clear text that was to be encrypted.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Coroutine
from typing import Any

import aiosmtplib

from smtpadmin.formats.smtp_reply import enhanced_code
from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    UsageError,
)
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import (
    Envelope,
    RecipientReply,
    Reply,
    Stage,
    SubmissionEndpoint,
    TlsFacts,
)
from smtpadmin.protocol.smtp_failures import refusal, too_slow
from smtpadmin.transport.smtp_connect import Resolver, connect, named, own_name, resolve
from smtpadmin.transport.smtp_errors import translate
from smtpadmin.transport.smtp_wire import Wire
from smtpadmin.transport.tls import check_pin, client_context, facts_of

QUIT_S = 2.0
MOST_REPLY = 4_000
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")
"""Tried in this order when the connection is encrypted, in the opposite order when it is not."""
_CLOSING = 421


class SmtpSession:
    """Attributes tell what is known so far: ``stage``, ``timings`` (ms by stage), ``address``,
    ``tls``, ``recipients``, ``extensions`` (name to parameters), ``reply`` (the one that decided)."""

    def __init__(
        self, endpoint: SubmissionEndpoint, wire: Wire, *, step_s: float, resolver: Resolver
    ) -> None:
        self.endpoint = endpoint
        self.stage = Stage.RESOLVE
        self.timings: dict[str, float] = {}
        self.address: str | None = None
        self.tls: TlsFacts | None = None
        self.reply: Reply | None = None
        self.recipients: list[RecipientReply] = []
        self.extensions: dict[str, str] = {}
        self.where = f"{endpoint.host}:{endpoint.port}"
        self._wire = wire
        self._step_s = step_s
        self._resolver = resolver
        self._entered = wire.now()
        self._client: aiosmtplib.SMTP | None = None
        self._transport: asyncio.BaseTransport | None = None
        wire.on_made = self._on_made
        wire.on_reply = self._on_reply

    # What every step needs.

    def enter(self, stage: Stage) -> None:
        """The next stage begins; the time until now belongs to the one before."""
        now = self._wire.now()
        spent = self.timings.get(self.stage.value, 0.0) + now - self._entered
        self.timings[self.stage.value] = round(spent, 1)
        self.stage, self._entered = stage, now

    def _on_made(self) -> None:
        """Connected, and with implicit TLS encrypted."""
        if self.stage is Stage.TLS:
            self.enter(Stage.BANNER)

    def _on_reply(self, reply: Reply) -> None:
        """aiosmtplib does these steps in one call; the stage must be told apart."""
        if self.stage is Stage.DATA and reply.code == 354:
            self.enter(Stage.DOT)
        elif self.stage is Stage.STARTTLS and reply.code == 220:
            self.enter(Stage.TLS)

    async def _step(
        self, step: Coroutine[Any, Any, aiosmtplib.SMTPResponse], *, seconds: float = 0.0
    ) -> Reply:
        """Run one step and turn whatever happens into a Reply or an error of ours."""
        allowed = seconds or self._step_s
        try:
            async with asyncio.timeout(allowed):
                answer = await step
        except aiosmtplib.SMTPResponseException as error:
            if error.code < 200:  # aiosmtplib's own mark of an answer that is over its limit
                raise self._translated(ProtocolError("the server's reply is too long")) from error
            answer = aiosmtplib.SMTPResponse(error.code, error.message)
        except TimeoutError as error:
            raise too_slow(self.stage, allowed, self.where) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._translated(error) from error
        text = self._wire.recorder.blot(answer.message[:MOST_REPLY])
        return Reply(answer.code, text, enhanced_code(text))

    def _translated(self, error: BaseException) -> SmtpadminError:
        if isinstance(error.__cause__ or error, ssl.SSLError):
            self.enter(Stage.TLS)
        halfway = self._wire.recorder.unfinished
        return translate(error, self.stage, self.where, halfway=halfway)

    def _refused(self, reply: Reply) -> SmtpadminError:
        self.reply = reply
        return refusal(reply, self.stage, self.where)

    @property
    def _smtp(self) -> aiosmtplib.SMTP:
        assert self._client is not None, "not connected"
        return self._client

    # The stages.

    async def open(self) -> None:
        """Resolve, connect, TLS when it is implicit, greeting."""
        endpoint = self.endpoint
        addresses = await resolve(endpoint.host, endpoint.port, self._resolver)
        self.enter(Stage.CONNECT)
        if addresses:
            self.address = named(addresses[0][4])
        sock, self.address = await connect(endpoint.host, addresses, self._wire.note)
        implicit = endpoint.tls is TlsMode.IMPLICIT
        self.enter(Stage.TLS if implicit else Stage.BANNER)
        try:
            self._client = self._make_client(sock)
        except BaseException:
            sock.close()
            raise
        # From here on the socket is its transport's, which ends TLS in its own time.
        reply = await self._step(self._smtp.connect())
        self._transport = self._smtp.transport
        if reply.code != 220:
            raise self._refused(reply)
        if implicit:
            self._note_tls()

    def _make_client(self, sock: socket.socket) -> aiosmtplib.SMTP:
        endpoint = self.endpoint
        return aiosmtplib.SMTP(
            hostname=endpoint.host,
            port=None,
            sock=sock,
            local_hostname=own_name(sock),
            use_tls=endpoint.tls is TlsMode.IMPLICIT,
            start_tls=False,
            tls_context=client_context(ca_file=endpoint.ca_file, fingerprint=endpoint.fingerprint),
            timeout=None,
        )

    async def prepare(self, password: str) -> None:
        """EHLO, STARTTLS and login as far as the endpoint wants them."""
        await self._ehlo()
        if self.endpoint.tls is TlsMode.STARTTLS:
            await self._starttls()
            await self._ehlo()
        if self.endpoint.user:
            await self._login(password)

    async def _ehlo(self) -> None:
        self.enter(Stage.EHLO)
        reply = await self._step(self._smtp.ehlo())
        if reply.code != 250:
            raise self._refused(reply)
        self.extensions = dict(self._smtp.esmtp_extensions)

    async def _starttls(self) -> None:
        self.enter(Stage.STARTTLS)
        if "starttls" not in self.extensions:
            raise ServerRefusedError(
                "the server does not offer STARTTLS",
                where=self.where,
                remedy="Choose another TLS mode only if clear text is acceptable.",
            )
        reply = await self._step(self._smtp.starttls())
        if reply.code != 220:
            raise self._refused(reply)
        self._transport = self._smtp.transport
        self._note_tls()

    def _note_tls(self) -> None:
        """Raises UntrustedError for another certificate than the accepted one."""
        client = self._smtp
        tls = client.transport.get_extra_info("ssl_object") if client.transport else None
        if tls is None:
            raise self._translated(ConnectionError("the connection is not encrypted"))
        facts = self.tls = facts_of(tls, verified=not self.endpoint.fingerprint)
        self._wire.recorder.tls = True
        names = f"{facts.version} {facts.cipher} · {facts.subject} · valid until {facts.not_after}"
        self._wire.note(names)
        if self.endpoint.fingerprint:
            self.enter(Stage.TLS)
            check_pin(tls.getpeercert(binary_form=True), self.endpoint.fingerprint, self.where)

    async def _login(self, password: str) -> None:
        self.enter(Stage.AUTH)
        client, user = self._smtp, self.endpoint.user
        _check_credentials(user, password)
        if self.tls is None:
            self._wire.note("(the connection is not encrypted: others can read the login)")
        methods = {
            "PLAIN": client.auth_plain,
            "LOGIN": client.auth_login,
            "CRAM-MD5": client.auth_crammd5,
            "XOAUTH2": client.auth_xoauth2,
        }
        method = methods[self._choose(tuple(methods))]
        reply = await self._step(method(user, password))
        if reply.code != 235:
            raise self._refused(reply)

    def _choose(self, known: tuple[str, ...]) -> str:
        """One mechanism, never a second try: repeated wrong logins lock accounts. One that the
        endpoint names is tried even when the server does not offer it."""
        wanted = [name.upper() for name in self.endpoint.mechanisms]
        offered = [str(name).upper() for name in self._smtp.server_auth_methods]
        order = MECHANISMS if self.tls is not None else tuple(reversed(MECHANISMS))
        usable = [m for m in wanted if m in known] if wanted else [m for m in order if m in offered]
        if usable:
            return usable[0]
        offer = self._wire.recorder.blot(", ".join(offered)[:200]) or "none"
        raise LoginError(
            f"no login method in common (the server offers {offer})",
            where=self.where,
            remedy="Many servers offer AUTH only after TLS: choose STARTTLS or implicit TLS.",
        )

    async def transact(self, envelope: Envelope) -> None:
        """MAIL, RCPT, DATA and the message; ``reply`` is the one that accepts it."""
        self.enter(Stage.MAIL)
        utf8 = self._needs_utf8(envelope)
        step = self._smtp.mail(
            envelope.sender, options=self._mail_options(envelope, utf8), encoding=_encoding(utf8)
        )
        reply = await self._step(step)
        if reply.code != 250:
            raise self._refused(reply)
        await self._name_recipients(envelope.recipients, utf8)
        self.enter(Stage.DATA)
        # After the last dot a content filter may take long: the session's own deadline bounds it.
        reply = await self._step(self._smtp.data(envelope.raw), seconds=max(self._step_s, 600.0))
        if self.stage is not Stage.DOT or reply.code // 100 != 2:
            raise self._refused(reply)
        self.reply = reply

    def _needs_utf8(self, envelope: Envelope) -> bool:
        needed = not all(a.isascii() for a in (envelope.sender, *envelope.recipients))
        if needed and "smtputf8" not in self.extensions:
            raise ServerRefusedError(
                "the server does not offer SMTPUTF8, which an address beyond ASCII needs",
                where=self.where,
                remedy="Use an address in ASCII.",
            )
        return needed

    def _mail_options(self, envelope: Envelope, utf8: bool) -> list[str]:
        options = ["SMTPUTF8"] if utf8 else []
        if "size" in self.extensions:
            options.append(f"SIZE={len(envelope.raw)}")
        if "8bitmime" in self.extensions and not envelope.raw.isascii():
            options.append("BODY=8BITMIME")
        return options

    async def _name_recipients(self, recipients: tuple[str, ...], utf8: bool) -> None:
        self.enter(Stage.RCPT)
        for recipient in recipients:
            reply = await self._step(self._smtp.rcpt(recipient, encoding=_encoding(utf8)))
            self.recipients.append(RecipientReply(recipient, reply))
            if reply.code == _CLOSING:
                raise self._refused(reply)
        if not any(found.reply.code // 100 == 2 for found in self.recipients):
            raise self._refused(self.recipients[0].reply)

    async def quit(self) -> None:
        """Say goodbye. The message is accepted already, so nothing that happens here matters."""
        self.enter(Stage.QUIT)
        try:
            await self._step(self._smtp.quit(), seconds=QUIT_S)
        except SmtpadminError as error:
            self._wire.note(f"({error.what})")

    def close(self) -> None:
        """Give up the connection, at once."""
        self.enter(self.stage)
        if self._client is None:
            return
        # After QUIT the client has let go of it, and under TLS it waits for the server's goodbye.
        transport = self._client.transport or self._transport
        self._client.close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


def _encoding(utf8: bool) -> str:
    return "utf-8" if utf8 else "ascii"


def _check_credentials(user: str, password: str) -> None:
    for name, value in (("the user", user), ("the password", password)):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            # Not chained: the cause would quote the value.
            raise UsageError(f"{name} is not valid UTF-8") from None
        if "\0" in value:
            raise UsageError(f"{name} must not hold NUL", remedy="RFC 4616 forbids it.")
