"""Sending a test message: compose, send, verdict, history; the lines are told as they come."""

from __future__ import annotations

import json
import logging
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smtpadmin.model.errors import SmtpadminError, UntrustedError
from smtpadmin.model.smtp import Reply, SendResult, TranscriptLine
from smtpadmin.util.signal import Signal
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from smtpadmin.model.recipe import Recipe
    from smtpadmin.transport.dns import Resolver
    from smtpadmin.transport.smtp_route import Opener
    from smtpadmin.transport.smtp_run import Secrets

KEPT = 200
TOTAL_S = 60.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """One line of the history. The transcript was redacted when it was recorded."""

    time: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    result: SendResult


class TestSender:
    """Sends test messages. ``line`` tells each transcript line live, ``finished`` each outcome;
    ``history`` holds the last ones, the oldest first; ``raw`` the last message as it was sent."""

    __test__ = False

    def __init__(self, history_file: Path | None = None) -> None:
        self.line: Signal[[TranscriptLine]] = Signal()
        self.finished: Signal[[Sent]] = Signal()
        self.history: deque[Sent] = deque(maxlen=KEPT)
        self.raw = b""
        self._file = history_file

    async def send_recipe(
        self,
        recipe: Recipe,
        secrets: Secrets,
        *,
        total_s: float = TOTAL_S,
        n: int = 1,
        times: int = 1,
        opener: Opener | None = None,
        resolver: Resolver | None = None,
    ) -> tuple[SendResult, SmtpadminError | None]:
        """Send what a recipe says, as number ``n`` of ``times``. ``opener`` connects from another
        machine. Never raises for what a server does; UsageError, StorageError for the recipe."""
        from smtpadmin.services.compose import Turn, compose
        from smtpadmin.services.send_plan import send_plan

        now = datetime.now(UTC)
        letter, target = recipe.letter, recipe.plan.target
        turn = Turn(now, n, times, target.host or target.mx_of)
        envelope = await run_blocking(compose, letter, turn)
        self.raw = envelope.raw
        result, error = await send_plan(
            recipe.plan,
            envelope,
            secrets,
            total_s=total_s,
            emit=self.line.emit,
            opener=opener,
            resolver=resolver,
        )
        recipients = envelope.recipients
        await self._done(Sent(now, letter.sender, recipients, letter.subject, result))
        return result, error

    async def _done(self, sent: Sent) -> None:
        self.history.append(sent)
        await self._keep(sent)
        self.finished.emit(sent)

    async def _keep(self, sent: Sent) -> None:
        if self._file is None:
            return
        try:
            await run_blocking(_append, self._file, sent)
        except OSError as error:
            # The message is sent: a full disk must not turn its outcome into a failure.
            log.warning("the history of test messages cannot be written: %s", error)


def _append(path: Path, sent: Sent) -> None:
    values = asdict(sent) | {"time": sent.time.isoformat(), "result": as_record(sent.result)}
    line = json.dumps(values, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(line.encode("utf-8", "backslashreplace"))


def as_record(result: SendResult) -> dict[str, Any]:
    """The outcome as command line and history write it: JSON values only."""
    return {
        "result": result.result,
        "stage": result.stage.value,
        "reply": _reply(result.reply),
        "queue_id": result.queue_id,
        "message_id": result.message_id,
        "host": result.host,
        "address": result.address,
        "tls": asdict(result.tls) if result.tls is not None else None,
        "timings_ms": dict(result.timings_ms),
        "recipients": [
            {"address": found.address, "reply": _reply(found.reply)} for found in result.recipients
        ],
        "transcript": [
            {"t_ms": line.t_ms, "dir": line.direction, "tls": line.tls, "line": line.line}
            for line in result.transcript
        ],
        "error": result.error,
        "detail": result.detail,
        "stopped": result.stopped,
    }


def _reply(reply: Reply | None) -> Mapping[str, Any] | None:
    if reply is None:
        return None
    return {"code": reply.code, "enhanced": reply.enhanced, "text": reply.text}


def verdict(result: SendResult, error: SmtpadminError | None) -> tuple[str, str, str]:
    """Tone (``ok``, ``warn``, ``err``), a sentence, and what to do."""
    if result.result == "accepted":
        return _accepted(result)
    if isinstance(error, UntrustedError):
        return "err", error.what, error.remedy
    if result.result == "refused" and result.reply is not None:
        from smtpadmin.services.explain import explain_reply

        found = explain_reply(f"{result.reply.code} {result.reply.text}")
        return "err", f"Refused at {result.stage}: {found.summary}", found.remedy
    if error is not None:
        return "err", f"Failed at {result.stage}: {error.what}", error.remedy
    return "err", result.error, ""


def _accepted(result: SendResult) -> tuple[str, str, str]:
    if result.stopped:
        return "ok", f"Ended after {result.stopped}, as asked; {result.host} had no objection", ""
    queued = f" as {visible(result.queue_id, 80)}" if result.queue_id else ""
    words = f"Accepted by {result.host}{queued}"
    refused = [found.address for found in result.recipients if found.reply.code // 100 != 2]
    if refused:
        return "warn", f"{words}, but not for {', '.join(refused)}", ""
    return "ok", words, "The server has taken responsibility. Track it to see where it goes."
