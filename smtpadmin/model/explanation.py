"""What a reply, delivery report or bounce means, for a person."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reason(enum.StrEnum):
    """Normalised reasons; the contract of ``smtpadmin explain``."""

    NO_SUCH_USER = "no-such-user"
    NO_SUCH_DOMAIN = "no-such-domain"
    MAILBOX_FULL = "mailbox-full"
    MAILBOX_DISABLED = "mailbox-disabled"
    MOVED = "moved"
    BLOCKED = "blocked"
    SPAM = "spam"
    VIRUS = "virus"
    CONTENT = "content"
    POLICY = "policy"
    AUTHENTICATION = "authentication"
    RELAY_DENIED = "relay-denied"
    SENDER_REJECTED = "sender-rejected"
    TLS = "tls"
    TOO_BIG = "too-big"
    RATE_LIMITED = "rate-limited"
    GREYLISTED = "greylisted"
    NETWORK = "network"
    EXPIRED = "expired"
    LOOP = "loop"
    SYNTAX = "syntax"
    NOT_SUPPORTED = "not-supported"
    SYSTEM = "system"
    DELIVERED = "delivered"
    VACATION = "vacation"
    COMPLAINT = "complaint"
    OTHER = "other"


class WhoActs(enum.StrEnum):
    """Who has to do something."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    RECIPIENTS_POSTMASTER = "recipient's postmaster"
    US = "us"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ExplainedRecipient:
    """One recipient of a delivery report (RFC 3464); ``permanent`` is None when unknown."""

    address: str
    action: str
    status: str | None
    reply_code: int | None
    reason: Reason
    permanent: bool | None
    diagnostic: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Cause, who must act, and what happens next, each in a sentence. ``kind`` is ``reply``,
    ``dsn``, ``bounce``, ``feedback``, ``auto-reply`` or ``not-a-bounce``."""

    kind: str
    reason: Reason
    who_acts: WhoActs
    summary: str
    remedy: str
    permanent: bool | None = None
    message_id: str | None = None
    recipients: tuple[ExplainedRecipient, ...] = ()
