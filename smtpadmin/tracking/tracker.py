"""Tracking for every server that has a log: on the server where its files can be searched there,
else by reading the range here. A server that answers itself is asked itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from smtpadmin.connectors.api import LogSource, SearchableFiles, SearchableLog, Tracker, ability
from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking.clocks import earlier
from smtpadmin.tracking.files import LogTimes
from smtpadmin.tracking.push_down import track_remote
from smtpadmin.tracking.search import LIFETIME, needles
from smtpadmin.tracking.track_logs import dialect_of, track_files
from smtpadmin.util.tasks import run_blocking_for

MOST_READ = 512 * 1024 * 1024
"""Octets of log that are brought here for one question."""
FIND_DEADLINE = 300.0


def tracker_of(connector: object) -> Tracker | None:
    """The server's own answers, or ours from its log; None for a server without either."""
    own = ability(connector, Tracker)
    if own is not None:
        return own
    source = ability(connector, LogSource)
    return LogTracker(connector, source) if source is not None else None


class LogTracker:
    """Tracks by a server's log."""

    def __init__(self, connector: object, source: LogSource) -> None:
        self._place = ability(connector, SearchableLog)
        self._source = source

    async def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
        """Messages that match, by arrival. A message of the wanted time may have arrived days
        earlier, so the log is looked at from then on. Raises what reaching the server raises, and
        UsageError when the range is too large to be read."""
        since = earlier(criteria.since, LIFETIME) if criteria.since else None
        place = await self._place.log_place(since) if self._place is not None else None
        found = (
            track_remote(
                place.runner, place.files, place.format, criteria, times=LogTimes(place.zone)
            )
            if place is not None and _is_searchable(place, criteria)
            else self._by_reading(criteria, since, place)
        )
        async for message in found:
            yield message

    async def _by_reading(
        self, criteria: TrackCriteria, since: datetime | None, place: SearchableFiles | None
    ) -> AsyncIterator[TrackedMessage]:
        """Bring the range here, then search it as a file."""
        with tempfile.TemporaryDirectory(prefix="smtpadmin-") as folder:
            path = Path(folder) / "log"
            with path.open("wb") as file:
                await self._copy(file, since, criteria.until)
            problems: list[UsageError] = []
            name = place.format if place is not None else "auto"
            if path.stat().st_size == 0:
                return
            found = await run_blocking_for(
                FIND_DEADLINE, track_files, [path], name, criteria, LogTimes(UTC), problems.append
            )
        if problems:
            raise problems[0]
        for message in found:
            yield message

    async def _copy(self, file: BinaryIO, since: datetime | None, until: datetime | None) -> None:
        async for records in self._source.read_log(since, until):
            file.write(b"".join(map(_line, records)))
            if file.tell() > MOST_READ:
                raise UsageError(
                    f"more than {MOST_READ >> 20} MiB of log would have to be read",
                    remedy="Name a shorter period, a sender, a recipient, a Message-ID or a queue ID.",
                )


def _is_searchable(place: SearchableFiles, criteria: TrackCriteria) -> bool:
    dialect = dialect_of(place.format)
    return (
        place.readable
        and bool(place.files)
        and dialect is not None
        and bool(needles(criteria, dialect))
    )


def _line(record: LogRecord) -> bytes:
    """The line with its exact time: stamps without year and zone are understood where they were
    read, not here; a journal's entry becomes a line of a system log."""
    text = record.raw
    if record.time is not None and record.program is not None:
        pid = f"[{record.pid}]" if record.pid is not None else ""
        stamp = record.time.isoformat(timespec="microseconds")
        text = f"{stamp} {record.host or '-'} {record.program}{pid}: {record.message}"
    return text.encode("utf-8", "backslashreplace").replace(b"\n", b" ") + b"\n"
