"""Spans of time as people type them: ``30s``, ``5m``, ``2h``, ``1d``; a bare number is seconds."""

from __future__ import annotations

import re

from smtpadmin.model.errors import UsageError

MOST_SECONDS = 366 * 24 * 3600.0
_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(s|m|h|d)?")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(text: str, where: str) -> float:
    """More than nothing, at most a year. Raises UsageError.

    >>> seconds_of("5m", "--every")
    300.0
    """
    found = _SPAN.fullmatch(text.strip().lower())
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
    if not 0 < seconds <= MOST_SECONDS:
        raise UsageError(
            f"{text!r} is no span of time", where=where, remedy="Use 30s, 5m, 2h or 1d."
        )
    return seconds
