"""Queue IDs that are never used again in one spool.

Digits and capital letters without vowels (no word appears by chance, and no two IDs differ by case
alone, which would be one file name on Windows and macOS), most significant first: microseconds
since the epoch in eleven characters, then a counter in two. IDs sort by time of arrival.
"""

from __future__ import annotations

ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
TIME_LENGTH = 11
COUNTER_LENGTH = 2
LENGTH = TIME_LENGTH + COUNTER_LENGTH
_BASE = len(ALPHABET)


class QueueIds:
    """Hands out queue IDs; ``after`` is the greatest one used before, so that a clock that was set
    back never repeats one."""

    def __init__(self, after: str = "") -> None:
        self._last = decode(after) if after else 0

    def next(self, now: float) -> str:
        """The next ID for a message that arrives at ``now`` (seconds since the epoch)."""
        wanted = int(now * 1_000_000) * _BASE**COUNTER_LENGTH
        self._last = max(wanted, self._last + 1)
        return encode(self._last)


def encode(number: int) -> str:
    """A number as an ID of :data:`LENGTH` characters."""
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, _BASE)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def decode(queue_id: str) -> int:
    """The number behind an ID. Raises ValueError for a character that is not of the alphabet."""
    number = 0
    for character in queue_id:
        number = number * _BASE + ALPHABET.index(character)
    return number


def is_queue_id(text: str) -> bool:
    """Whether ``text`` has the form of a queue ID of ours."""
    return len(text) == LENGTH and all(character in ALPHABET for character in text)
