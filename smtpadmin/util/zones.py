"""Time zones by name, and the computer's own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from smtpadmin.model.errors import UsageError

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?")


class _LocalZone(tzinfo):
    """The computer's zone with its rules, whatever the system keeps them in."""

    def utcoffset(self, when: datetime | None) -> timedelta:
        if when is None:
            return timedelta(0)
        naive = when.replace(tzinfo=None)
        try:
            return naive.astimezone().utcoffset() or timedelta(0)
        except (ValueError, OverflowError, OSError):
            return timedelta(0)

    def dst(self, when: datetime | None) -> timedelta | None:
        return None

    def tzname(self, when: datetime | None) -> str:
        return "local"

    def fromutc(self, when: datetime) -> datetime:
        moment = when.replace(tzinfo=UTC).astimezone()
        return moment.replace(tzinfo=self)


LOCAL: tzinfo = _LocalZone()


def zone_named(name: str) -> tzinfo:
    """A zone of the IANA database (``Europe/Berlin``), ``UTC``, ``local`` or an offset such as
    ``+01:00``. Raises UsageError.

    >>> zone_named("+0130").utcoffset(None)
    datetime.timedelta(seconds=5400)
    """
    if name.upper() in ("UTC", "Z"):
        return UTC
    if name == "local":
        return LOCAL
    try:
        if found := _OFFSET.fullmatch(name):
            span = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
            return timezone(-span if found[1] == "-" else span)
        from zoneinfo import ZoneInfo  # 3 ms, which UTC, an offset and the computer's zone spare

        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(
            f"{name!r} is no time zone", remedy="Use a name like Europe/Berlin, or +01:00."
        ) from error
