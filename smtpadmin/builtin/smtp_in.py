"""Takes mail in: one aiosmtpd session for each client, and the hooks that decide.

250 is said to a message only after the spool has it on disk. What policy says stands in
:mod:`smtpadmin.builtin.policy`; this file turns it into a dialogue and log events.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from smtpadmin.builtin import passwords, policy
from smtpadmin.builtin.config import ServerConfig
from smtpadmin.builtin.headers import read_header, received_field
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.spool import Spool
from smtpadmin.builtin.spool_records import NewMessage
from smtpadmin.builtin.stats import Statistics
from smtpadmin.model.errors import StorageError

STORAGE_FULL = "452 4.3.1 Insufficient system storage, try again later"
TOO_MANY_CONNECTIONS = b"421 4.3.2 Too many connections, try again later\r\n"
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's words; ours are in MailLog
_NO_ENHANCED_CODE = re.compile(rb"^([245])(\d\d) (?!\d\.\d)")
_ENHANCED = {
    b"235": b"2.7.0",
    b"421": b"4.3.2",
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


class SmtpSession(SMTP):
    """One client. Adds enhanced status codes (RFC 2034) to replies that lack one, and tells the
    handler when the client comes and goes."""

    line_length_limit = 64 * 1024

    def __init__(self, handler: Intake, **options: Any) -> None:
        super().__init__(handler, **options)
        self._intake = handler
        self._greeting = True
        self._in_ehlo = False
        self._client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        is_new = self.session is None
        super().connection_made(transport)
        if is_new:
            self._client = _address(transport.get_extra_info("peername"))
            self._intake.on_connect(self._client)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._intake.on_disconnect(self._client)

    async def smtp_EHLO(self, hostname: str) -> None:
        """Keep the capability list as it is: its lines carry no enhanced codes."""
        self._in_ehlo = True
        try:
            await super().smtp_EHLO(hostname)
        finally:
            self._in_ehlo = False

    async def push(self, status: Any) -> None:
        """Send a reply."""
        line = status if isinstance(status, bytes) else str(status).encode("utf-8", "replace")
        if not self._in_ehlo and not line.startswith((b"220", b"354", b"334")):
            line = _with_enhanced_code(line)
        await super().push(line)


def _with_enhanced_code(line: bytes) -> bytes:
    found = _NO_ENHANCED_CODE.match(line)
    if not found:
        return line
    default = found[1] + b".0.0"
    return line[:4] + _ENHANCED.get(line[:3], default) + b" " + line[4:]


class Intake:
    """The hooks of every session of one server (aiosmtpd's handler)."""

    def __init__(
        self,
        config: ServerConfig,
        spool: Spool,
        log: MailLog,
        statistics: Statistics,
        on_accepted: Callable[[], None],
    ) -> None:
        self._config = config
        self._spool = spool
        self._log = log
        self._statistics = statistics
        self._on_accepted = on_accepted
        self._sessions = 0
        self._known_logins: dict[str, bytes] = {}
        self._login_key = os.urandom(32)

    def factory(self, tls: ssl.SSLContext, *, implicit: bool) -> Callable[[], asyncio.BaseProtocol]:
        """Makes the protocol of a new connection, or one that says 421 when there are too many."""

        def make() -> asyncio.BaseProtocol:
            if self._sessions >= self._config.limits.connections:
                return _Refusal()
            return SmtpSession(
                self,
                hostname=self._config.hostname,
                ident="ESMTP smtpadmin",
                data_size_limit=self._config.limits.message_size,
                enable_SMTPUTF8=True,
                tls_context=None if implicit else tls,
                timeout=self._config.limits.idle_s,
                auth_require_tls=not (implicit or self._config.auth_without_tls),
                authenticator=self._authenticate if self._config.users else None,
                auth_exclude_mechanism=None if self._config.users else ("PLAIN", "LOGIN"),
                loop=asyncio.get_running_loop(),
            )

        return make

    # Coming and going.

    def on_connect(self, client: str) -> None:
        self._sessions += 1
        self._log.write("connect", message=f"connect from [{client}]", client_address=client)

    def on_disconnect(self, client: str) -> None:
        self._sessions -= 1
        self._log.write("disconnect", message=f"disconnect from [{client}]", client_address=client)

    # aiosmtpd's hooks; their names and parameters are its own.

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Extensions that aiosmtpd does not list by itself; the last line ends the list."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    def handle_STARTTLS(self, server: SMTP, session: Session, envelope: Envelope) -> bool:
        """The TLS handshake is over."""
        cipher = session.ssl.get("cipher") if session.ssl else None
        version = cipher[1] if cipher else None
        self._log.write(
            "tls",
            message=f"TLS established: {version}",
            client_address=_address(session.peer),
            protocol=version,
            cipher=cipher[0] if cipher else None,
        )
        return True

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse one recipient."""
        reply = policy.recipient_reply(
            self._config,
            address,
            trusted=self._may_relay(session),
            already=len(envelope.rcpt_tos),
        )
        if reply is not None:
            self._reject("RCPT", reply, session, envelope.mail_from or "", address)
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take or refuse the message; 250 only when it is on disk."""
        raw = bytes(envelope.original_content or b"")
        facts = read_header(raw)
        reply = policy.message_reply(self._config, len(raw), facts.hops)
        sender = envelope.mail_from or ""
        if reply is not None:
            self._reject("END-OF-MESSAGE", reply, session, sender, ", ".join(envelope.rcpt_tos))
            return reply
        new = self._new_message(session, envelope, raw, facts.message_id, facts.subject)
        queue_id = self._spool.new_queue_id()
        trace = self._trace(session, envelope, queue_id, new.arrived)
        try:
            await self._spool.accept(replace(new, raw=trace + raw), queue_id)
        except StorageError as error:
            self._log.write("error", level="error", message=str(error), detail=error.detail)
            self._reject("END-OF-MESSAGE", STORAGE_FULL, session, sender, "")
            return STORAGE_FULL
        self._log_accepted(queue_id, new, session, len(trace) + len(raw))
        self._statistics.count("accepted")
        self._on_accepted()
        return f"250 2.0.0 Ok: queued as {queue_id}"

    # What the hooks need.

    def _may_relay(self, session: Session) -> bool:
        return bool(session.authenticated) or policy.is_trusted(
            self._config, _address(session.peer)
        )

    def _new_message(
        self,
        session: Session,
        envelope: Envelope,
        raw: bytes,
        message_id: str | None,
        subject: str | None,
    ) -> NewMessage:
        now = time.time()
        sender = envelope.mail_from or ""
        return NewMessage(
            sender=sender,
            recipients=tuple(dict.fromkeys(envelope.rcpt_tos)),
            raw=raw,
            arrived=now,
            expires=now + self._config.schedule.expire_s,
            message_id=message_id,
            subject=subject,
            client_name=_name(session),
            client_address=_address(session.peer),
            sasl_username=_login(session),
            smtputf8=bool(envelope.smtp_utf8),
            state=policy.first_state(self._config, sender),
        )

    def _trace(self, session: Session, envelope: Envelope, queue_id: str, arrived: float) -> bytes:
        protocol = "UTF8SMTP" if envelope.smtp_utf8 else "ESMTP"
        return received_field(
            helo=session.host_name or "unknown",
            client=_address(session.peer),
            by=self._config.hostname,
            protocol=protocol + ("S" if session.ssl else "") + ("A" if _login(session) else ""),
            queue_id=queue_id,
            when=datetime.fromtimestamp(arrived, UTC),
        )

    def _log_accepted(self, queue_id: str, new: NewMessage, session: Session, size: int) -> None:
        self._log.write(
            "client",
            queue_id=queue_id,
            message=f"client={new.client_name or 'unknown'}[{new.client_address}]",
            client=new.client_name,
            client_address=new.client_address,
            helo=session.host_name,
            sasl_username=new.sasl_username,
        )
        self._log.write(
            "message-id",
            queue_id=queue_id,
            message=f"message-id={new.message_id or '<>'}",
            message_id=new.message_id,
            subject=new.subject,
        )
        held = new.state == "hold"
        self._log.write(
            "queued",
            queue_id=queue_id,
            message=f"from=<{new.sender}>, size={size}, nrcpt={len(new.recipients)}",
            from_=new.sender,
            to=list(new.recipients),
            size=size,
            nrcpt=len(new.recipients),
            held=held or None,
        )

    def _reject(
        self, stage: str, reply: str, session: Session, sender: str, recipient: str
    ) -> None:
        self._statistics.count("rejected")
        client = _address(session.peer)
        self._log.write(
            "reject",
            level="warning",
            message=f"reject: {stage} from {session.host_name or 'unknown'}[{client}]: {reply};"
            f" from=<{sender}> to=<{recipient}>",
            stage=stage,
            reply=reply,
            from_=sender,
            to=recipient or None,
            client=_name(session),
            client_address=client,
            sasl_username=_login(session),
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        login, password = _credentials(data)
        ok = self._password_fits(login, password)
        self._log.write(
            "auth",
            level="info" if ok else "warning",
            message=f"{mechanism} authentication {'succeeded' if ok else 'failed'}",
            client_address=_address(session.peer),
            sasl_username=login,
            mechanism=mechanism,
            success=ok,
        )
        # handled=False lets aiosmtpd answer 535 5.7.8 by itself
        return AuthResult(success=ok, handled=False, auth_data=login)

    def _password_fits(self, login: str, password: str) -> bool:
        record = self._config.users.get(login)
        if record is None:
            return False
        # A login seen before is recognised by a keyed digest: scrypt would hold the loop each time.
        digest = hmac.digest(self._login_key, password.encode(), hashlib.sha256)
        known = self._known_logins.get(login)
        if known is not None and hmac.compare_digest(known, digest):
            return True
        if passwords.verify(record, password):
            self._known_logins[login] = digest
            return True
        return False


class _Refusal(asyncio.Protocol):
    """Says 421 and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(TOO_MANY_CONNECTIONS)
        transport.close()


def _address(peer: Any) -> str:
    return str(peer[0]) if isinstance(peer, tuple) else "local"


def _name(session: Session) -> str | None:
    """What the client calls itself, unless it is only an address literal."""
    helo = str(session.host_name or "")
    return helo if helo and not helo.startswith("[") else None


def _login(session: Session) -> str | None:
    return str(session.auth_data) if session.authenticated else None


def _credentials(data: Any) -> tuple[str, str]:
    if not isinstance(data, LoginPassword):
        return "", ""
    return (
        data.login.decode("utf-8", "replace"),
        data.password.decode("utf-8", "replace"),
    )
