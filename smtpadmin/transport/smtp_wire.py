"""One session's recorder with its clock, shared by all that send mail."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.protocol.transcript import TranscriptRecorder


class Wire:
    """The recorder of one session with its clock."""

    def __init__(self, emit: Callable[[TranscriptLine], None], secrets: Sequence[str] = ()) -> None:
        self._started = time.monotonic()
        self.recorder = TranscriptRecorder(emit, secrets)

    def now(self) -> float:
        """Milliseconds since the session began."""
        return round((time.monotonic() - self._started) * 1000, 1)

    def note(self, words: str) -> None:
        """Record something that is not on the wire."""
        self.recorder.note(self.now(), words)
