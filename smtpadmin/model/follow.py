"""The way of a test message after it was accepted, told step by step."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from smtpadmin.model.authentication import Authentication
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.explanation import Explanation
from smtpadmin.model.message_changes import MessageChanges
from smtpadmin.model.received import Hop
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackedMessage


class StepKind(enum.StrEnum):
    """What a step tells."""

    ACCEPTED = "accepted"
    """The first server took it."""
    FOUND = "found"
    """A server with a profile has it, or had it."""
    STATE = "state"
    """A recipient's state on a server, new or changed."""
    NOTIFICATION = "notification"
    """What the bounce says."""
    NOT_ASKED = "not-asked"
    """A server or mailbox could not be asked."""
    ARRIVED = "arrived"
    """It lies in the mailbox."""
    NOT_ARRIVED = "not-arrived"
    """It, or the bounce of it, did not come within the time."""


@dataclass(frozen=True, slots=True)
class FollowStep:
    """One step, when we saw it. ``words`` are the server's reply or ours; ``next_try`` is told of a
    deferred recipient where the server can say."""

    time: datetime
    kind: StepKind
    server: str
    words: str = ""
    queue_id: str | None = None
    recipient: str | None = None
    status: DeliveryStatus | None = None
    relay: str | None = None
    next_try: datetime | None = None
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class ArrivalReport:
    """The message as it lies in the mailbox. ``after_s`` is the time since the first server took it,
    by the mailbox server's clock; ``authentication`` and ``changes`` are None when they were not
    computed, ``unchecked`` says why."""

    folder: str
    is_junk: bool
    stored: datetime | None
    after_s: float | None
    hops: tuple[Hop, ...]
    authentication: Authentication | None
    changes: MessageChanges | None
    unchecked: str = ""


@dataclass(frozen=True, slots=True)
class FollowReport:
    """All that is known at the end. ``status`` is the worst open state, or the end; ``ended`` tells
    whether anything may still change."""

    message_id: str
    status: DeliveryStatus
    ended: bool
    messages: tuple[TrackedMessage, ...] = ()
    steps: tuple[FollowStep, ...] = ()
    failures: Mapping[str, SmtpadminError] = field(default_factory=dict)
    arrival: ArrivalReport | None = None
