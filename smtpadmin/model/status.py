"""The delivery status of a message or recipient, the one list of words used everywhere."""

from __future__ import annotations

import enum
from collections.abc import Iterable


class DeliveryStatus(enum.StrEnum):
    """``sent`` was handed to the next hop; ``delivered`` is final (local or LMTP)."""

    QUEUED = "queued"
    DEFERRED = "deferred"
    HELD = "held"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DISCARDED = "discarded"
    FILTERED = "filtered"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"
    PARTIAL = "partial"


OPEN_WORST_FIRST = (DeliveryStatus.HELD, DeliveryStatus.DEFERRED, DeliveryStatus.QUEUED)
"""States in which a recipient is not finished, the worst first."""

_DONE_WELL = {DeliveryStatus.DELIVERED, DeliveryStatus.SENT}


def message_status(recipients: Iterable[DeliveryStatus]) -> DeliveryStatus:
    """The status of a whole message, from those of its recipients.

    The worst open state if any recipient is open; else the common end; ``sent`` when all are
    through and at least one only to the next hop; else ``partial``; ``unknown`` without recipients.
    """
    states = set(recipients)
    for state in OPEN_WORST_FIRST:
        if state in states:
            return state
    if not states:
        return DeliveryStatus.UNKNOWN
    if len(states) == 1:
        return states.pop()
    if states <= _DONE_WELL:
        return DeliveryStatus.SENT
    return DeliveryStatus.PARTIAL
