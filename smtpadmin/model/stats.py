"""What a server says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A cheap answer to "are you there": software, and how we reached it."""

    software: str
    version: str = ""
    path: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """Counts over time: ``values[i]`` belongs to ``start + i * step_s`` seconds."""

    start: datetime
    step_s: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ServerStats:
    """Figures of a server: totals since its start, and series by name
    (``accepted``, ``delivered``, ``deferred``, ``bounced``, ``rejected``)."""

    since: datetime | None
    totals: Mapping[str, int] = field(default_factory=dict)
    series: Mapping[str, Series] = field(default_factory=dict)
    last_delivered: datetime | None = None
