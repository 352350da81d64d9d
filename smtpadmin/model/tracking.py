"""The life of a message, as message tracking tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from smtpadmin.model.status import DeliveryStatus


@dataclass(frozen=True, slots=True)
class Client:
    """Who handed the message in."""

    name: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class TrackedRecipient:
    """One recipient's end, or state so far. ``delay`` in seconds, from arrival."""

    address: str
    status: DeliveryStatus
    original: str | None = None
    dsn: str | None = None
    reply: str | None = None
    relay: str | None = None
    time: datetime | None = None
    attempts: int = 0
    delay: float | None = None
    queue_id: str | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One queue id in the message's life. ``kind`` is ``accepted``, ``reinjected``,
    ``forwarded``, ``notification``, ``requeued`` or ``relayed``."""

    queue_id: str
    kind: str = "accepted"
    server: str | None = None
    host: str | None = None
    parent: str | None = None
    arrived: datetime | None = None
    completed: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrackedMessage:
    """One message with its recipients and legs. ``sender`` is ``""`` for the null sender and
    None when unknown; ``lines`` are the log lines in log order."""

    queue_ids: tuple[str, ...]
    status: DeliveryStatus
    recipients: tuple[TrackedRecipient, ...]
    legs: tuple[Leg, ...] = ()
    message_id: str | None = None
    sender: str | None = None
    subject: str | None = None
    size: int | None = None
    arrived: datetime | None = None
    client: Client | None = None
    sasl_username: str | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackCriteria:
    """What to look for; all given ones must hold. Matching ignores case.

    An address without ``@``, or with ``*``, is a pattern; ``@example.org`` is a domain;
    ``<>`` as sender is the null sender.
    """

    sender: str | None = None
    recipient: str | None = None
    message_id: str | None = None
    queue_id: str | None = None
    client: str | None = None
    status: DeliveryStatus | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    lines: bool = False
