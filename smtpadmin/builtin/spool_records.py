"""What goes into the spool and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

WAITING = "waiting"
"""The state of a recipient that is not finished."""
FAILED = ("bounced", "expired")
"""States of a recipient that was given up."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be accepted. ``raw`` has CRLF line ends; ``state`` is where it starts."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    arrived: float
    expires: float
    message_id: str | None = None
    subject: str | None = None
    client_name: str | None = None
    client_address: str | None = None
    sasl_username: str | None = None
    smtputf8: bool = False
    state: str = "incoming"


@dataclass(frozen=True, slots=True)
class SpooledRecipient:
    """One recipient; ``state`` is ``waiting`` or its end (a delivery status word). ``told``: the
    sender has a notification that it failed."""

    n: int
    address: str
    state: str = WAITING
    dsn: str | None = None
    reply: str | None = None
    relay: str | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class SpooledMessage:
    """A message in the spool, without its content. Times are seconds since the epoch.
    ``interrupted``: the server died during a try, whose outcome nobody knows."""

    queue_id: str
    state: str
    arrived: float
    expires: float
    next_try: float
    tries: int
    notified: bool
    sender: str
    size: int
    message_id: str | None
    subject: str | None
    client_name: str | None
    client_address: str | None
    sasl_username: str | None
    smtputf8: bool
    recipients: tuple[SpooledRecipient, ...]
    interrupted: bool = False

    @property
    def waiting(self) -> tuple[SpooledRecipient, ...]:
        """The recipients that are not finished."""
        return tuple(r for r in self.recipients if r.state == WAITING)

    @property
    def untold(self) -> tuple[Outcome, ...]:
        """The recipients that failed for good and of which the sender knows nothing yet."""
        return tuple(
            Outcome(r.n, r.address, r.state, r.dsn or "5.0.0", r.reply or "", r.relay or "none")
            for r in self.recipients
            if r.state in FAILED and not r.told
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try gave one recipient. ``status`` is ``delivered``, ``sent``, ``deferred``,
    ``bounced`` or ``expired``; ``dsn`` the enhanced status code; ``reply`` the words."""

    n: int
    address: str
    status: str
    dsn: str
    reply: str
    relay: str

    @property
    def is_final(self) -> bool:
        """Whether the recipient is finished."""
        return self.status != "deferred"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery session: ``transcript`` is a JSON array of ``[t_ms, direction, line, tls]``."""

    started: float
    relay: str
    outcome: str
    transcript: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What ends a round of tries, to be done by one commit.

    ``next_try`` None takes the message out of the queue. ``expired`` are recipients given up now;
    ``notifications`` are new messages with their queue IDs, after which every failed recipient
    counts as told; ``delay_told``: the sender knows of the delay.
    """

    queue_id: str
    tries: int
    next_try: float | None
    expired: tuple[Outcome, ...] = ()
    notifications: tuple[tuple[str, NewMessage], ...] = ()
    delay_told: bool = False
