"""Times as the command line takes them: ISO 8601, or an age such as ``2h`` or ``3d``. Pure."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, tzinfo

from smtpadmin.model.errors import UsageError

_AGE = re.compile(r"(\d{1,9})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_time(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """A moment with its offset: ISO 8601 (without an offset: in ``zone``, or the local one), or so
    long before ``now``. Raises UsageError.

    >>> parse_time("2h", datetime.fromisoformat("2026-03-01T12:00:00+00:00")).isoformat()
    '2026-03-01T10:00:00+00:00'
    """
    found = _AGE.fullmatch(text.strip())
    try:
        if found:
            return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{text!r} is not a time", remedy="Use 2026-03-01T12:00, 2h or 3d."
        ) from error
    return moment


def parse_clock(text: str, now: datetime) -> datetime:
    """As :func:`parse_time`, in the zone of ``now``; a clock time alone (``14:03``, ``14:03:10``)
    is the last one that has passed. Raises UsageError."""
    try:
        clock = time.fromisoformat(text.strip()) if ":" in text and "-" not in text else None
    except ValueError:
        clock = None
    if clock is None or clock.tzinfo is not None:
        return parse_time(text, now, now.tzinfo)
    moment = datetime.combine(now.date(), clock, now.tzinfo)
    return moment if moment <= now else moment - timedelta(days=1)
