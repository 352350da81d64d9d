"""Complaints by feedback loops (ARF, RFC 5965)."""

from __future__ import annotations

from smtpadmin.formats.dsn_parts import field_groups
from smtpadmin.formats.mail_address import addresses_in
from smtpadmin.model.bounce import ReportedRecipient

_RECIPIENT = ("original-rcpt-to", "removal-recipient", "original-recipient")


def read_feedback(text: str) -> tuple[ReportedRecipient, ...]:
    """Who complained, from a ``message/feedback-report``. The message was delivered; the diagnostic
    is the report's type (``abuse``, ``fraud``, ``not-spam``, …)."""
    fields: dict[str, list[str]] = {}
    for group in field_groups(text):
        for name, value in group.items():
            fields.setdefault(name, []).append(value)
    kind = fields.get("feedback-type", [""])[0]
    named = (value for name in _RECIPIENT for value in fields.get(name, []))
    return tuple(
        ReportedRecipient(address, "delivered", None, f"feedback type {kind}".strip())
        for address in addresses_in(" ".join(named))
    )
