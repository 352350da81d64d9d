"""Nouns of something sent again and again: one outcome, one run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from smtpadmin.model.smtp import SendResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one sending ended. ``result`` and ``stage`` as in ``SendResult``; ``reply`` is the one that
    decided, or the error; ``took_ms`` from resolving to the end."""

    result: str
    stage: str = ""
    reply: str = ""
    host: str = ""
    message_id: str = ""
    queue_id: str | None = None
    took_ms: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the server took it."""
        return self.result == "accepted"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a schedule. ``planned`` is when it was due; ``missed`` how many turns passed before
    it because the last one took too long; ``changed`` whether the outcome differs from the last."""

    number: int
    planned: datetime
    began: datetime
    ended: datetime
    outcome: Outcome
    changed: bool = False
    missed: int = 0


def outcome_of(result: SendResult) -> Outcome:
    """A test message's result as an outcome."""
    reply = f"{result.reply.code} {result.reply.text}" if result.reply is not None else result.error
    return Outcome(
        result=result.result,
        stage=result.stage.value,
        reply=reply,
        host=result.host,
        message_id=result.message_id,
        queue_id=result.queue_id,
        took_ms=round(sum(result.timings_ms.values()), 1),
    )
