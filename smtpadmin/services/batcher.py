"""Rows one by one in, batches out: a table takes a few changes a second, not thousands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Batcher(Generic[T]):
    """Hands rows to ``flush`` at most every ``wait`` seconds, earlier when ``most`` have come."""

    def __init__(
        self, flush: Callable[[list[T]], object], *, wait: float = 0.1, most: int = 5_000
    ) -> None:
        self._flush = flush
        self._wait = wait
        self._most = most
        self._pending: list[T] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, rows: Iterable[T]) -> None:
        """Take rows; they are handed over soon."""
        self._pending.extend(rows)
        if len(self._pending) >= self._most:
            self.flush()
        elif self._pending and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._wait, self.flush)

    def flush(self) -> None:
        """Hand over now what is pending."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rows, self._pending = self._pending, []
        if rows:
            self._flush(rows)
