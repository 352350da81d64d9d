"""What a message reports about the delivery of another one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """One recipient of a report. ``action`` is ``failed``, ``delayed``, ``delivered``, ``relayed`` or
    ``expanded`` (RFC 3464 section 2.3.3); ``status`` an enhanced status code or None;
    ``diagnostic`` the words of the server that refused."""

    address: str
    action: str
    status: str | None
    diagnostic: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """``kind`` is ``dsn``, ``bounce``, ``feedback``, ``auto-reply`` or ``not-a-bounce``; ``message_id``
    is the original message's; ``words`` is what the report says to people, for reasons that no
    recipient's diagnostic tells. ``automatic`` tells of an automatic answer whether it is
    ``vacation``, ``receipt``, ``challenge`` or ``other``."""

    kind: str
    recipients: tuple[ReportedRecipient, ...] = ()
    message_id: str | None = None
    words: str = ""
    automatic: str = ""
