"""How the hosts of the demo's outside world behave: handlers for a real SMTP server, and two
protocols for hosts that never come to speak SMTP. Knows no ports.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from aiosmtpd.smtp import SMTP, Envelope, Session

GREYLIST_S = 25.0
SLOW_S = 2.5
TARPIT_S = 5.0
BUSY = b"421 4.7.0 try again later, too many connections from your network\r\n"


class Friendly:
    """Takes everything; the others differ in one thing each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.received = 0

    def recipient_reply(self, sender: str, address: str) -> str | None:
        """A refusal of one recipient, or None."""
        return None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd's hook."""
        reply = self.recipient_reply(envelope.mail_from or "", address)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook."""
        self.received += 1
        return f"250 2.0.0 Ok: queued as W{self.received:07d}"


class Partner(Friendly):
    """A company where one mailbox is full and some people have left."""

    FULL = frozenset({"finance"})
    LEFT = frozenset({"gone", "former.colleague"})

    def recipient_reply(self, sender: str, address: str) -> str | None:
        """452 for the full mailbox, 550 for those who left."""
        local_part = address.partition("@")[0]
        if local_part in self.FULL:
            return "452 4.2.2 mailbox full"
        if local_part in self.LEFT:
            return f"550 5.1.1 <{address}>: no such user here"
        return None


class Greylisting(Friendly):
    """Takes a sender and recipient that it does not know only after a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._first_seen: dict[tuple[str, str], float] = {}

    def recipient_reply(self, sender: str, address: str) -> str | None:
        """450 until the pair has been known for :data:`GREYLIST_S` seconds."""
        now = self.clock()
        left = GREYLIST_S - (now - self._first_seen.setdefault((sender, address), now))
        return f"450 4.7.1 greylisted, try again in {int(left) + 1} s" if left > 0 else None


class Strict(Friendly):
    """Wants no bulk mail."""

    def recipient_reply(self, sender: str, address: str) -> str | None:
        """554 for newsletters."""
        if sender.startswith("newsletter@"):
            return "554 5.7.1 Message refused: this network is listed for bulk mail"
        return None


class Slow(Friendly):
    """Scans every message for a while before it answers the final dot."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook."""
        await asyncio.sleep(SLOW_S)
        return await super().handle_DATA(server, session, envelope)


class Tarpit(Friendly):
    """Keeps every sender waiting."""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd's hook."""
        await asyncio.sleep(TARPIT_S)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"


class Flaky(Friendly):
    """Loses the connection after the final dot of the first message to each recipient."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._dropped: set[str] = set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook."""
        recipient = envelope.rcpt_tos[0]
        if recipient not in self._dropped:
            self._dropped.add(recipient)
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 4.3.0 lost"
        return await super().handle_DATA(server, session, envelope)


class Busy(asyncio.Protocol):
    """A host that has no time: 421 to everybody."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(BUSY)
        transport.close()


class Silent(asyncio.Protocol):
    """A host that takes connections and never says a word."""

    transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
