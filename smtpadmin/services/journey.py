"""A message's journey as steps: submitted, queued, each recipient's tries, the end.

Knows the order of events in a message's life; words nothing for people (the window and the command
line do that from ``kind``, ``state`` and the fields).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.model.status import OPEN_WORST_FIRST, DeliveryStatus
from smtpadmin.model.tracking import Leg, TrackedMessage, TrackedRecipient


class StepKind(enum.StrEnum):
    """What a step tells of."""

    SUBMITTED = "submitted"
    QUEUED = "queued"
    ATTEMPT = "attempt"
    END = "end"
    NOTIFICATION = "notification"


class StepState(enum.StrEnum):
    """How far a step is: over and well, over and bad, being waited for, or not yet come."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """One step. ``delay`` is seconds since the message arrived; ``tries`` counts attempts so far;
    ``where`` is a client, queue ID or next hop; ``detail`` is a server's own words."""

    kind: StepKind
    state: StepState
    time: datetime | None = None
    delay: float | None = None
    recipient: str | None = None
    status: DeliveryStatus | None = None
    where: str | None = None
    detail: str | None = None
    tries: int = 0
    next_try: datetime | None = None


_FAILED = {
    DeliveryStatus.BOUNCED,
    DeliveryStatus.EXPIRED,
    DeliveryStatus.REJECTED,
    DeliveryStatus.DISCARDED,
}


def journey_of(message: TrackedMessage) -> tuple[JourneyStep, ...]:
    """The steps of a tracked message, in the order of its life; recipients in their own order, and
    a notification behind what it may tell of."""
    legs = [_leg_step(leg, message.arrived) for leg in message.legs]
    queued = [step for step in legs if step.kind is not StepKind.NOTIFICATION]
    ends = [step for each in message.recipients for step in _recipient_steps(each)]
    for told in legs:
        if told.kind is StepKind.NOTIFICATION:
            ends.insert(_behind(told, ends), told)
    return (_submitted(message), *queued, *ends)


def _behind(told: JourneyStep, steps: list[JourneyStep]) -> int:
    """The place behind the last step that was over when this one came."""
    return max(
        (place for place, step in enumerate(steps, 1) if _is_over(step, told.time)), default=0
    )


def _is_over(step: JourneyStep, by: datetime | None) -> bool:
    if step.state not in (StepState.DONE, StepState.FAILED):
        return False
    return step.time is None or by is None or step.time <= by


def _submitted(message: TrackedMessage) -> JourneyStep:
    return JourneyStep(
        StepKind.SUBMITTED,
        StepState.FAILED if not message.queue_ids else StepState.DONE,
        time=message.arrived,
        where=_client_of(message),
        detail=message.sasl_username,
    )


def _client_of(message: TrackedMessage) -> str | None:
    if message.client is None:
        return None
    return message.client.name or message.client.address


def _leg_step(leg: Leg, arrived: datetime | None) -> JourneyStep:
    notification = leg.kind == "notification"
    return JourneyStep(
        StepKind.NOTIFICATION if notification else StepKind.QUEUED,
        StepState.DONE,
        time=leg.arrived,
        delay=_seconds_between(arrived, leg.arrived),
        where=leg.queue_id,
        detail=leg.kind,
    )


def _recipient_steps(recipient: TrackedRecipient) -> Iterator[JourneyStep]:
    is_open = recipient.status in OPEN_WORST_FIRST
    if is_open and recipient.attempts:
        yield JourneyStep(
            StepKind.ATTEMPT,
            StepState.WAITING,
            time=recipient.time,
            delay=recipient.delay,
            recipient=recipient.address,
            status=recipient.status,
            where=recipient.relay,
            detail=recipient.reply,
            tries=recipient.attempts,
        )
    yield JourneyStep(
        StepKind.END,
        _end_state(recipient.status),
        time=None if is_open else recipient.time,
        delay=None if is_open else recipient.delay,
        recipient=recipient.address,
        status=recipient.status,
        where=None if is_open else recipient.relay,
        detail=None if is_open else recipient.reply,
        tries=recipient.attempts,
    )


def _end_state(status: DeliveryStatus) -> StepState:
    if status in OPEN_WORST_FIRST or status is DeliveryStatus.UNKNOWN:
        return StepState.PENDING
    return StepState.FAILED if status in _FAILED else StepState.DONE


def journey_of_entry(entry: QueueEntry) -> tuple[JourneyStep, ...]:
    """The steps that a queue listing alone can tell; what it cannot say is left out."""
    return tuple(_entry_steps(entry))


def _entry_steps(entry: QueueEntry) -> Iterator[JourneyStep]:
    yield JourneyStep(
        StepKind.SUBMITTED, StepState.DONE, time=entry.arrived, where=entry.client, detail=None
    )
    yield JourneyStep(StepKind.QUEUED, StepState.DONE, time=entry.arrived, where=entry.queue_id)
    for recipient in entry.recipients:
        yield from _queued_recipient_steps(entry, recipient)


def _queued_recipient_steps(entry: QueueEntry, recipient: QueueRecipient) -> Iterator[JourneyStep]:
    if recipient.reason is not None and not recipient.delivered:
        yield JourneyStep(
            StepKind.ATTEMPT,
            StepState.WAITING,
            recipient=recipient.address,
            status=_queue_status(entry),
            detail=recipient.reason,
            tries=entry.tries or 0,
            next_try=entry.next_try,
        )
    yield JourneyStep(
        StepKind.END,
        StepState.DONE if recipient.delivered else StepState.PENDING,
        recipient=recipient.address,
        status=DeliveryStatus.DELIVERED if recipient.delivered else _queue_status(entry),
        tries=entry.tries or 0,
    )


def _queue_status(entry: QueueEntry) -> DeliveryStatus:
    if entry.frozen or entry.queue == "hold":
        return DeliveryStatus.HELD
    return DeliveryStatus.DEFERRED if entry.queue == "deferred" else DeliveryStatus.QUEUED


def _seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None
