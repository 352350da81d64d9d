"""What a mail queue holds."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class QueueRecipient:
    """One recipient of a queued message; ``reason`` is the last reply, as the server words it."""

    address: str
    reason: str | None = None
    delivered: bool = False


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One queued message. ``queue`` is ``active``, ``deferred``, ``hold``, ``incoming`` … as the
    server's field uses it; ``sender`` is ``""`` for the null sender; ``size`` in octets.
    ``tries``, ``next_try``, ``expires`` and the rest are None where the server cannot say."""

    queue_id: str
    queue: str
    arrived: datetime | None
    size: int | None
    sender: str
    recipients: tuple[QueueRecipient, ...] = ()
    server: str | None = None
    frozen: bool = False
    flags: tuple[str, ...] = ()
    tries: int | None = None
    next_try: datetime | None = None
    expires: datetime | None = None
    message_id: str | None = None
    subject: str | None = None
    client: str | None = None

    @property
    def identity(self) -> tuple[str, datetime | None, str, int | None]:
        """What must be unchanged before an action may touch it: queue ids are re-used."""
        return (self.queue_id, self.arrived, self.sender, self.size)

    @property
    def reason(self) -> str | None:
        """The first reason of a recipient that still waits."""
        return next((r.reason for r in self.recipients if r.reason and not r.delivered), None)


class QueueAction(enum.StrEnum):
    """What can be done to queued messages."""

    RETRY = "retry"
    HOLD = "hold"
    RELEASE = "release"
    REQUEUE = "requeue"
    BOUNCE = "bounce"
    DELETE = "delete"


DESTRUCTIVE = frozenset({QueueAction.DELETE, QueueAction.BOUNCE})
"""Actions after which the message is no longer in the queue."""

INVERSE: Mapping[QueueAction, QueueAction] = {
    QueueAction.HOLD: QueueAction.RELEASE,
    QueueAction.RELEASE: QueueAction.HOLD,
}
"""Actions that another action takes back."""


@dataclass(frozen=True, slots=True)
class ActionOffer:
    """Whether a server can do an action; ``why_not`` says in words why it cannot.
    ``commands`` are what will really be sent, one line each, for the preview."""

    action: QueueAction
    available: bool
    why_not: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionResult:
    """The outcome for one item."""

    queue_id: str
    ok: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A queued message with its envelope: what is needed to put it back."""

    queue_id: str
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    arrived: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Messages by queue name, and in all."""

    by_queue: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All queues together."""
        return sum(self.by_queue.values())
