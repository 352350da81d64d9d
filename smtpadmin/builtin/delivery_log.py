"""The log's words for deliveries and notifications, and their counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from smtpadmin.builtin import schedule
from smtpadmin.builtin.config import Schedule
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.spool_records import NewMessage, Outcome, SpooledMessage
from smtpadmin.builtin.stats import Statistics

COUNTED = {"sent": "delivered", "expired": "bounced"}


class DeliveryLog:
    """Writes the events ``delivery`` and ``notification``."""

    def __init__(self, times: Schedule, log: MailLog, statistics: Statistics) -> None:
        self._schedule = times
        self._log = log
        self._statistics = statistics

    def delivery(
        self,
        message: SpooledMessage,
        outcome: Outcome,
        claimed: float,
        started: float,
        setup_s: float,
    ) -> None:
        """What a try gave one recipient. ``delays`` are seconds: in the queue, waiting for a free
        delivery, connecting, handing over."""
        now = time.time()
        self._statistics.count(COUNTED.get(outcome.status, outcome.status))
        spans = (claimed - message.arrived, started - claimed, setup_s, now - started - setup_s)
        tries = message.tries + 1
        self._log.write(
            "delivery",
            queue_id=message.queue_id,
            level="info" if outcome.status in ("sent", "delivered") else "warning",
            message=_sentence(outcome, now - message.arrived, spans),
            to=outcome.address,
            relay=outcome.relay,
            delay=round(now - message.arrived, 3),
            delays=[round(max(span, 0.0), 3) for span in spans],
            dsn=outcome.dsn,
            status=outcome.status,
            reply=outcome.reply,
            tries=tries,
            next_try=self._next_try(message, now, tries) if outcome.status == "deferred" else None,
        )

    def _next_try(self, message: SpooledMessage, now: float, tries: int) -> str:
        at = schedule.next_try(self._schedule, now, tries, message.queue_id, message.expires)
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")

    def notification(self, queue_id: str, new_id: str, kind: str, new: NewMessage) -> None:
        """The sender is being told."""
        self._log.write(
            "notification",
            queue_id=queue_id,
            message=f"sender {kind} notification: {new_id}",
            notification_id=new_id,
            kind=kind,
            from_=new.sender,
            to=list(new.recipients),
            message_id=new.message_id,
        )


def _sentence(outcome: Outcome, delay: float, spans: Sequence[float]) -> str:
    delays = "/".join(f"{max(span, 0.0):.2g}" for span in spans)
    return (
        f"to=<{outcome.address}>, relay={outcome.relay}, delay={delay:.2g}, delays={delays},"
        f" dsn={outcome.dsn}, status={outcome.status} ({outcome.reply})"
    )
