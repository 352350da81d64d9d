"""One word, one tone and one icon for each state of a queue or a delivery, everywhere the same."""

from __future__ import annotations

from collections.abc import Mapping

QUEUE_WORDS: Mapping[str, tuple[str, str, str]] = {
    "deferred": ("deferred", "warn", "clock"),
    "active": ("active", "ok", "play"),
    "hold": ("held", "hold", "pause"),
    "frozen": ("frozen", "hold", "pause"),
    "incoming": ("incoming", "info", "incoming"),
    "maildrop": ("maildrop", "info", "incoming"),
}

DELIVERY_WORDS: Mapping[str, tuple[str, str]] = {
    "queued": ("info", "queue"),
    "deferred": ("warn", "clock"),
    "held": ("hold", "pause"),
    "sent": ("ok", "send"),
    "delivered": ("ok", "check"),
    "bounced": ("err", "bounce"),
    "expired": ("err", "clock"),
    "rejected": ("err", "error"),
    "discarded": ("err", "trash"),
    "filtered": ("warn", "filter"),
    "quarantined": ("hold", "shield"),
    "partial": ("warn", "warning"),
    "unknown": ("info", "info"),
}


def queue_word(queue: str) -> tuple[str, str, str]:
    """Word, tone and icon of a queue; a name that we do not know is shown as it is."""
    return QUEUE_WORDS.get(queue, (queue, "info", "dot"))


def delivery_tone(status: str) -> tuple[str, str]:
    """Tone and icon of a delivery status."""
    return DELIVERY_WORDS.get(status, ("info", "dot"))
