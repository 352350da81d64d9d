"""Rows one by one in, portions out: a table takes a few changes a second, not thousands.

However many rows come at once, they are handed over for some milliseconds only, and then again after
everything else that waited: a window that loads a million lines still paints and answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

AT_A_TIME_S = 0.005
"""No portion is begun later: with it, and with painting, a frame at 60 a second is full."""


class Batcher(Generic[T]):
    """Hands rows to ``flush`` at once when nothing came for long, otherwise every ``wait`` seconds,
    in portions of at most ``most``."""

    def __init__(
        self, flush: Callable[[list[T]], object], *, wait: float = 0.1, most: int = 1_000
    ) -> None:
        self._flush = flush
        self._wait = wait
        self._most = most
        self._pending: list[T] = []
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0.0

    def add(self, rows: Iterable[T]) -> None:
        """Take rows; they are handed over soon."""
        self._pending.extend(rows)
        if self._pending and self._timer is None:
            delay = max(0.0, self._next - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay, self._hand_over_some)

    def flush(self) -> None:
        """Hand over now all that is pending."""
        self._stop_waiting()
        while self._pending:
            self._hand_over()

    async def drain(self) -> None:
        """Hand over all that is pending, and let others work in between."""
        self._stop_waiting()
        while self._pending:
            self._hand_over()
            await asyncio.sleep(0)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hand_over_some(self) -> None:
        self._timer = None
        now = time.monotonic()
        self._next, enough = now + self._wait, now + AT_A_TIME_S
        while self._pending and time.monotonic() < enough:
            self._hand_over()
        if self._pending:
            self._timer = asyncio.get_running_loop().call_later(0, self._hand_over_some)

    def _hand_over(self) -> None:
        rows, self._pending = self._pending[: self._most], self._pending[self._most :]
        self._flush(rows)
