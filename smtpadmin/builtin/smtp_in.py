"""Takes mail in: the hooks that decide, for every SMTP session of one server.

250 is said to a message only after the spool has it on disk. What policy says stands in
:mod:`smtpadmin.builtin.policy`; this file turns it into replies and log events.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from aiosmtpd.smtp import Envelope, LoginPassword, Session

from smtpadmin.builtin import passwords, policy
from smtpadmin.builtin.config import ServerConfig
from smtpadmin.builtin.headers import received_field
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.spool import Spool
from smtpadmin.builtin.spool_records import NewMessage
from smtpadmin.builtin.stats import Statistics
from smtpadmin.formats.message_header import HeaderFacts, read_header
from smtpadmin.model.errors import StorageError
from smtpadmin.protocol.smtp_server import NULL_PATH, SmtpSession, peer_address
from smtpadmin.util.tasks import TaskOwner, run_blocking_for

STORAGE_FULL = "452 4.3.1 Insufficient system storage, try again later"
OUR_FAULT = "451 4.3.0 Error: internal error, try again later"
TOO_MANY_CONNECTIONS = b"421 4.3.2 Too many connections, try again later\r\n"
LOGIN_DEADLINE_S = 10.0
ACCEPT_DEADLINE_S = 5.0


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
        self._tasks = TaskOwner("intake", self._on_task_error)
        self._accepting: set[asyncio.Task[str]] = set()
        self._sessions: set[SmtpSession] = set()
        self._known_logins: dict[str, bytes] = {}
        self._login_key = os.urandom(32)
        self._one_login = asyncio.Semaphore(2)

    def factory(self, tls: ssl.SSLContext, *, implicit: bool) -> Callable[[], asyncio.BaseProtocol]:
        """Makes the protocol of a new connection, or one that says 421 when there are too many."""

        def make() -> asyncio.BaseProtocol:
            if len(self._sessions) >= self._config.limits.connections:
                return _Refusal(self._log)
            return SmtpSession(
                self,
                self._config.limits,
                hostname=self._config.hostname,
                ident="ESMTP smtpadmin",
                tls_context=None if implicit else tls,
                auth_require_tls=not (implicit or self._config.auth_without_tls),
                loop=asyncio.get_running_loop(),
            )

        return make

    def __dir__(self) -> tuple[str, ...]:
        """The hooks alone: see ``SmtpSession.__dir__``."""
        return _HOOKS

    async def close(self) -> None:
        """Finish what is being written down, then send every client away."""
        if self._accepting:
            await asyncio.wait(self._accepting, timeout=ACCEPT_DEADLINE_S)
        await asyncio.gather(*(session.end() for session in tuple(self._sessions)))
        await self._tasks.close()

    # Coming and going.

    def on_connect(self, session: SmtpSession) -> None:
        """A client is here."""
        self._sessions.add(session)
        self._log.write(
            "connect", message=f"connect from [{session.client}]", client_address=session.client
        )
        if session.cipher is not None:
            self._log_tls(session)

    def on_disconnect(self, session: SmtpSession) -> None:
        """It has gone."""
        self._sessions.discard(session)
        self._log.write(
            "disconnect",
            message=f"disconnect from [{session.client}]",
            client_address=session.client,
        )

    # aiosmtpd's hooks; their names and parameters are its own.

    async def handle_EHLO(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Extensions that aiosmtpd does not list by itself; the last line ends the list."""
        session.host_name = hostname
        if not self._config.users:
            responses = [line for line in responses if not line.startswith("250-AUTH")]
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_exception(self, error: Exception) -> str:
        """A bug of ours, or octets that nobody foresaw: the client tries again later."""
        self._on_task_error("an SMTP session", error)
        return OUR_FAULT

    def handle_STARTTLS(self, server: SmtpSession, session: Session, envelope: Envelope) -> bool:
        """The TLS handshake is over."""
        self._log_tls(server)
        return True

    async def handle_MAIL(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take or refuse the envelope sender."""
        sender = "" if address == NULL_PATH else address
        reply = policy.sender_reply(sender, smtputf8=bool(envelope.smtp_utf8))
        if reply is not None:
            self._reject("MAIL", reply, server, sender, "")
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take or refuse one recipient."""
        address = policy.full_address(self._config, address)
        reply = policy.recipient_reply(
            self._config,
            address,
            trusted=self._may_relay(server),
            already=len(envelope.rcpt_tos),
            smtputf8=bool(envelope.smtp_utf8),
        )
        if reply is not None:
            self._reject("RCPT", reply, server, _sender(envelope), address)
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SmtpSession, session: Session, envelope: Envelope) -> str:
        """Take or refuse the message; 250 only when it is on disk."""
        raw = bytes(envelope.original_content or b"")
        facts = read_header(raw)
        reply = policy.message_reply(self._config, raw, facts.hops)
        if reply is not None:
            recipients = ", ".join(envelope.rcpt_tos)
            self._reject("END-OF-MESSAGE", reply, server, _sender(envelope), recipients)
            return reply
        new = self._new_message(server, envelope, raw, facts)
        # A task of its own: a client that hangs up now must not tear the log from the spool.
        task = self._tasks.spawn("accept", self._accept(server, new))
        if task is None:
            return OUR_FAULT
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
        return await asyncio.shield(task)

    async def _accept(self, server: SmtpSession, new: NewMessage) -> str:
        queue_id = self._spool.new_queue_id()
        new = replace(new, raw=self._trace(server, new, queue_id) + new.raw)
        helo = _helo(server)
        try:
            await self._spool.accept(new, queue_id)
        except StorageError as error:
            self._log.write("error", level="error", message=str(error), detail=error.detail)
            self._reject(
                "END-OF-MESSAGE", STORAGE_FULL, server, new.sender, ", ".join(new.recipients)
            )
            return STORAGE_FULL
        self._log_accepted(queue_id, new, helo)
        self._statistics.count("accepted")
        self._on_accepted()
        return f"250 2.0.0 Ok: queued as {queue_id}"

    async def login_is_right(
        self, session: SmtpSession, mechanism: str, data: LoginPassword
    ) -> bool:
        """Whether a login and its password fit; scrypt runs beside the loop."""
        login = data.login.decode("utf-8", "replace")
        ok = await self._password_fits(login, data.password)
        self._log.write(
            "auth",
            level="info" if ok else "warning",
            message=f"{mechanism} authentication {'succeeded' if ok else 'failed'}",
            client_address=session.client,
            sasl_username=login,
            mechanism=mechanism,
            success=ok,
        )
        return ok

    # What the hooks need.

    def _may_relay(self, server: SmtpSession) -> bool:
        return server.sasl_username is not None or policy.is_trusted(self._config, server.client)

    def _new_message(
        self, server: SmtpSession, envelope: Envelope, raw: bytes, facts: HeaderFacts
    ) -> NewMessage:
        now = time.time()
        sender = _sender(envelope)
        return NewMessage(
            sender=sender,
            recipients=tuple(dict.fromkeys(envelope.rcpt_tos)),
            raw=raw,
            arrived=now,
            expires=now + self._config.schedule.expire_s,
            message_id=facts.message_id,
            subject=facts.subject,
            client_name=_name(server),
            client_address=server.client,
            sasl_username=server.sasl_username,
            smtputf8=bool(envelope.smtp_utf8),
            state=policy.first_state(self._config, sender),
        )

    def _trace(self, server: SmtpSession, new: NewMessage, queue_id: str) -> bytes:
        is_extended = server.session is None or server.session.extended_smtp
        protocol = "UTF8SMTP" if new.smtputf8 else "ESMTP" if is_extended else "SMTP"
        return received_field(
            helo=_helo(server),
            client=server.client,
            by=self._config.hostname,
            protocol=protocol
            + ("S" if server.cipher else "")
            + ("A" if server.sasl_username is not None else ""),
            queue_id=queue_id,
            when=datetime.fromtimestamp(new.arrived, UTC),
        )

    def _log_tls(self, server: SmtpSession) -> None:
        cipher = server.cipher
        name, version = (cipher[0], cipher[1]) if cipher else (None, None)
        self._log.write(
            "tls",
            message=f"TLS established: {version} {name}",
            client_address=server.client,
            protocol=version,
            cipher=name,
        )

    def _log_accepted(self, queue_id: str, new: NewMessage, helo: str) -> None:
        self._log.write(
            "client",
            queue_id=queue_id,
            message=f"client={new.client_name or 'unknown'}[{new.client_address}]",
            client=new.client_name,
            client_address=new.client_address,
            helo=helo,
            sasl_username=new.sasl_username,
        )
        self._log.write(
            "message-id",
            queue_id=queue_id,
            message=f"message-id={new.message_id or '<>'}",
            message_id=new.message_id,
            subject=new.subject,
        )
        self._log.write(
            "queued",
            queue_id=queue_id,
            message=f"from=<{new.sender}>, size={len(new.raw)}, nrcpt={len(new.recipients)}",
            from_=new.sender,
            to=list(new.recipients),
            size=len(new.raw),
            nrcpt=len(new.recipients),
            held=new.state == "hold" or None,
        )

    def _reject(
        self, stage: str, reply: str, server: SmtpSession, sender: str, recipient: str
    ) -> None:
        self._statistics.count("rejected")
        self._log.write(
            "reject",
            level="warning",
            message=f"reject: {stage} from {_helo(server)}[{server.client}]: {reply};"
            f" from=<{sender}> to=<{recipient}>",
            stage=stage,
            reply=reply,
            from_=sender,
            to=recipient or None,
            client=_name(server),
            client_address=server.client,
            sasl_username=server.sasl_username,
        )

    async def _password_fits(self, login: str, password: bytes) -> bool:
        # A login seen before is recognised by a keyed digest: scrypt takes its time by intent.
        digest = hmac.digest(self._login_key, password, hashlib.sha256)
        known = self._known_logins.get(login)
        if known is not None and hmac.compare_digest(known, digest):
            return True
        record = self._config.users.get(login)
        text = password.decode("utf-8", "surrogateescape")
        async with self._one_login:
            # An unknown login takes as long as a wrong password, so that none can be guessed.
            fits = await run_blocking_for(
                LOGIN_DEADLINE_S, passwords.verify, record or passwords.NOBODY, text
            )
        if fits and record is not None:
            self._known_logins[login] = digest
        return fits and record is not None

    def _on_task_error(self, name: str, error: BaseException) -> None:
        self._log.write(
            "error", level="error", message=f"a bug in {name}: {type(error).__name__}: {error}"
        )


_HOOKS = tuple(name for name in vars(Intake) if name.startswith("handle_"))


class _Refusal(asyncio.Protocol):
    """Says 421 and closes."""

    def __init__(self, log: MailLog) -> None:
        self._log = log

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        client = peer_address(transport)
        reply = TOO_MANY_CONNECTIONS.decode().rstrip()
        self._log.write(
            "connect",
            level="warning",
            message=f"connection from [{client}] refused: {reply}",
            reply=reply,
            client_address=client,
        )
        assert isinstance(transport, asyncio.Transport)
        transport.write(TOO_MANY_CONNECTIONS)
        transport.close()


def _sender(envelope: Envelope) -> str:
    return "" if envelope.mail_from == NULL_PATH else str(envelope.mail_from or "")


def _helo(server: SmtpSession) -> str:
    return str(server.session.host_name or "unknown") if server.session else "unknown"


def _name(server: SmtpSession) -> str | None:
    """What the client calls itself, unless it is only an address literal."""
    helo = _helo(server)
    return None if helo.startswith("[") or helo == "unknown" else helo
