"""Durations counted in buckets of one percent: percentiles of millions without keeping them."""

from __future__ import annotations

import math

PRECISION = 0.01
LEAST_S = 1e-6
_SCALE = 1 / math.log1p(PRECISION)


class Histogram:
    """Record durations in seconds; ask for percentiles, which are at most one percent too high.
    Takes some thousand numbers of memory at most."""

    def __init__(self) -> None:
        self.count = 0
        self.longest = 0.0
        self._sum = 0.0
        self._buckets: dict[int, int] = {}

    def record(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self._sum += seconds
        if seconds > self.longest:
            self.longest = seconds
        bucket = int(math.log(seconds / LEAST_S) * _SCALE) + 1 if seconds > LEAST_S else 0
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    @property
    def mean(self) -> float:
        """Seconds; 0 without any."""
        return self._sum / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """The duration that so many percent do not exceed, in seconds; 0 without any."""
        wanted = self.count * percent / 100
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(self.longest, LEAST_S * (1 + PRECISION) ** bucket)
        return self.longest
