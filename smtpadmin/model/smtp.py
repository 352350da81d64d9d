"""Nouns of an SMTP session: reply, endpoint, transcript, outcome."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from smtpadmin.model.profile import TlsMode


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply (RFC 5321 section 4.2): code, enhanced status code (RFC 3463) and text,
    whose lines are joined by line feeds without the codes."""

    code: int
    text: str
    enhanced: str | None = None

    @property
    def positive(self) -> bool:
        """2xx or 3xx."""
        return 200 <= self.code < 400


class Stage(enum.StrEnum):
    """The steps of a submission, in order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class SubmissionEndpoint:
    """Where and how to hand in mail. ``mechanisms`` in order of preference; empty: what the
    server offers. ``fingerprint`` is an accepted certificate's SHA-256 (hex)."""

    host: str
    port: int
    tls: TlsMode
    user: str = ""
    mechanisms: tuple[str, ...] = ()
    fingerprint: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One line of a session: ``direction`` is ``>`` (client), ``<`` (server) or ``*`` (note);
    ``t_ms`` since the session began. Secrets were redacted when it was recorded."""

    t_ms: float
    direction: str
    line: str
    tls: bool = False


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What was negotiated and what the server showed."""

    version: str
    cipher: str
    subject: str = ""
    issuer: str = ""
    not_after: str = ""
    fingerprint: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True)
class RecipientReply:
    """The reply to one RCPT."""

    address: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class SendResult:
    """The outcome of a test message. ``result`` is ``accepted``, ``refused`` (the server said no)
    or ``failed`` (we never got that far); ``stage`` is where it ended."""

    result: str
    stage: Stage
    message_id: str
    host: str
    reply: Reply | None = None
    queue_id: str | None = None
    address: str | None = None
    tls: TlsFacts | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    recipients: tuple[RecipientReply, ...] = ()
    transcript: tuple[TranscriptLine, ...] = ()
    error: str = ""
