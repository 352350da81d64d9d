"""Hands a message to a next hop: one session, all recipients that share it, a transcript.

Each recipient gets its own outcome, and one deadline bounds the whole session. RFC 5321 section 3.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import Sequence

from smtpadmin.builtin.config import NextHop
from smtpadmin.builtin.smtp_dialogue import Dialogue, SessionError, SmtpReply, why
from smtpadmin.builtin.spool_records import Attempt, Outcome, SpooledMessage, SpooledRecipient
from smtpadmin.formats.message_header import normal_line_ends
from smtpadmin.model.profile import TlsMode

SESSION_S = 600.0
GOODBYE_S = 2.0
MOST_RECIPIENTS = 100
"""In one transaction: what every server must take (RFC 5321 section 4.5.3.1.8)."""
LEAST_RATE = 10_000
"""Octets a second below which a session is given up."""


class OutgoingSession:
    """One connection to one next hop."""

    def __init__(self, hop: NextHop, helo: str, tls: ssl.SSLContext) -> None:
        self.relay = str(hop)
        self._hop = hop
        self._dialogue = Dialogue(hop, helo, tls)
        self.is_open = False
        self.setup_s = 0.0

    def attempt(self, started: float, outcome: str) -> Attempt:
        """The session as the spool keeps it."""
        return Attempt(started, self.relay, outcome, json.dumps(self._dialogue.record.lines))

    async def deliver(
        self, message: SpooledMessage, recipients: Sequence[SpooledRecipient], raw: bytes
    ) -> list[Outcome]:
        """Connect, hand over, say goodbye; one outcome for each recipient. Never raises for what
        the other side does."""
        outcomes: dict[int, Outcome] = {}
        try:
            async with asyncio.timeout(SESSION_S + len(raw) / LEAST_RATE):
                await self._dialogue.open()
                if self._hop.user:
                    await self._authenticate()
                self.is_open = True
                self.setup_s = time.monotonic() - self._dialogue.record.started
                await self._transactions(message, recipients, raw, outcomes)
                await self._goodbye()
        except SessionError as error:
            self._fill(recipients, outcomes, error.reply, error.dsn)
        except TimeoutError:
            self._fill(recipients, outcomes, "conversation timed out", "4.4.2")
        except (OSError, asyncio.IncompleteReadError) as error:
            self._fill(recipients, outcomes, f"lost connection: {why(error)}", "4.4.2")
        finally:
            await self._dialogue.close()
        return [outcomes[r.n] for r in recipients]

    def _fill(
        self,
        recipients: Sequence[SpooledRecipient],
        outcomes: dict[int, Outcome],
        reply: str,
        dsn: str,
    ) -> None:
        self._dialogue.record.add("*", reply)
        for recipient in recipients:
            outcomes.setdefault(recipient.n, self._outcome(recipient, dsn, reply))

    def _outcome(self, recipient: SpooledRecipient, dsn: str, reply: str) -> Outcome:
        status = {"2": "sent", "5": "bounced"}.get(dsn[0], "deferred")
        return Outcome(recipient.n, recipient.address, status, dsn, reply, self.relay)

    async def _authenticate(self) -> None:
        if self._hop.tls is not TlsMode.NONE and not self._dialogue.record.tls:
            raise SessionError(f"host {self.relay} offers no TLS to log in over", "4.7.11")
        together = _base64(f"\0{self._hop.user}\0{self._hop.password}")
        single = [_base64(self._hop.user), _base64(self._hop.password)]
        self._dialogue.record.secrets += [
            s for s in (together, *single, self._hop.password) if len(s) > 3
        ]
        offered = self._dialogue.extensions.get("AUTH", "").upper().split()
        if "PLAIN" in offered or "LOGIN" not in offered:
            reply = await self._dialogue.command(
                f"AUTH PLAIN {together}", shown="AUTH PLAIN <redacted>"
            )
        else:
            reply = await self._dialogue.command("AUTH LOGIN")
            for secret in single:
                if reply.code == 334:
                    reply = await self._dialogue.command(secret, shown="<redacted>")
        if reply.code != 235:
            raise SessionError(f"SASL authentication failed at {self.relay}: {reply.line}", "4.7.8")

    async def _transactions(
        self,
        message: SpooledMessage,
        recipients: Sequence[SpooledRecipient],
        raw: bytes,
        outcomes: dict[int, Outcome],
    ) -> None:
        """All recipients in as few transactions as the server allows."""
        left = list(recipients)
        while left:
            most, left = left[:MOST_RECIPIENTS], left[MOST_RECIPIENTS:]
            surplus = await self._transaction(message, most, raw, outcomes)
            for recipient in surplus:
                del outcomes[recipient.n]
            left = surplus + left
            if left:
                await self._dialogue.command("RSET")

    async def _transaction(
        self,
        message: SpooledMessage,
        recipients: Sequence[SpooledRecipient],
        raw: bytes,
        outcomes: dict[int, Outcome],
    ) -> list[SpooledRecipient]:
        """One transaction; gives the recipients that were refused for their number alone, none
        unless others were taken."""
        reply = await self._dialogue.command(
            f"MAIL FROM:<{message.sender}>{self._mail_options(message, raw)}"
        )
        if reply.code != 250:
            raise self._said(reply, "MAIL FROM")
        accepted, surplus = [], []
        for recipient in recipients:
            reply = await self._dialogue.command(f"RCPT TO:<{recipient.address}>")
            if reply.code // 100 == 2:
                accepted.append(recipient)
            else:
                outcomes[recipient.n] = self._refused(recipient, reply, "RCPT TO")
                if reply.is_too_many:
                    surplus.append(recipient)
        if accepted:
            await self._data(accepted, raw, outcomes)
        return surplus if accepted else []

    def _mail_options(self, message: SpooledMessage, raw: bytes) -> str:
        options = ""
        if "SIZE" in self._dialogue.extensions:
            options += f" SIZE={len(raw)}"
        if "8BITMIME" in self._dialogue.extensions and not raw.isascii():
            options += " BODY=8BITMIME"
        if message.smtputf8:
            if "SMTPUTF8" not in self._dialogue.extensions:
                raise SessionError(
                    f"SMTPUTF8 is required, but was not offered by host {self.relay}", "5.6.7"
                )
            options += " SMTPUTF8"
        return options

    async def _data(
        self, accepted: Sequence[SpooledRecipient], raw: bytes, outcomes: dict[int, Outcome]
    ) -> None:
        reply = await self._dialogue.command("DATA")
        if reply.code == 354:
            self._dialogue.record.add(">", f"({len(raw)} octets of message, then the final dot)")
            await self._dialogue.send(_stuffed(raw) + b".\r\n")
            reply = await self._dialogue.reply(most=SESSION_S)
            stage = "end of DATA"
        elif reply.code // 100 == 2:
            raise SessionError(f"host {self.relay} said {reply.line} to DATA", "4.5.0")
        else:
            stage = "DATA"
        for recipient in accepted:
            if reply.code // 100 == 2:
                outcomes[recipient.n] = self._outcome(recipient, reply.dsn, reply.line)
            else:
                outcomes[recipient.n] = self._refused(recipient, reply, stage)

    async def _goodbye(self) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._dialogue.command("QUIT")
        except (OSError, EOFError, SessionError):
            self._dialogue.record.add("*", "closed without a goodbye")

    def _said(self, reply: SmtpReply, stage: str) -> SessionError:
        words = f"host {self.relay} said: {reply.line} (in reply to {stage} command)"
        return SessionError(words, reply.dsn if reply.code >= 400 else "4.5.0")

    def _refused(self, recipient: SpooledRecipient, reply: SmtpReply, stage: str) -> Outcome:
        error = self._said(reply, stage)
        dsn = "4.5.3" if stage == "RCPT TO" and reply.is_too_many else error.dsn
        return self._outcome(recipient, dsn, error.reply)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _stuffed(raw: bytes) -> bytes:
    """Dot-stuffed, with CRLF line ends and one at the very end (RFC 5321 section 4.5.2)."""
    text = normal_line_ends(raw).replace(b"\r\n.", b"\r\n..")
    return b"." + text if text.startswith(b".") else text
