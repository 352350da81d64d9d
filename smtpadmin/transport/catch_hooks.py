"""What lies on both sides of a caught session: whom it asks and tells, and aiosmtpd's hooks, which take
what comes into an envelope unless a rule says otherwise.

The hooks' names and parameters are aiosmtpd's own.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Protocol, cast

from aiosmtpd.smtp import Envelope, LoginPassword, Session

from smtpadmin.model.catch import BadCertificate, CatchRule
from smtpadmin.model.smtp import Stage
from smtpadmin.protocol.catch_rules import Facts
from smtpadmin.protocol.smtp_server import NULL_PATH, SessionLimits, SmtpSession

if TYPE_CHECKING:
    from smtpadmin.transport.catch_smtp import CatchSession

MOST_RECIPIENTS = 1_000


class CatchOwner(Protocol):
    """What a session asks of, and tells, whoever runs the catch server."""

    @property
    def limits(self) -> SessionLimits:
        """Of each session."""

    def decide(self, at: Stage, facts: Facts) -> CatchRule | None:
        """The rule that acts here."""

    def bad_context(self, kind: BadCertificate) -> ssl.SSLContext:
        """A TLS context with that fault."""

    def reserve(self, octets: int) -> bool:
        """Whether so many more octets of messages may be held while they come (negative: given
        back)."""

    def on_session_began(self, session: CatchSession) -> None:
        """A client is here."""

    def on_session_ended(self, session: CatchSession) -> None:
        """It has gone; its transcript is complete."""

    def on_message(self, session: CatchSession, envelope: Envelope, raw: bytes, reply: str) -> None:
        """A whole message, and what the client is told."""

    def on_bug(self, error: BaseException) -> None:
        """A bug of ours."""


class CatchHooks:
    """aiosmtpd's handler; its names and parameters are its own. The session decides."""

    def __dir__(self) -> tuple[str, ...]:
        """The hooks alone: see ``SmtpSession.__dir__``."""
        return _HOOKS

    def on_connect(self, session: SmtpSession) -> None:
        cast("CatchSession", session).came()

    def on_disconnect(self, session: SmtpSession) -> None:
        cast("CatchSession", session).ended()

    async def login_is_right(
        self, session: SmtpSession, mechanism: str, data: LoginPassword
    ) -> bool:
        return True  # CatchSession._verified asks the rules

    async def handle_EHLO(
        self,
        server: CatchSession,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        return server.listed(responses)

    def handle_STARTTLS(self, server: CatchSession, session: Session, envelope: Envelope) -> bool:
        server.tls_began()
        return True

    async def handle_MAIL(
        self,
        server: CatchSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        sender = "" if address == NULL_PATH else address
        reply = await server.obey(Stage.MAIL, server.facts(sender=sender))
        if not reply or reply[0] == "2":
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 2.1.0 Ok"

    async def handle_RCPT(
        self,
        server: CatchSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        reply = await server.obey(Stage.RCPT, server.facts([address]))
        if not reply or reply[0] == "2":
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply or "250 2.1.5 Ok"

    async def handle_DATA(self, server: CatchSession, session: Session, envelope: Envelope) -> str:
        return await server.came_whole(envelope)


_HOOKS = tuple(name for name in vars(CatchHooks) if name.startswith("handle_"))
HOOKS = CatchHooks()
"""One for all sessions: it knows nothing."""


def sender_of(envelope: Envelope) -> str:
    """The envelope sender; ``""`` is the null sender."""
    return "" if envelope.mail_from in (None, NULL_PATH) else str(envelope.mail_from)
