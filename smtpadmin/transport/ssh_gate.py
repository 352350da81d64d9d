"""How many commands run at once over one connection.

sshd opens ten sessions a connection unless told otherwise (``MaxSessions``, sshd_config(5)) and
refuses the next at once. A server that allows fewer is learnt from its first refusal.
"""

from __future__ import annotations

import asyncio
from collections import deque

MOST_CHANNELS = 8
"""Fewer than ten: one more ends commands, and the user may have a session of another program."""


class Gate:
    """Lets ``limit`` through at a time, the others in the order they came."""

    def __init__(self, limit: int = MOST_CHANNELS) -> None:
        self.limit = limit
        self.inside = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def refused(self, others: int = 0) -> bool:
        """The server refused the channel of one who has just left: let fewer in from now on. False
        when neither somebody inside nor one of ``others`` (sessions that can be given up) is in its
        way, so that waiting would not help."""
        used = self.inside + others
        if used < 1:
            return False
        self.limit = max(1, min(self.limit, used))
        return True

    async def enter(self) -> None:
        """Wait for a place and take it."""
        if self.inside < self.limit and not self._queue:
            self.inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            else:
                self._queue.remove(turn)
            raise

    def leave(self) -> None:
        """Give the place back."""
        self.inside -= 1
        self._wake()

    def _wake(self) -> None:
        while self._queue and self.inside < self.limit:
            turn = self._queue.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)
