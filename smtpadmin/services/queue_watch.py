"""Keeps a queue listing fresh without ever hurting the server.

Lists, tells the sink what is new, changed and gone, and waits at least as long as a listing takes
times ``REST_FACTOR``. A listing that breaks in the middle removes nothing: what was there stays and
is called stale.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from smtpadmin.connectors.api import QueueSource
from smtpadmin.model.errors import NOT_MENDED_BY_WAITING, SmtpadminError, TotalDeadlineError
from smtpadmin.model.queue import QueueCounts, QueueEntry
from smtpadmin.services.batcher import Batcher
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.signal import Signal

REST_FACTOR = 4.0
"""A server spends at most a fifth of the time on our listings."""

SILENCE = 60.0
"""Seconds without a batch after which a listing has failed."""

SAMPLE_EVERY = 30.0
"""Seconds between two samples of the history; 24 hours of them are kept."""

HISTORY = 2_880


def queue_key(entry: QueueEntry) -> Hashable:
    """What makes two listed entries the same message; a re-used queue ID is another one."""
    return (entry.server, *entry.identity)


class QueueSink(Protocol):
    """Takes what changed; a ``RowStore`` with :func:`queue_key` is one."""

    def upsert(self, rows: Iterable[QueueEntry], /) -> None:
        """New and changed entries."""
        ...

    def remove(self, keys: Iterable[Hashable], /) -> None:
        """Keys of entries that left the queue."""
        ...


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """How fresh the rows are: ``error`` is why the last listing failed (the rows are stale then);
    ``interval`` is what is waited between two listings, in seconds."""

    updated_at: datetime | None = None
    listing: bool = False
    paused: bool = False
    error: SmtpadminError | None = None
    interval: float = 0.0
    took: float = 0.0


class QueueWatch:
    """Lists a queue again and again. ``changed`` tells each new status, ``counted`` new counts,
    ``failed`` why a listing broke, ``listed`` that one is complete."""

    def __init__(
        self,
        source: QueueSource,
        sink: QueueSink,
        *,
        interval: float = 5.0,
        silence: float = SILENCE,
        backoff: Backoff | None = None,
    ) -> None:
        self.changed: Signal[[WatchStatus]] = Signal()
        self.counted: Signal[[QueueCounts]] = Signal()
        self.failed: Signal[[SmtpadminError]] = Signal()
        self.listed: Signal[[]] = Signal()
        self.status = WatchStatus(interval=interval)
        self.counts = QueueCounts()
        self.history: deque[tuple[datetime, QueueCounts]] = deque(maxlen=HISTORY)
        self.rows_wanted = True
        """False (nobody looks at the rows) asks only for counts, which is cheaper."""
        self._source = source
        self._sink = sink
        self._least_interval = interval
        self._silence = silence
        self._backoff = backoff or Backoff(first=interval, most=max(60.0, interval))
        self._known: set[Hashable] = set()
        self._wake = asyncio.Event()

    def pause(self) -> None:
        """Ask the server nothing until :meth:`resume` or :meth:`refresh_now`."""
        self._set(paused=True)

    def resume(self) -> None:
        """Go on, beginning now."""
        self._set(paused=False)
        self._wake.set()

    def refresh_now(self) -> None:
        """List at once, also while paused; the interval begins anew."""
        self._wake.set()

    async def run(self) -> None:
        """List for ever; end it by cancelling. Errors of the server are told, not raised."""
        while True:
            self._wake.clear()
            pause = await self._list_and_tell()
            await self._rest(pause)

    async def _list_and_tell(self) -> float | None:
        """One listing; gives the seconds to wait before the next, None: until woken."""
        try:
            await self.refresh()
        except SmtpadminError as error:
            self.failed.emit(error)
            if isinstance(error, NOT_MENDED_BY_WAITING):
                return None
            return max(self._backoff.next(), self.status.interval)
        self._backoff.reset()
        return self.status.interval

    async def _rest(self, seconds: float | None) -> None:
        if seconds is not None and not self.status.paused:
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                if not self.status.paused:
                    return
        await self._wake.wait()

    async def refresh(self) -> None:
        """One listing, or only the counts when no rows are wanted. Raises SmtpadminError; the rows
        are then as fresh as they got, none is removed, and the status says why."""
        self._set(listing=True)
        started = time.monotonic()
        try:
            counts = await (self._list() if self.rows_wanted else self._source.queue_counts())
        except SmtpadminError as error:
            self._set(listing=False, error=error)
            raise
        took = time.monotonic() - started
        self._count(counts)
        self._set(
            listing=False,
            error=None,
            updated_at=datetime.now(UTC),
            took=took,
            interval=max(self._least_interval, took * REST_FACTOR),
        )
        self.listed.emit()

    async def _list(self) -> QueueCounts:
        seen: set[Hashable] = set()
        counts: Counter[str] = Counter()
        batcher = Batcher(self._sink.upsert)

        def take(batch: Sequence[QueueEntry]) -> None:
            seen.update(map(queue_key, batch))
            counts.update(entry.queue for entry in batch)
            batcher.add(batch)

        try:
            await self._read(take)
            await batcher.drain()
        except SmtpadminError:
            self._known |= seen
            raise
        finally:
            batcher.flush()
        gone, self._known = self._known - seen, seen
        if gone:
            self._sink.remove(gone)
        return QueueCounts(dict(counts))

    async def _read(self, take: Callable[[Sequence[QueueEntry]], None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._silence) as limit:
                async for batch in self._source.list_queue():
                    take(batch)
                    limit.reschedule(loop.time() + self._silence)
                    await asyncio.sleep(0)  # a fast server must not freeze the window
        except SmtpadminError:
            raise
        except TimeoutError as error:
            raise TotalDeadlineError(
                f"the listing stopped for {self._silence:g} s",
                remedy="The rows shown are the last ones received; it is tried again.",
            ) from error

    def _count(self, counts: QueueCounts) -> None:
        now = datetime.now(UTC)
        if len(self.history) > 1:
            step = (self.history[-1][0] - self.history[-2][0]).total_seconds()
            if step < SAMPLE_EVERY:  # the newest sample moves on until it is far enough
                self.history.pop()
        self.history.append((now, counts))
        self.counts = counts
        self.counted.emit(counts)

    def _set(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        self.changed.emit(self.status)
