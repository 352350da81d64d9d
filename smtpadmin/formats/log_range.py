"""Which records of a log are of a time range. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from smtpadmin.model.log import LogRecord

_AFTER_THE_END = timedelta(hours=1)
"""Lines of a log are not quite in order; after one that is so much too late none is wanted."""


class LogRange:
    """Picks records from ``since`` up to and with ``until``; one without a time goes with the one
    before it. ``ended`` once none can follow in the same log."""

    def __init__(self, since: datetime | None, until: datetime | None) -> None:
        self._since, self._until = since, until
        self._inside = since is None
        self.ended = False

    def holds(self, record: LogRecord) -> bool:
        """Whether the next record is one of them."""
        time = record.time
        if time is not None:
            begun = self._since is None or time >= self._since
            self._inside = begun and (self._until is None or time <= self._until)
            if self._until is not None and time > self._until + _AFTER_THE_END:
                self.ended = True
        return self._inside

    def of(self, records: Sequence[LogRecord]) -> list[LogRecord]:
        """Those of the next records."""
        return [record for record in records if self.holds(record)]
