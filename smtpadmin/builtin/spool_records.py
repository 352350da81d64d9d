"""What goes into the spool and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

WAITING = "waiting"
"""The state of a recipient that is not finished."""


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
    """One recipient; ``state`` is ``waiting`` or its end (a delivery status word)."""

    n: int
    address: str
    state: str = WAITING
    dsn: str | None = None
    reply: str | None = None
    relay: str | None = None


@dataclass(frozen=True, slots=True)
class SpooledMessage:
    """A message in the spool, without its content. Times are seconds since the epoch."""

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

    @property
    def waiting(self) -> tuple[SpooledRecipient, ...]:
        """The recipients that are not finished."""
        return tuple(r for r in self.recipients if r.state == WAITING)


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
