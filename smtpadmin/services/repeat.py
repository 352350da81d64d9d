"""Sends again and again on a schedule, keeps the outcomes, and says when one differs from the last.

What is sent is the caller's: an awaitable that gives an Outcome. Works while the program runs; nothing
is left behind in the system's own schedule.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

from smtpadmin.formats.reply_groups import grouped_reply
from smtpadmin.model.errors import SmtpadminError, StorageError, UsageError
from smtpadmin.model.repeat import Outcome, Run
from smtpadmin.settings.run_history import RunHistory
from smtpadmin.util.signal import Signal
from smtpadmin.util.tasks import TaskOwner, run_blocking

SHORTEST = timedelta(seconds=1)
"""Between two runs: what is faster is a load test."""
LONGEST = timedelta(days=366)
KEPT = 1_000
Send = Callable[[], Awaitable[Outcome]]
log = logging.getLogger(__name__)


async def repeat(
    send: Send, every: timedelta, times: int | None = None, *, after: Outcome | None = None
) -> AsyncGenerator[Run, None]:
    """Send now and then each ``every``, ``times`` times or for ever; gives each run when it has ended.

    The schedule stands: a run that takes long does not move the later ones, it makes them miss their
    turn (``Run.missed``). ``after`` is the last outcome of an earlier schedule, to compare with. What
    ``send`` raises as SmtpadminError is an outcome. Raises UsageError for an impossible schedule.
    """
    check_schedule(every, times)
    loop = asyncio.get_running_loop()
    step = every.total_seconds()
    first, first_planned = loop.time(), datetime.now(UTC)
    turn = number = 0
    while times is None or number < times:
        missed = max(0, int((loop.time() - first) / step) - turn)
        turn += missed
        await asyncio.sleep(first + turn * step - loop.time())
        began = datetime.now(UTC)
        outcome = await _outcome(send)
        number += 1
        changed = after is not None and is_different(after, outcome)
        planned = first_planned + turn * every
        yield Run(number, planned, began, datetime.now(UTC), outcome, changed, missed)
        after = outcome
        turn += 1


async def _outcome(send: Send) -> Outcome:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        return await send()
    except SmtpadminError as error:
        return Outcome("failed", reply=str(error), took_ms=round((loop.time() - began) * 1000, 1))


def check_schedule(every: timedelta, times: int | None) -> None:
    """Raise UsageError for a schedule that cannot be."""
    if not SHORTEST <= every <= LONGEST:
        raise UsageError(
            "runs are from one second to a year apart", where=str(every), remedy="For example 5m."
        )
    if times is not None and times < 1:
        raise UsageError("it runs at least once", where=str(times))


def is_different(last: Outcome, now: Outcome) -> bool:
    """Whether people should be told: another result, another stage, or another reply (queue IDs,
    addresses and numbers do not count; between two that were accepted the reply does not either)."""
    if last.ok and now.ok:
        return False
    return _said(last) != _said(now)


def _said(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.result, outcome.stage, grouped_reply(outcome.reply)


class Repeater:
    """One schedule that runs beside everything else. ``ran`` tells each run; ``changed`` tells the new
    and the last one when the outcome differs; ``ended`` that nothing more comes, with the error that
    ended it, if any. ``runs`` are the last ones, the oldest first."""

    def __init__(
        self,
        send: Send,
        every: timedelta,
        times: int | None = None,
        history: RunHistory | None = None,
    ) -> None:
        check_schedule(every, times)
        self.ran: Signal[[Run]] = Signal()
        self.changed: Signal[[Run, Run | None]] = Signal()
        self.ended: Signal[[BaseException | None]] = Signal()
        self.runs: deque[Run] = deque(maxlen=KEPT)
        self._send = send
        self._every = every
        self._times = times
        self._history = history
        self._tasks = TaskOwner("repeat", self._on_error)
        self._started = False

    @property
    def running(self) -> bool:
        """Whether more runs come."""
        return bool(self._tasks.running)

    async def start(self) -> None:
        """Read the history, then run. Once only."""
        if self._started:
            raise UsageError("this schedule was started before")
        self._started = True
        if self._history is not None:
            try:
                self.runs.extend(await run_blocking(self._history.read, KEPT))
            except StorageError as error:
                log.warning("%s", error)
        self._tasks.spawn("schedule", self._run())

    async def stop(self) -> None:
        """End it, in the middle of a run when there is one, which then has no outcome."""
        was_running = self.running
        await self._tasks.close()
        if was_running:
            self.ended.emit(None)

    async def _run(self) -> None:
        last = self.runs[-1] if self.runs else None
        after = last.outcome if last is not None else None
        async with contextlib.aclosing(
            repeat(self._send, self._every, self._times, after=after)
        ) as runs:
            async for run in runs:
                self.runs.append(run)
                await self._keep(run)
                self.ran.emit(run)
                if run.changed:
                    self.changed.emit(run, last)
                last = run
        self.ended.emit(None)

    async def _keep(self, run: Run) -> None:
        if self._history is None:
            return
        try:
            await run_blocking(self._history.append, run)
        except StorageError as error:
            # What was sent was sent: a full disk must not end the schedule.
            log.warning("%s", error)

    def _on_error(self, name: str, error: BaseException) -> None:
        log.error("the schedule ended by a bug", exc_info=error)
        self.ended.emit(error)
