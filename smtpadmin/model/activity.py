"""One line of the activity journal: what was done, to what, with what outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Activity:
    """A write that smtpadmin made. ``copies`` are paths of kept ``.eml`` files; ``undo_of`` names
    the activity that this one takes back."""

    id: str
    time: datetime
    server: str
    action: str
    queue_ids: tuple[str, ...]
    commands: tuple[str, ...]
    ok: int
    failed: int
    result: str
    copies: tuple[str, ...] = ()
    undo_of: str | None = None
