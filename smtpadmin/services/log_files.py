"""Log files on this computer as a server that can only be read: its log and its messages.

A session and its pages work on it as on any server; there is nothing to log in to and nothing to
act on. Files are read in a thread, in batches, so that the window stays live.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar
from uuid import uuid4

from smtpadmin.connectors.api import FieldType, SettingField
from smtpadmin.formats.log_range import LogRange
from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Environment, Profile, SafetyLevel
from smtpadmin.model.stats import ProbeResult
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.services.log_tail import Tail
from smtpadmin.services.log_tails import QUIET, Tails
from smtpadmin.tracking.files import (
    LogFormat,
    LogTimes,
    log_files,
    named_format,
    read_records,
    recognised,
)
from smtpadmin.tracking.log_lines import head_of
from smtpadmin.tracking.track_logs import track_files
from smtpadmin.util.tasks import run_blocking_for
from smtpadmin.util.zones import LOCAL, zone_named

KIND = "log-files"
BATCH = 500
"""Lines parsed in a thread at once: while it computes, the window has to wait for its turn."""
BATCH_DEADLINE = 60.0
TRACK_DEADLINE = 600.0
FOLLOWED_AT_ONCE = 200
"""Lines of a followed file parsed at once: two milliseconds."""
LOOK_EVERY = 0.1
"""Seconds between two looks whether a followed file has grown."""
LOOK_AGAIN = 0.01
"""The same while it grows: many lines then come evenly, and none of the window's frames is late."""
LOOK_FOR_FILES_EVERY = 2.0
"""Seconds between two looks whether files were added to a followed folder."""


def profile_of(
    paths: Sequence[Path],
    *,
    log_format: str = "auto",
    zone: str = "",
    taken: Collection[str] = (),
) -> Profile:
    """A profile that lasts as long as the window; its name is none of those ``taken``."""
    more = f" +{len(paths) - 1}" if len(paths) > 1 else ""
    name = f"{paths[0].name or paths[0]}{more}"
    free = next(n for n in (name, *(f"{name} ({k})" for k in range(2, 1_000))) if n not in taken)
    settings = {"paths": "\n".join(map(str, paths)), "format": log_format, "tz": zone}
    return Profile(
        str(uuid4()), free, KIND,
        environment=Environment.TEST, safety=SafetyLevel.READ_ONLY,
        settings=MappingProxyType(settings),
    )  # fmt: skip


