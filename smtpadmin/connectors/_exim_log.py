"""Exim's main, reject and panic log as one: found by its configuration, merged by time.

What is rejected stands in the main log and again, with its headers, in the reject log, and panics
stand in both too: a line that another log gave in the last moments is not given twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath

from smtpadmin.connectors._exim_commands import EximCommands, text_of
from smtpadmin.connectors._log_files import LogFiles
from smtpadmin.connectors.api import SearchableFiles
from smtpadmin.formats.exim_config import LogPlaces, log_places
from smtpadmin.formats.exim_log import parse_line
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.errors import ServerRefusedError, TotalDeadlineError
from smtpadmin.model.log import LogRecord

REMEMBERED = 2_000
"""Lines that are compared with those of the other logs."""

BATCH = 1_000
DISORDER = timedelta(hours=1)
"""Lines of a log are not quite in order: one that is so much too late ends the reading."""

LOOK_AGAIN_S, AFTER_MIDNIGHT_S, AFTER_THE_DAY_S = 60.0, 7_200.0, 5.0
"""A log whose name holds the date is another one when the first line of a day is written."""


class EximLog:
    """The logs of one Exim."""

    def __init__(self, exim: EximCommands) -> None:
        self._exim = exim
        self._files = LogFiles(exim.runner)

    async def places(self) -> LogPlaces:
        """Where the logs are. Raises ServerRefusedError when they go to syslog only."""
        options = await self._exim.options(["log_file_path", "spool_directory"])
        places = log_places(options.get("log_file_path", ""), options.get("spool_directory", ""))
        if not places.files or not places.files["main"].startswith("/"):
            raise ServerRefusedError(
                "Exim logs to syslog only" if places.syslog else "Exim does not say where it logs",
                where=self._exim.runner.where,
                remedy="Set log_file_path = syslog : /var/log/exim/%slog to have files too.",
            )
        return places

    async def searchable(self, since: datetime | None) -> SearchableFiles:
        """Main and reject log with their rotated files, for a search on the server."""
        places = (await self.places()).files
        now = datetime.now(UTC)
        files = [
            path
            for name in ("reject", "main")
            for path in await self._files.rotated(places[name], since, now)
        ]
        readable = not await self._files.needs_sudo(files)
        return SearchableFiles(
            self._exim.runner, tuple(dict.fromkeys(files)), "exim", await self._zone(), readable
        )

    async def panic_lines(self) -> list[str]:
        """The end of the panic log, which should be empty."""
        path = (await self.places()).files["panic"]
        return [text_of(line) for line in await self._files.tail(path, 20)]

    async def read(
        self, since: datetime | None, until: datetime | None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        """The records of a time range, by time; those without a time stay behind their
        predecessor."""
        zone = await self._zone()
        streams = [
            _Stream(self._records(path, since, zone))
            for path in dict.fromkeys((await self.places()).files.values())
        ]
        repeats = _Repeats()
        batch: list[LogRecord] = []
        while stream := await _earliest(streams):
            record = stream.take()
            if until is not None and stream.time > until + DISORDER:
                break
            if _inside(stream.time, since, until) and not repeats.has(record):
                batch.append(record)
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    async def _records(
        self, path: str, since: datetime | None, zone: timezone
    ) -> AsyncIterator[list[LogRecord]]:
        for file in await self._files.rotated(path, since, datetime.now(UTC)):
            clock = LogClock(zone)
            number = 0
            async for lines in self._files.lines(file):
                yield [
                    parse_line(line, file=file, number=number + n, clock=clock)
                    for n, line in enumerate(lines, 1)
                ]
                number += len(lines)

    async def follow(self) -> AsyncIterator[Sequence[LogRecord]]:
        """New records, until cancelled; logs with a date in their names from one day to the next."""
        places = list(dict.fromkeys((await self.places()).files.values()))
        zone = await self._zone()
        repeats = _Repeats()
        before: list[str] = []
        while True:
            paths = [await self._current(path) for path in places]
            lines = self._files.follow(
                paths,
                whole=bool(before) and paths[0] != before[0],
                deadline=_to_midnight(datetime.now(zone)) if "*" in places[0] else None,
            )
            before = paths
            try:
                async for records in _followed(lines, paths, LogClock(zone)):
                    if new := [record for record in records if not repeats.has(record)]:
                        yield new
            except TotalDeadlineError:
                if "*" not in places[0]:
                    raise

    async def _current(self, path: str) -> str:
        """The file that is written now: the youngest, where a date is in the name."""
        if "*" not in path:
            return path
        found = await self._files.rotated(path, None, datetime.now(UTC))
        return found[-1] if found else path

    async def _zone(self) -> timezone:
        """The server's offset, for stamps without one."""
        result = await self._exim.runner.run(["date", "+%z"])
        text = text_of(result.stdout).strip()
        try:
            return timezone(datetime.strptime(text, "%z").utcoffset() or timedelta(0))
        except ValueError:
            return UTC


async def _followed(
    batches: AsyncIterator[list[bytes]], paths: Sequence[str], clock: LogClock
) -> AsyncIterator[list[LogRecord]]:
    """The records of what ``tail`` prints for several files."""
    heads = {f"==> {path} <==".encode(): path for path in paths}
    file = paths[0]
    async for lines in batches:
        records: list[LogRecord] = []
        for line in lines:
            if line in heads:
                file = heads[line]
            elif line:
                records.append(parse_line(line, file=file, clock=clock))
        yield records


def _to_midnight(now: datetime) -> float:
    """Seconds to the next day, and a few more; then each minute until its first line is written."""
    passed = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    return LOOK_AGAIN_S if passed < AFTER_MIDNIGHT_S else 86_400.0 - passed + AFTER_THE_DAY_S


class _Stream:
    """The records of one log, one at a time, with the time that orders each."""

    def __init__(self, batches: AsyncIterator[list[LogRecord]]) -> None:
        self._batches = batches
        self._ready: deque[LogRecord] = deque()
        self.time = datetime.min.replace(tzinfo=UTC)

    async def next_time(self) -> datetime | None:
        """The time of the next record, or of the one before when it has none; None at the end."""
        while not self._ready:
            try:
                self._ready.extend(await anext(self._batches))
            except StopAsyncIteration:
                return None
        return self._ready[0].time or self.time

    def take(self) -> LogRecord:
        """The next record."""
        record = self._ready.popleft()
        self.time = record.time or self.time
        return record


async def _earliest(streams: Iterable[_Stream]) -> _Stream | None:
    """The stream whose next record is the oldest; the first of several."""
    times = [(time, stream) for stream in streams if (time := await stream.next_time())]
    return min(times, key=lambda pair: pair[0])[1] if times else None


class _Repeats:
    """Lines that another log gave already."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def has(self, record: LogRecord) -> bool:
        """Whether the record repeats a line of another log; otherwise it is remembered."""
        if record.time is None:
            return False
        log = _log_of(record.file)
        if self._seen.setdefault(record.raw, log) != log:
            return True
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return False


def _log_of(file: str | None) -> str:
    """Which log a file belongs to: ``mainlog.2.gz`` is of ``mainlog``."""
    return PurePosixPath(file or "").name.split(".")[0].split("-")[0]


def _inside(time: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or time >= since) and (until is None or time <= until)
