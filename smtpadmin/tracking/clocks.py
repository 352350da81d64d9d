"""Times of lines that are read in any order, and the place of a time in a log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.log import LogRecord
from smtpadmin.tracking.dialect import Dialect
from smtpadmin.tracking.files import LogTimes
from smtpadmin.tracking.log_text import SHIFT, LogText

NEAR_ENOUGH = 64 * 1024
"""Octets: a search for a time stops here, and what is out of order lies within it."""
_TRIES = 20
_NO_MOMENT = datetime.min.replace(tzinfo=UTC)


class Clocks:
    """One clock for each file. With a year given, one for all, set by the very first line."""

    def __init__(self, text: LogText, dialect: Dialect, times: LogTimes) -> None:
        self._text = text
        self._dialect = dialect
        self._times = times
        self._by_file: dict[int, LogClock] = {}

    def parse(self, place: int, line: bytes) -> LogRecord:
        """The record of a line at a place."""
        return self._dialect.parse(line, clock=self._of(place >> SHIFT))

    def _of(self, number: int) -> LogClock:
        if self._times.year is not None:
            number = 0
        clock = self._by_file.get(number)
        if clock is None:
            clock = self._by_file[number] = self._new(number)
        return clock

    def _new(self, number: int) -> LogClock:
        if self._times.year is not None:
            clock = LogClock(self._times.zone, year=self._times.year)
            for file in range(len(self._text.files)):
                _, line = self._text.line_at(file << SHIFT)
                if self._dialect.parse(line, clock=clock).time is not None:
                    break
            return clock
        try:
            changed = self._text.files[number].path.stat().st_mtime
            return LogClock(self._times.zone, anchor=datetime.fromtimestamp(changed, UTC))
        except (OSError, ValueError, OverflowError):
            return LogClock(self._times.zone)

    def place_of(self, moment: datetime) -> int:
        """A place before which every line is older, as far as lines are in order."""
        for number, file in enumerate(self._text.files):
            if file.changed_before(moment):
                continue
            size = file.size()
            last = self._moment_near(number, max(0, size - NEAR_ENOUGH), back=True)
            if last is None or last < moment:
                continue
            return number << SHIFT | self._offset_of(number, size, moment)
        return len(self._text.files) << SHIFT

    def _offset_of(self, number: int, size: int, moment: datetime) -> int:
        low, high = 0, size
        while high - low > NEAR_ENOUGH:
            middle = (low + high) // 2
            found = self._moment_near(number, middle)
            if found is None or found >= moment:
                high = middle
            else:
                low = middle
        start, _ = self._text.line_at(number << SHIFT | max(0, low - NEAR_ENOUGH))
        return start & ((1 << SHIFT) - 1)

    def _moment_near(self, number: int, offset: int, *, back: bool = False) -> datetime | None:
        """The time of a line near an offset; of the last line when looking for the end."""
        chunk = self._text.files[number].read(offset, offset + NEAR_ENOUGH)
        lines = chunk.split(b"\n")
        if offset:
            lines = lines[1:]
        if back:
            lines.reverse()
        for line in lines[:_TRIES]:
            record = self._dialect.parse(line, clock=self._of(number))
            if record.time is not None:
                return record.time
        return None


def earlier(moment: datetime, span: timedelta) -> datetime:
    """A moment so long before; the first there is when that cannot be said."""
    try:
        return moment - span
    except OverflowError:
        return _NO_MOMENT


Parse = Callable[[int, bytes], LogRecord]
