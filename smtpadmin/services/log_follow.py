"""Follows a server's log: what was there, then what comes, and again after a lost connection.

No line is lost or doubled as far as the source allows: after every (re)connection the range since the
last line seen is read again, and lines already handed over are recognised there. A whole log,
which goes on exactly where reading ended, is read once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from smtpadmin.connectors.api import LogSource, WholeLog
from smtpadmin.model.errors import NOT_MENDED_BY_WAITING, SmtpadminError
from smtpadmin.model.log import LogRecord
from smtpadmin.services.batcher import Batcher
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.signal import Signal

BACKLOG = timedelta(hours=1)
OVERLAP = timedelta(seconds=5)
"""How far before the last line it is read again: lines of one second need not come in order."""

BATCH_EVERY_S = 0.02
"""At 10,000 lines a second a batch then fits, with its painting, into one frame."""

AT_ONCE = 200
"""Lines handed over in one go: three milliseconds of work."""

REMEMBERED = 100_000
"""Lines within the overlap that are recognised."""


@dataclass(frozen=True, slots=True)
class FollowStatus:
    """Whether lines arrive as they are written, when the last one came, and why not."""

    following: bool = False
    updated_at: datetime | None = None
    error: SmtpadminError | None = None


class LogFollow:
    """Follows one log into ``sink`` (such as ``RowStore.append``). ``changed`` tells each new
    status, ``failed`` why it broke off; it then tries again by itself."""

    def __init__(
        self,
        source: LogSource,
        sink: Callable[[list[LogRecord]], object],
        *,
        backlog: timedelta = BACKLOG,
        wait: float = BATCH_EVERY_S,
        backoff: Backoff | None = None,
    ) -> None:
        self.changed: Signal[[FollowStatus]] = Signal()
        self.failed: Signal[[SmtpadminError]] = Signal()
        self.status = FollowStatus()
        self._source = source
        self._batcher = Batcher(sink, wait=wait, most=AT_ONCE)
        self._backlog = backlog
        self._backoff = backoff or Backoff()
        self._memory = _Memory()
        self._wake = asyncio.Event()
        self._goes_on = False  # it was read, and needs no second look

    async def run(self) -> None:
        """Follow for ever; end it by cancelling. Errors of the server are told, not raised."""
        try:
            while True:
                self._wake.clear()
                pause = await self._follow_and_tell()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
        finally:
            self._batcher.flush()

    def retry_now(self) -> None:
        """Do not wait for the next try."""
        self._wake.set()

    async def _follow_and_tell(self) -> float | None:
        """Follow until it breaks off; gives the seconds to wait then, None: until woken."""
        try:
            await self._follow()
            self._set(following=False)
        except SmtpadminError as error:
            self._set(following=False, error=error)
            self.failed.emit(error)
            if isinstance(error, NOT_MENDED_BY_WAITING):
                return None
        return self._backoff.next()

    async def _follow(self) -> None:
        if not self._goes_on:
            await self._catch_up()
            self._goes_on = isinstance(self._source, WholeLog)
        self._backoff.reset()
        self._set(following=True, error=None)
        read_twice: Counter[str] | None = Counter() if self._goes_on else None
        async for batch in self._source.follow_log():
            if read_twice is None:
                # Finds what was written between reading and following. The log goes on telling
                # of the lines written since, which are known now.
                read_twice = await self._catch_up()
            self._take(_without(batch, read_twice))

    async def _catch_up(self) -> Counter[str]:
        """Read the range since the last line; gives the lines that were new."""
        last = self._memory.newest
        since = last - OVERLAP if last else datetime.now(UTC) - self._backlog
        known = self._memory.lines()
        taken: Counter[str] = Counter()
        async for batch in self._source.read_log(since=since):
            fresh = _without(batch, known)
            taken.update(record.raw for record in fresh)
            self._take(fresh)
        return taken

    def _take(self, batch: Sequence[LogRecord]) -> None:
        if not self._goes_on:
            self._memory.add(batch)
        self._batcher.add(batch)
        if batch:
            self.status = replace(self.status, updated_at=datetime.now(UTC))

    def _set(self, *, following: bool, error: SmtpadminError | None = None) -> None:
        self.status = replace(self.status, following=following, error=error)
        self.changed.emit(self.status)


def _without(batch: Sequence[LogRecord], known: Counter[str]) -> list[LogRecord]:
    """The records that are not known; each known line stands for one record and is used up. A line
    is known by its text alone: its file has another name after a rotation, and who follows a log
    does not count lines."""
    if not known:
        return list(batch)
    fresh: list[LogRecord] = []
    for record in batch:
        if known[record.raw] > 1:
            known[record.raw] -= 1
        elif known.pop(record.raw, 0) == 0:
            fresh.append(record)
    return fresh


class _Memory:
    """The lines of the last seconds, each as often as it came: equal lines are not one line."""

    def __init__(self) -> None:
        self.newest: datetime | None = None
        self._lines: deque[tuple[datetime | None, str]] = deque(maxlen=REMEMBERED)

    def lines(self) -> Counter[str]:
        """How often each line came."""
        return Counter(line for _, line in self._lines)

    def add(self, batch: Sequence[LogRecord]) -> None:
        """Remember lines, forget those before the overlap."""
        for record in batch:
            self._lines.append((record.time, record.raw))
            if record.time is not None and (self.newest is None or record.time > self.newest):
                self.newest = record.time
        # Some at a time: after a pause there may be a hundred thousand.
        for _ in range(min(len(self._lines), 2 * len(batch))):
            if not self._is_old(self._lines[0][0]):
                break
            self._lines.popleft()

    def _is_old(self, time: datetime | None) -> bool:
        return time is not None and self.newest is not None and time < self.newest - OVERLAP