class LogFiles:
    """Files, rotated and compressed ones, and folders of them."""

    id: ClassVar[str] = KIND
    title: ClassVar[str] = "Log files"
    settings: ClassVar[tuple[SettingField, ...]] = (
        SettingField("paths", "Files", FieldType.PATH, required=True, help="one a line"),
        SettingField("format", "Format", default="auto"),
        SettingField("tz", "Zone of stamps without one", help="Europe/Berlin, +01:00"),
    )

    def __init__(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        self._paths = [Path(p) for p in profile.settings.get("paths", "").split("\n") if p]
        self._name = profile.settings.get("format") or "auto"
        zone = profile.settings.get("tz", "")
        self._times = LogTimes(zone_named(zone) if zone else LOCAL)
        self._tails: Tails | None = None
        self._unread: dict[str, UsageError] = {}

    async def probe(self) -> ProbeResult:
        """Which files there are, and of which formats. Raises UsageError."""
        files = await self._files()
        names = await run_blocking_for(BATCH_DEADLINE, self._formats, files)
        octets = sum(status.st_size for path in files if (status := _status(path)))
        if octets and not any(names):
            known = await run_blocking_for(BATCH_DEADLINE, _known_formats)
            raise UsageError(
                "none of the files is a mail log that can be read",
                where=", ".join(map(str, self._paths[:3])),
                remedy=f"Known formats: {known}.",
            )
        shown = [str(path) for path in files[:20]]
        more = f" and {len(files) - 20} more" if len(files) > 20 else ""
        facts = {
            "Files": ", ".join(shown) + more,
            "Formats": ", ".join(sorted({name for name in names if name})) or "not known yet",
            "Size": f"{octets} octets",
        }
        count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
        return ProbeResult("Log files", "", count, facts)

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _files(self) -> list[Path]:
        return await run_blocking_for(BATCH_DEADLINE, log_files, self._paths)

    def _formats(self, files: Sequence[Path]) -> list[str | None]:
        if self._name != "auto":
            named_format(self._name)
            return [self._name for _ in files]
        return [recognised(head_of(path)) for path in files]

    # WholeLog

    def unread(self) -> Sequence[UsageError]:
        """Why files could not be read to their end, the last time that they were read."""
        return list(self._unread.values())

    async def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        """Lines of a time range, the oldest file first; those without a time are of the line
        before them. A file that cannot be read is among the ``unread``; the others go on."""
        files = await self._files()
        self._unread.clear()
        wanted = LogRange(since, until)
        if since is not None:
            files = await run_blocking_for(BATCH_DEADLINE, _changed_after, files, since)
        tails = self._new_tails()
        await run_blocking_for(BATCH_DEADLINE, tails.add, files)
        try:
            for path in files:
                records = self._records_of(path, tails.tail(path))
                while batch := await run_blocking_for(BATCH_DEADLINE, _next, records):
                    yield wanted.of(batch)
        finally:
            tails.close()
        self._tails = tails

    def _records_of(self, path: Path, tail: Tail | None) -> Iterator[LogRecord]:
        """All lines of a file that are there now."""
        if tail is None:
            yield from self._records([path])
            return
        try:
            while records := tail.next_records(BATCH) or tail.unfinished(QUIET):
                yield from records
        except UsageError as error:
            self._on_problem(error)

    async def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        """New lines of each log's newest file, until cancelled: those after what was read last. A
        file that cannot be read any more is told after the new lines of the others."""
        if self._tails is None:
            self._tails = self._new_tails()
            files = await self._files()
            await run_blocking_for(BATCH_DEADLINE, partial(self._tails.add, from_end=True), files)
        tails = self._tails
        try:
            async for records in self._following(tails):
                yield records
        finally:
            tails.close()

    async def _following(self, tails: Tails) -> AsyncIterator[Sequence[LogRecord]]:
        loop = asyncio.get_running_loop()
        pause, files_known_at = LOOK_EVERY, 0.0
        while True:
            await asyncio.sleep(pause)
            if loop.time() - files_known_at > LOOK_FOR_FILES_EVERY:
                missing = await run_blocking_for(BATCH_DEADLINE, tails.look_for_files)
                if missing is not None:
                    raise missing
                files_known_at = loop.time()
            fresh, fault = await run_blocking_for(
                BATCH_DEADLINE, tails.next_records, FOLLOWED_AT_ONCE
            )
            pause = LOOK_EVERY
            while fresh:
                yield fresh
                pause = LOOK_AGAIN
                fresh, fault = await run_blocking_for(
                    BATCH_DEADLINE, tails.next_records, FOLLOWED_AT_ONCE
                )
            if fault is not None:
                raise fault

    def _new_tails(self) -> Tails:
        return Tails(self._paths, self._name, self._times.zone)

    def _records(self, files: Sequence[Path]) -> Iterator[LogRecord]:
        chosen: LogFormat | None = None if self._name == "auto" else named_format(self._name)
        return read_records(files, chosen, self._times, self._on_problem)

    def _on_problem(self, error: UsageError) -> None:
        self._unread[error.where] = error

    # Tracker

    async def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
        """Messages that match, by arrival."""
        files = await self._files()
        self._unread.clear()
        found = await run_blocking_for(
            TRACK_DEADLINE, track_files, files, self._name, criteria, self._times, self._on_problem
        )
        for message in found:
            yield message


def _known_formats() -> str:
    from smtpadmin.tracking.files import FORMATS

    return ", ".join(FORMATS)


def _changed_after(files: Sequence[Path], since: datetime) -> list[Path]:
    """Without those that were renamed or deleted just now: their new names are not known yet."""
    kept = ((path, _status(path)) for path in files)
    return [path for path, status in kept if status and status.st_mtime >= since.timestamp()]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _next(records: Iterator[LogRecord]) -> list[LogRecord]:
    return list(islice(records, BATCH))
