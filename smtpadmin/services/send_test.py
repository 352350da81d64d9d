"""Sending a test message: compose, send, verdict, history; the lines are told as they come."""

from __future__ import annotations

import json
import uuid
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from smtpadmin.formats.test_message import TestMessage, build
from smtpadmin.model.errors import SmtpadminError, UntrustedError
from smtpadmin.model.smtp import SendResult, SubmissionEndpoint, TranscriptLine
from smtpadmin.services.explain import explain_reply
from smtpadmin.util.signal import Signal

KEPT = 200
TOTAL_S = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One line of the history: no body, no secret."""

    time: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    result: SendResult


class TestSender:
    """Sends test messages. ``line`` tells each transcript line live, ``finished`` each outcome."""

    __test__ = False

    def __init__(self, history_file: Path | None = None) -> None:
        self.line: Signal[[TranscriptLine]] = Signal()
        self.finished: Signal[[Sent]] = Signal()
        self.history: deque[Sent] = deque(maxlen=KEPT)
        self._file = history_file

    async def send(
        self,
        endpoint: SubmissionEndpoint,
        password: str,
        message: TestMessage,
        *,
        total_s: float = TOTAL_S,
    ) -> tuple[SendResult, SmtpadminError | None]:
        """Send it; never raises for what the server does, UsageError for a message that cannot be
        built."""
        from smtpadmin.transport.smtp import Envelope, send

        now = datetime.now(UTC)
        raw, message_id = build(message, now, uuid.uuid4())
        envelope = Envelope(message.sender, message.recipients, raw, message_id)
        result, error = await send(
            endpoint, password, envelope, total_s=total_s, emit=self.line.emit
        )
        sent = Sent(now, message.sender, message.recipients, message.subject, result)
        self.history.append(sent)
        self._write(sent)
        self.finished.emit(sent)
        return result, error

    def _write(self, sent: Sent) -> None:
        if self._file is None:
            return
        record = asdict(sent) | {"time": sent.time.isoformat()}
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._file.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def verdict(result: SendResult, error: SmtpadminError | None) -> tuple[str, str, str]:
    """Tone (``ok``, ``warn``, ``err``), a sentence, and what to do."""
    if result.result == "accepted":
        refused = [r for r in result.recipients if r.reply.code // 100 != 2]
        queued = f" as {result.queue_id}" if result.queue_id else ""
        words = f"Accepted by {result.host}{queued}"
        if refused:
            return "warn", f"{words}, but not for {', '.join(r.address for r in refused)}", ""
        return "ok", words, "The server has taken responsibility. Track it to see where it goes."
    if isinstance(error, UntrustedError):
        return "err", error.what, error.remedy
    if result.result == "refused" and result.reply is not None:
        found = explain_reply(f"{result.reply.code} {result.reply.text}")
        return "err", f"Refused at {result.stage}: {found.summary}", found.remedy
    if error is not None:
        return "err", f"Failed at {result.stage}: {error.what}", error.remedy
    return "err", result.error, ""
