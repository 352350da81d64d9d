"""The columns of the Tracking page."""

from __future__ import annotations

from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.status_words import delivery_tone
from smtpadmin.gui.time_format import TIMES, octets, seconds
from smtpadmin.model.tracking import TrackedMessage


def _recipients(message: TrackedMessage) -> str:
    addresses = [recipient.address for recipient in message.recipients]
    if not addresses:
        return ""
    return addresses[0] if len(addresses) == 1 else f"{addresses[0]}  +{len(addresses) - 1} more"


def _first(message: TrackedMessage, name: str) -> str:
    return next((str(v) for r in message.recipients if (v := getattr(r, name)) is not None), "")


def _delay(message: TrackedMessage) -> str:
    return seconds(max((r.delay for r in message.recipients if r.delay is not None), default=None))


def _sender(message: TrackedMessage) -> str:
    return "" if message.sender is None else message.sender or "<>"


TRACKING_TABLE: tuple[TableColumn[TrackedMessage], ...] = (
    TableColumn("arrived", "Time", 14, lambda m: TIMES.time(m.arrived), lambda m: TIMES.full(m.arrived)),
    TableColumn(
        "status", "Status", 13, lambda m: m.status.value, pill=True, term="state",
        tone=lambda m: delivery_tone(m.status)[0], icon=lambda m: delivery_tone(m.status)[1],
    ),
    TableColumn("sender", "Sender", 24, _sender, term="from", value=lambda m: m.sender or ""),
    TableColumn(
        "recipient", "Recipient", 24, _recipients, term="to",
        value=lambda m: m.recipients[0].address if m.recipients else "",
    ),
    TableColumn("subject", "Subject", 26, lambda m: m.subject or "", stretch=True),
    TableColumn("size", "Size", 8, lambda m: octets(m.size), right=True),
    TableColumn("delay", "Delay", 8, _delay, right=True),
    TableColumn("relay", "Relay", 20, lambda m: _first(m, "relay"), muted=True),
    TableColumn("code", "DSN", 7, lambda m: _first(m, "dsn"), hidden=True, term="code"),
    TableColumn("message_id", "Message-ID", 28, lambda m: m.message_id or "", hidden=True),
    TableColumn(
        "client", "Client", 20, lambda m: (m.client.name or m.client.address or "") if m.client else "",
        hidden=True,
    ),
)  # fmt: skip
