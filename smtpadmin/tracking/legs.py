"""Legs of one message, each a life of a queue ID, joined into the message that they tell of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from smtpadmin.model.status import OPEN_WORST_FIRST, DeliveryStatus, message_status
from smtpadmin.model.tracking import Client, Leg, TrackedMessage, TrackedRecipient
from smtpadmin.tracking.lives import Life

OPEN = frozenset(OPEN_WORST_FIRST)


@dataclass(slots=True)
class LegState:
    """One queue ID's life while its records are read."""

    queue_id: str
    kind: str = "accepted"
    parent: str | None = None
    host: str | None = None
    arrived: datetime | None = None
    completed: datetime | None = None
    message_id: str | None = None
    sender: str | None = None
    subject: str | None = None
    size: int | None = None
    wanted: int = 0
    client: Client | None = None
    sasl_username: str | None = None
    queued: bool = False
    state: DeliveryStatus | None = None
    """Of the whole leg: held, rejected or discarded."""
    recipients: dict[str, TrackedRecipient] = field(default_factory=dict)
    named: dict[str, TrackedRecipient] = field(default_factory=dict)
    """Recipients that only a line about the whole message names."""

    def leg(self) -> Leg:
        """The leg as the model has it."""
        return Leg(
            self.queue_id, self.kind, None, self.host, self.parent, self.arrived, self.completed
        )


def set_open(state: LegState, status: DeliveryStatus, moment: datetime | None) -> None:
    """Give every recipient that still waits another state."""
    for address, recipient in state.recipients.items():
        if recipient.status in OPEN:
            state.recipients[address] = replace(recipient, status=status, time=moment)


def join_legs(lives: Sequence[Life], states: Mapping[int, LegState]) -> TrackedMessage:
    """One message of the lives' states, which are by the ``id`` of each life. ``lines`` are left out."""
    _apply_ties(lives, states)
    ordered = _root_first([states[id(life)] for life in lives])
    return merged(ordered, _ends(ordered))


def merged(legs: Sequence[LegState], recipients: Sequence[TrackedRecipient]) -> TrackedMessage:
    """One message of its legs, the first of which is where it came in."""
    root = legs[0]
    return TrackedMessage(
        queue_ids=tuple(dict.fromkeys(leg.queue_id for leg in legs)),
        status=_status(legs, recipients),
        recipients=tuple(recipients),
        legs=tuple(leg.leg() for leg in legs),
        message_id=root.message_id,
        sender=root.sender,
        subject=root.subject or next((leg.subject for leg in legs[1:] if leg.subject), None),
        size=root.size,
        arrived=root.arrived,
        client=root.client,
        sasl_username=root.sasl_username,
    )


def _apply_ties(lives: Sequence[Life], states: Mapping[int, LegState]) -> None:
    for life in lives:
        for link, other in life.ties:
            child = states.get(id(other))
            if child is not None:
                child.kind = link.kind
                child.parent = states[id(life)].queue_id


def _root_first(legs: list[LegState]) -> list[LegState]:
    """Parents before their children; else in log order."""
    return sorted(legs, key=lambda leg: leg.parent is not None)


def _ends(legs: Sequence[LegState]) -> list[TrackedRecipient]:
    """Each recipient's end: of those that went on into another leg, what became of them there."""
    passed_on = {leg.parent for leg in legs if leg.kind in ("reinjected", "requeued")}
    found: dict[str, TrackedRecipient] = {}
    for leg in legs:
        if leg.kind == "notification" or _under_notification(leg, legs):
            continue
        found |= _of_leg(leg)
    gone = {
        address
        for address, recipient in found.items()
        if recipient.queue_id in passed_on and _went_on(recipient, legs)
    }
    return [recipient for address, recipient in found.items() if address not in gone]


def _of_leg(leg: LegState) -> dict[str, TrackedRecipient]:
    """The recipients of a leg; what was decided of the whole message is their state."""
    if leg.state is None:
        return leg.recipients
    state = leg.state
    known = leg.recipients or {}
    changed = {
        address: replace(item, status=state) if item.status in OPEN else item
        for address, item in known.items()
    }
    return {**{a: r for a, r in leg.named.items() if a not in known}, **changed}


def _under_notification(leg: LegState, legs: Sequence[LegState]) -> bool:
    by_id = {other.queue_id: other for other in legs}
    seen: set[str] = set()
    while leg.parent is not None and leg.parent not in seen and leg.parent in by_id:
        seen.add(leg.parent)
        leg = by_id[leg.parent]
        if leg.kind == "notification":
            return True
    return False


def _went_on(recipient: TrackedRecipient, legs: Sequence[LegState]) -> bool:
    """Whether a recipient that a filter took was rewritten there: its own line is then no end."""
    if recipient.status not in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, *OPEN):
        return False
    children = {leg.queue_id for leg in legs if leg.parent == recipient.queue_id}
    return any(
        other.original == recipient.address and other.queue_id in children
        for leg in legs
        for other in leg.recipients.values()
    )


def _status(legs: Sequence[LegState], recipients: Sequence[TrackedRecipient]) -> DeliveryStatus:
    states = [recipient.status for recipient in recipients]
    for leg in legs:
        if leg.kind != "notification" and leg.completed is None:
            if leg.state in OPEN:
                states.append(leg.state)
            elif leg.queued and len(leg.recipients) < leg.wanted:
                states.append(DeliveryStatus.QUEUED)
    if not states and legs[0].state is not None:
        return legs[0].state
    return message_status(states)


def text_of(value: object) -> str | None:
    """A field as text; None for what is none."""
    return value if isinstance(value, str) else None
