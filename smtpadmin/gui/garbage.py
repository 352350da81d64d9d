"""Collects reference cycles in the GUI thread, and nowhere else.

Python collects cycles in whichever thread happens to allocate. When a cycle holds a widget and that
thread is a worker (a keyring call, a name being resolved), Qt destroys the widget there while the
GUI thread uses it, and the process ends with a segmentation fault. So the automatic collection is
off while there is a window, and a timer does the same work by the same thresholds.
"""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 250
"""Long enough to cost nothing at rest; short enough that a busy window (10,000 rows a second)
gives each collection about two milliseconds of work."""

REST_FACTOR = 2_000
"""A look through everything (some 40 ms with a million log lines) is followed by this many times as
long without one."""

THRESHOLDS = (700, 10, 10)
"""As Python's own: new objects, and collections of the next younger generation."""
_YOUNG = 1
"""The last generation but the oldest."""


class GarbageCollector(QObject):
    """Belongs to the application: as long as it lives, cycles end in the thread it was made in."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._rests_until = 0.0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.collect_due)
        self._timer.start(EVERY_MS)

    def collect_due(self) -> int | None:
        """Collect the oldest generation that is due; gives its number, None when none is."""
        oldest = _YOUNG if time.monotonic() < self._rests_until else _YOUNG + 1
        due = [
            generation
            for generation, (count, threshold) in enumerate(
                zip(gc.get_count(), THRESHOLDS, strict=True)
            )
            if count > threshold and generation <= oldest
        ]
        if not due:
            return None
        self._collect(due[-1])
        return due[-1]

    def _collect(self, generation: int) -> None:
        started = time.monotonic()
        gc.collect(generation)
        if generation > _YOUNG:
            ended = time.monotonic()
            self._rests_until = ended + REST_FACTOR * (ended - started)
