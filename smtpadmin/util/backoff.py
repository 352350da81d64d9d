"""How long to wait before the next try: longer each time, never in step with others."""

from __future__ import annotations

import random


class Backoff:
    """Doubling waits from ``first`` to ``most`` seconds, each shortened at random by up to a third:
    consoles that lost the same server must not all come back in the same second."""

    def __init__(self, first: float = 1.0, most: float = 60.0, dice: random.Random | None = None):
        self._first = first
        self._most = most
        self._dice = dice or random.Random()
        self._tries = 0

    def next(self) -> float:
        """Seconds to wait before the next try."""
        full = min(self._most, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return full * (1 - self._dice.random() / 3)

    def reset(self) -> None:
        """Begin anew: it worked."""
        self._tries = 0
