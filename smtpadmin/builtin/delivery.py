"""One message to one destination: into mailboxes here, or through a next hop's SMTP session.

Knows nothing of the queue: what became of each recipient is its answer.
"""

from __future__ import annotations

import functools
import json
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from smtpadmin.builtin import maildir, policy
from smtpadmin.builtin.config import NextHop, ServerConfig
from smtpadmin.builtin.routes import LOCAL, Destination, RouteError, next_hops
from smtpadmin.builtin.smtp_out import OutgoingSession
from smtpadmin.builtin.spool_records import Attempt, Outcome, SpooledMessage, SpooledRecipient
from smtpadmin.util.tasks import run_blocking_for

MAILBOX_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """One outcome for each recipient, the sessions it took, and how long it was until the last one
    was open."""

    outcomes: list[Outcome]
    attempts: list[Attempt]
    setup_s: float = 0.0


class Deliverer:
    """Delivers for one server."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        # Opportunistic TLS (RFC 7435): better than clear text, no proof of who answers.
        self._opportunistic = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._opportunistic.check_hostname = False
        self._opportunistic.verify_mode = ssl.CERT_NONE

    async def deliver(
        self,
        message: SpooledMessage,
        destination: Destination,
        recipients: Sequence[SpooledRecipient],
        raw: bytes,
    ) -> Delivered:
        """Try each of the recipients once; never raises for what mailboxes or hosts do."""
        if destination.kind == LOCAL:
            return await self._to_mailboxes(message, recipients, raw)
        return await self._to_hosts(message, destination, recipients, raw)

    async def _to_mailboxes(
        self, message: SpooledMessage, recipients: Sequence[SpooledRecipient], raw: bytes
    ) -> Delivered:
        started, notes = time.time(), []
        outcomes = []
        for recipient in recipients:
            outcome = await self._to_mailbox(message, recipient, raw)
            t_ms = round((time.time() - started) * 1000, 1)
            notes.append((t_ms, "*", f"<{outcome.address}>: {outcome.reply}", False))
            outcomes.append(outcome)
        worst = max(outcomes, key=lambda o: o.status != "delivered")
        return Delivered(outcomes, [Attempt(started, LOCAL, worst.reply, json.dumps(notes))])

    async def _to_mailbox(
        self, message: SpooledMessage, recipient: SpooledRecipient, raw: bytes
    ) -> Outcome:
        n, address = recipient.n, recipient.address
        if not policy.has_mailbox(self._config, address):
            return Outcome(n, address, "bounced", "5.1.1", f"unknown user: {address}", LOCAL)
        try:
            await run_blocking_for(
                MAILBOX_DEADLINE_S,
                maildir.deliver,
                maildir.mailbox_folder(self._config.mailbox_path, address),
                maildir.file_name(message.arrived, message.queue_id, n),
                message.sender,
                address,
                raw,
                again=message.interrupted,
            )
        except OSError as error:
            reply = f"mailbox: {error.strerror or error}"
            return Outcome(n, address, "deferred", "4.3.0", reply, LOCAL)
        return Outcome(n, address, "delivered", "2.0.0", "delivered to mailbox", LOCAL)

    async def _to_hosts(
        self,
        message: SpooledMessage,
        destination: Destination,
        recipients: Sequence[SpooledRecipient],
        raw: bytes,
    ) -> Delivered:
        try:
            hops = await next_hops(self._config, destination)
        except RouteError as error:
            return _no_route(recipients, error)
        started, attempts = time.time(), []
        for hop in hops:
            begun = time.time()
            session = OutgoingSession(hop, self._config.hostname, self._context(hop))
            outcomes = await session.deliver(message, recipients, raw)
            attempts.append(session.attempt(begun, outcomes[0].reply))
            if session.is_open:
                break  # this host has answered: the next exchanger would not know better
        return Delivered(outcomes, attempts, begun - started + session.setup_s)

    @functools.cached_property
    def _verifying(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def _context(self, hop: NextHop) -> ssl.SSLContext:
        return self._verifying if hop.require_tls or hop.user else self._opportunistic


def _no_route(recipients: Sequence[SpooledRecipient], error: RouteError) -> Delivered:
    status = "bounced" if error.dsn.startswith("5") else "deferred"
    outcomes = [Outcome(r.n, r.address, status, error.dsn, error.reply, "none") for r in recipients]
    note = json.dumps([(0.0, "*", error.reply, False)])
    return Delivered(outcomes, [Attempt(time.time(), "none", error.reply, note)])
