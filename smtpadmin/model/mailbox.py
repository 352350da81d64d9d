"""Nouns of a mailbox that is watched for a message."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from smtpadmin.model.profile import TlsMode


class MailboxProtocol(enum.StrEnum):
    """How a mailbox is read."""

    IMAP = "imap"
    POP3 = "pop3"


MAILBOX_PORTS = {
    (MailboxProtocol.IMAP, TlsMode.IMPLICIT): 993, (MailboxProtocol.IMAP, TlsMode.STARTTLS): 143,
    (MailboxProtocol.IMAP, TlsMode.NONE): 143, (MailboxProtocol.POP3, TlsMode.IMPLICIT): 995,
    (MailboxProtocol.POP3, TlsMode.STARTTLS): 110, (MailboxProtocol.POP3, TlsMode.NONE): 110,
}  # fmt: skip
"""Registered ports (RFC 8314)."""


@dataclass(frozen=True, slots=True)
class MailboxAccount:
    """One mailbox and how to log in. The password is never shown; ``fingerprint`` is an accepted
    certificate's SHA-256 (hex)."""

    protocol: MailboxProtocol
    host: str
    port: int
    tls: TlsMode
    user: str
    password: str = field(repr=False)
    ca_file: str = ""
    fingerprint: str = ""

    @property
    def where(self) -> str:
        """For messages to people."""
        return f"{self.protocol}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message found in a mailbox. ``stored`` is when the server put it there (IMAP's internal date),
    None with POP3, which also has no folders but the one. ``is_junk``: by the folder's use or name."""

    folder: str
    uid: str
    raw: bytes
    found: datetime
    stored: datetime | None = None
    flags: tuple[str, ...] = ()
    is_junk: bool = False
