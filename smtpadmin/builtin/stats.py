"""Counts since the start, and by the minute for a day."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime

from smtpadmin.model.stats import Series, ServerStats

STEP_S = 60
KEPT = 24 * 60
NAMES = ("accepted", "delivered", "deferred", "bounced", "rejected")


class Statistics:
    """Counts events; gives totals and series of the last 24 hours."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._since = clock()
        self._totals: Counter[str] = Counter()
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=KEPT)
        self._last_delivered: float | None = None

    def count(self, name: str, by: int = 1) -> None:
        """One of :data:`NAMES` has happened."""
        now = self._clock()
        minute = int(now // STEP_S)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1][name] += by
        self._totals[name] += by
        if name == "delivered":
            self._last_delivered = now

    def snapshot(self) -> ServerStats:
        """The figures now. Series have a value for every minute, quiet ones too."""
        last = int(self._clock() // STEP_S)
        first = max(last - KEPT + 1, int(self._since // STEP_S))
        by_minute = dict(self._minutes)
        none: Counter[str] = Counter()
        start = datetime.fromtimestamp(first * STEP_S, UTC)
        series = {
            name: Series(
                start,
                STEP_S,
                tuple(float(by_minute.get(m, none)[name]) for m in range(first, last + 1)),
            )
            for name in NAMES
        }
        delivered = self._last_delivered
        return ServerStats(
            since=datetime.fromtimestamp(self._since, UTC),
            totals={name: self._totals[name] for name in NAMES},
            series=series,
            last_delivered=datetime.fromtimestamp(delivered, UTC) if delivered else None,
        )
