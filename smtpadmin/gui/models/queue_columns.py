"""The columns of the Queue page."""

from __future__ import annotations

from datetime import UTC, datetime

from smtpadmin.formats.reason_text import short_reason
from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.status_words import queue_word
from smtpadmin.gui.time_format import TIMES, age, octets
from smtpadmin.model.queue import QueueEntry
from smtpadmin.services.columns import domain_of


def _waiting(entry: QueueEntry) -> str:
    waiting = [r.address for r in entry.recipients if not r.delivered] or [
        r.address for r in entry.recipients
    ]
    if not waiting:
        return ""
    return waiting[0] if len(waiting) == 1 else f"{waiting[0]}  +{len(waiting) - 1} more"


def _all_recipients(entry: QueueEntry) -> str:
    return "  ".join(r.address + (" (delivered)" if r.delivered else "") for r in entry.recipients)


def _age(entry: QueueEntry) -> str:
    return age(datetime.now(UTC) - entry.arrived) if entry.arrived else ""


def _next_try(entry: QueueEntry) -> str:
    if entry.next_try is None:
        return ""
    left = entry.next_try - datetime.now(UTC)
    return "now" if left.total_seconds() <= 1 else f"in {age(left)}"


def _first_recipient(entry: QueueEntry) -> str:
    return entry.recipients[0].address if entry.recipients else ""


def _domain(entry: QueueEntry) -> str:
    return domain_of(_first_recipient(entry))


QUEUE_TABLE: tuple[TableColumn[QueueEntry], ...] = (
    TableColumn(
        "state", "State", 11, lambda e: queue_word(e.queue)[0], pill=True, term="state",
        tone=lambda e: queue_word(e.queue)[1], icon=lambda e: queue_word(e.queue)[2],
        value=lambda e: e.queue,
    ),
    TableColumn("arrived", "Age", 8, _age, tooltip=lambda e: TIMES.full(e.arrived), right=True),
    TableColumn(
        "recipient", "Recipient", 25, _waiting, tooltip=_all_recipients, term="to",
        value=_first_recipient,
    ),
    TableColumn(
        "reason", "Reason (last reply)", 40, lambda e: short_reason(e.reason or ""), stretch=True,
        tooltip=lambda e: e.reason or "", term="reason",
    ),
    TableColumn(
        "sender", "Sender", 20, lambda e: e.sender or "<>", muted=True, term="from",
        value=lambda e: e.sender,
    ),
    TableColumn("size", "Size", 8.5, lambda e: octets(e.size), right=True),
    TableColumn(
        "tries", "Tries", 7, lambda e: "" if e.tries is None else str(e.tries), right=True
    ),
    TableColumn(
        "next_try", "Next try", 10, _next_try, tooltip=lambda e: TIMES.full(e.next_try), right=True
    ),
    TableColumn("queue_id", "Queue ID", 18, lambda e: e.queue_id, mono=True, term="id"),
    TableColumn("subject", "Subject", 24, lambda e: e.subject or "", hidden=True),
    TableColumn("domain", "Destination", 18, _domain, hidden=True, term="domain"),
    TableColumn("message_id", "Message-ID", 28, lambda e: e.message_id or "", hidden=True),
    TableColumn("client", "Client IP", 14, lambda e: e.client or "", hidden=True),
    TableColumn("expires", "Expires", 11, lambda e: TIMES.time(e.expires), hidden=True, right=True),
)  # fmt: skip
