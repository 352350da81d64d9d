"""Hands a caught message on to a real server, as it is: the octets stay, the envelope may change.

A caught message was meant for somebody: whoever calls this has asked first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from smtpadmin.model.catch import CaughtMessage
from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.model.smtp import Envelope, SendResult, SubmissionEndpoint, TranscriptLine

TOTAL_S = 120.0


@dataclass(frozen=True, slots=True)
class Released:
    """What became of it. ``error`` is None when the server took it (for at least one recipient)."""

    time: datetime
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    result: SendResult
    error: SmtpadminError | None


async def release(
    message: CaughtMessage,
    endpoint: SubmissionEndpoint,
    password: str = "",
    *,
    sender: str | None = None,
    recipients: Sequence[str] | None = None,
    total_s: float = TOTAL_S,
    emit: Callable[[TranscriptLine], None] = lambda line: None,
) -> Released:
    """Send it with its own envelope, or with ``sender`` and ``recipients`` instead. Never raises for
    what the server does; UsageError when there is nobody to send it to."""
    from smtpadmin.services.send_plan import send_plan
    from smtpadmin.transport.smtp_endpoint import plan_of
    from smtpadmin.transport.smtp_run import Secrets

    to = message.recipients if recipients is None else tuple(recipients)
    if not to:
        raise UsageError("the message has no recipient", remedy="Name one to release it to.")
    envelope = Envelope(
        message.sender if sender is None else sender,
        to,
        message.raw,
        message.header_message_id or "",
    )
    result, error = await send_plan(
        plan_of(endpoint), envelope, Secrets(password), total_s=total_s, emit=emit
    )
    return Released(datetime.now(UTC), message.message_id, envelope.sender, to, result, error)
