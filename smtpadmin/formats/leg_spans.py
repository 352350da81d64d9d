"""When each leg of a message began and ended, as spans on one line of time. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from smtpadmin.model.tracking import Leg, TrackedMessage


@dataclass(frozen=True, slots=True)
class LegSpan:
    """One leg. ``start`` is seconds after the message first arrived, ``length`` its duration in
    seconds, None while it is still under way; ``share`` are both as parts of the whole line."""

    leg: Leg
    start: float
    length: float | None
    share: tuple[float, float]


def leg_spans(message: TrackedMessage) -> tuple[LegSpan, ...]:
    """The legs that say when they began, in their order. A leg that is under way reaches to the end
    of the line; one whose clock is behind the first server's begins at its start."""
    legs = [(leg, leg.arrived) for leg in message.legs if leg.arrived is not None]
    if not legs:
        return ()
    first = min(arrived for _, arrived in legs)
    whole = max((_ends_at(message, leg) or at) - first for leg, at in legs).total_seconds()
    return tuple(_span(leg, at, _ends_at(message, leg), first, whole) for leg, at in legs)


def _ends_at(message: TrackedMessage, leg: Leg) -> datetime | None:
    """Its completion, or the last thing that happened to a recipient in it."""
    if leg.completed is not None:
        return leg.completed
    times = [r.time for r in message.recipients if r.queue_id == leg.queue_id and r.time]
    return max(times, default=None)


def _span(
    leg: Leg, arrived: datetime, ended: datetime | None, first: datetime, whole: float
) -> LegSpan:
    start = (arrived - first).total_seconds()
    length = max(0.0, (ended - arrived).total_seconds()) if ended else None
    if whole <= 0:
        return LegSpan(leg, start, length, (0.0, 1.0))
    left = min(1.0, start / whole)
    wide = 1.0 - left if length is None else min(1.0 - left, length / whole)
    return LegSpan(leg, start, length if leg.completed else None, (left, wide))
