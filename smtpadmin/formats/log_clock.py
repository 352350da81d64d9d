"""Times of log lines: stamps without a year or a zone become moments. Pure: reads no clock.

A traditional stamp (``Jan  1 00:00:02``, RFC 3164) names neither. The zone is given; the year is
counted back from an anchor, the file's last change, or forward from a given year.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

MONTHS = {
    name: number
    for number, name in enumerate(
        (
            b"Jan",
            b"Feb",
            b"Mar",
            b"Apr",
            b"May",
            b"Jun",
            b"Jul",
            b"Aug",
            b"Sep",
            b"Oct",
            b"Nov",
            b"Dec",
        ),
        1,
    )
}
AHEAD = timedelta(days=1)
"""How far a line may lie after the anchor: clocks differ, and so do zones."""
BACK = timedelta(minutes=15)
"""A clock that jumps back by more than this inside an ambiguous hour left summer time."""
_ISO = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))? ?(Z|[+-]\d\d(?::?\d\d)?)?"
)
_TRADITIONAL = re.compile(rb"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
_OFFSETS: dict[timedelta, timezone] = {timedelta(0): UTC}


class LogClock:
    """Moments for the stamps of one log, in the order of its lines.

    ``zone`` is where stamps without an offset were written. ``anchor`` is a moment that no line is
    much later than; ``year`` the year of the first line, which wins. Without either a stamp
    without a year is no time.
    """

    def __init__(
        self, zone: tzinfo = UTC, *, anchor: datetime | None = None, year: int | None = None
    ) -> None:
        self.zone = zone
        self._anchor = anchor.astimezone(zone).replace(tzinfo=None) if anchor else None
        self._year = year
        self._last: datetime | None = None
        self._late = False
        self._seen: dict[bytes, datetime | None] = {}

    def move_to(self, anchor: datetime) -> None:
        """No line that comes now is much later than this moment: for a log that is followed. A
        clock that counts from a given year goes on counting."""
        if self._year is None:
            self._anchor = anchor.astimezone(self.zone).replace(tzinfo=None)

    def moment(self, stamp: bytes) -> datetime | None:
        """The moment of a stamp as logged, with its offset; None for what is no time.

        >>> LogClock(year=2026).moment(b"Jan  1 00:00:02").isoformat()
        '2026-01-01T00:00:02+00:00'
        """
        seen = self._seen
        if stamp in seen:
            return seen[stamp]
        seen.clear()  # lines come in order: the stamp of the line before is all that repeats
        found = seen[stamp] = read_stamp(stamp, self._of_naive, self._year_of)
        return found

    def _year_of(self, month: int, day: int) -> int | None:
        """The year of a stamp: the one nearest to the line before, or the last before the anchor."""
        last = self._last
        if self._year is not None:
            if last is None:
                return self._year
            return last.year + _turn(last.month, month)
        if self._anchor is None:
            return None
        limit = self._anchor + AHEAD
        year = limit.year - ((month, day) > (limit.month, limit.day))
        if (month, day) == (2, 29):
            return next((leap for leap in range(year, year - 8, -1) if isleap(leap)), None)
        return year

    def _of_naive(self, naive: datetime) -> datetime:
        """A local time with the offset of its zone. In the hour that comes twice, the second one
        after the clock was seen to jump back."""
        zone = self.zone
        first = naive.replace(tzinfo=zone).utcoffset() or timedelta(0)
        second = naive.replace(tzinfo=zone, fold=1).utcoffset() or timedelta(0)
        if first > second:
            last = self._last
            self._late = self._late or (last is not None and timedelta(0) < _gap(last, naive))
        else:
            self._late = False
        self._last = naive
        return naive.replace(tzinfo=fixed(second if self._late else first))


def _gap(last: datetime, naive: datetime) -> timedelta:
    """How far the clock jumped back beyond what disorder explains; not positive when it did not."""
    back = last - naive - BACK
    return back if back < timedelta(hours=3) else timedelta(0)


def _turn(before: int, month: int) -> int:
    """Years to add when the month after ``before`` is ``month``. Logs go forward, so three months
    back are a new year; from January to the autumn is disorder at its turn."""
    if before - month > 3:
        return 1
    return -1 if month - before > 9 else 0


def read_stamp(
    stamp: bytes,
    local: Callable[[datetime], datetime],
    year_of: Callable[[int, int], int | None],
) -> datetime | None:
    """A moment from an RFC 3339 stamp (also with a blank, a comma, an offset without a colon, or
    without an offset), a traditional one, or seconds since 1970. ``local`` gives a naive time its
    offset, ``year_of`` a month and day their year. None for what is no time."""
    try:
        if found := _ISO.match(stamp):
            year, month, day, hour, minute, second, fraction, offset = found.groups()
            naive = _naive(int(year), int(month), day, hour, minute, second, fraction)
            return naive.replace(tzinfo=_zone(offset)) if offset else local(naive)
        if found := _TRADITIONAL.match(stamp):
            name, day, hour, minute, second, fraction = found.groups()
            number = MONTHS.get(name)
            guessed = year_of(number, int(day)) if number else None
            if number is None or guessed is None:
                return None
            return local(_naive(guessed, number, day, hour, minute, second, fraction))
        return datetime.fromtimestamp(float(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _naive(
    year: int, month: int, day: bytes, hour: bytes, minute: bytes, second: bytes, part: bytes | None
) -> datetime:
    """A leap second counts as the second before it."""
    micro = int(part[:6].ljust(6, b"0")) if part else 0
    return datetime(year, month, int(day), int(hour), int(minute), min(int(second), 59), micro)  # noqa: DTZ001


def _zone(offset: bytes) -> timezone:
    if offset == b"Z":
        return UTC
    digits = offset[1:].replace(b":", b"")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return fixed(-span if offset[:1] == b"-" else span)


def fixed(offset: timedelta) -> timezone:
    """The zone of an offset; the same object for the same offset, so that times compare fast."""
    known = _OFFSETS.get(offset)
    if known is None:
        known = _OFFSETS[offset] = timezone(offset)
    return known
