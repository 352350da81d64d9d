"""Nouns of the catch server: rules that provoke errors, caught messages and their sessions."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from smtpadmin.model.smtp import Stage, TranscriptLine

RULE_POINTS = (
    Stage.CONNECT,
    Stage.EHLO,
    Stage.STARTTLS,
    Stage.AUTH,
    Stage.MAIL,
    Stage.RCPT,
    Stage.DATA,
    Stage.DOT,
    Stage.QUIT,
)
"""Where in a session a rule may act. ``connect`` is before the banner (and before the handshake of
implicit TLS), ``dot`` after the whole message."""


class BadCertificate(enum.StrEnum):
    """What is wrong with the certificate that a rule shows."""

    EXPIRED = "expired"
    WRONG_NAME = "wrong-name"
    SELF_SIGNED = "self-signed"


@dataclass(frozen=True, slots=True)
class CatchRule:
    """One thing that the catch server does otherwise, at one point of a session. The first rule that
    fits counts; the others are not asked.

    ``sender``, ``recipient`` and ``user`` are patterns (``*``, ``?``, case does not matter), ``client``
    one for the address or for what EHLO said. ``reply`` replaces the usual answer (``4xx`` and ``5xx``
    refuse); ``delay_s`` waits before it; ``drop`` closes after it, or without a word. ``tarpit_s`` is
    the pause between two octets of every answer from here on. ``odds`` in percent; at most ``times``
    times (0: always). ``greylist_s`` makes it act only until a client, sender and recipient have been
    known so long (0: once for each). ``hide`` names extensions that EHLO keeps to itself;
    ``certificate`` is shown in the handshake.
    """

    at: Stage
    reply: str = ""
    client: str = "*"
    user: str = "*"
    sender: str = "*"
    recipient: str = "*"
    delay_s: float = 0.0
    drop: bool = False
    tarpit_s: float = 0.0
    odds: float = 100.0
    times: int = 0
    greylist_s: float | None = None
    hide: tuple[str, ...] = ()
    certificate: BadCertificate | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class CaughtTls:
    """What was negotiated with a client."""

    version: str
    cipher: str
    bits: int = 0


@dataclass(frozen=True, slots=True)
class CaughtMessage:
    """One message as it came, accepted or refused by a rule (``reply`` is what the client was told).

    ``raw`` are the octets of the wire without stuffed dots; ``sender`` is ``""`` for the null sender.
    ``bare_lf`` and ``bare_cr`` count line ends that SMTP does not have (RFC 5321 section 2.3.8).
    """

    message_id: str
    session_id: str
    time: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)
    reply: str = ""
    accepted: bool = True
    client: str = ""
    helo: str = ""
    protocol: str = "SMTP"
    user: str | None = None
    mechanism: str | None = None
    tls: CaughtTls | None = None
    mail_options: tuple[str, ...] = ()
    smtputf8: bool = False
    bare_lf: int = 0
    bare_cr: int = 0
    subject: str | None = None
    header_message_id: str | None = None

    @property
    def size(self) -> int:
        """Octets."""
        return len(self.raw)


@dataclass(frozen=True, slots=True)
class CaughtSession:
    """One connection, when it has ended. Secrets were redacted when the transcript was recorded;
    ``messages`` names the messages that came over it, ``rules`` those that acted, in order."""

    session_id: str
    began: datetime
    ended: datetime
    client: str
    helo: str = ""
    user: str | None = None
    tls: CaughtTls | None = None
    messages: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    transcript: tuple[TranscriptLine, ...] = ()
