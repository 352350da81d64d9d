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
class Envelope:
    """What goes over the wire: null sender ``""``, recipients, the message's octets. ``fold`` shows
    no line of its body in a transcript, for what virus scanners would find there."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    message_id: str
    fold: bool = False


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One line of a session: ``direction`` is ``>`` (client), ``<`` (server) or ``*`` (note);
    ``t_ms`` since the session began. Secrets were redacted when it was recorded."""

    t_ms: float
    direction: str
    line: str
    tls: bool = False


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One certificate of a chain, explained. ``names`` are its SANs, ``key`` its kind and size
    (``RSA 2048``), ``problems`` one sentence for each thing that is wrong with it."""

    subject: str
    issuer: str
    names: tuple[str, ...] = ()
    not_before: str = ""
    not_after: str = ""
    key: str = ""
    signature: str = ""
    fingerprint: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What was negotiated and what the server showed, its own certificate first in ``chain``.
    ``level`` is posttls-finger's word: Anonymous, Untrusted, Trusted or Verified; ``dane`` and
    ``mta_sts`` say in a few words what these would decide, empty when nobody asked."""

    version: str
    cipher: str
    subject: str = ""
    issuer: str = ""
    not_after: str = ""
    fingerprint: str = ""
    verified: bool = False
    chain: tuple[CertificateFacts, ...] = ()
    level: str = ""
    dane: str = ""
    mta_sts: str = ""


@dataclass(frozen=True, slots=True)
class RecipientReply:
    """The reply to one RCPT."""

    address: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class SendResult:
    """The outcome of a test message. ``result`` is ``accepted``, ``refused`` (the server said no)
    or ``failed`` (we never got that far); ``stage`` is where it ended. ``detail`` names a step that
    has no stage of its own (``proxy``, ``xclient``, ``prdr``), ``stopped`` the stop point at which the
    session ended because that was asked for, ``extensions`` what the last EHLO offered."""

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
    detail: str = ""
    stopped: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)
