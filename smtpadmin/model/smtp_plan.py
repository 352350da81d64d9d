"""What a test session is to do, option by option. No secret stands in here: a plan may be saved,
shared and shown. RFC numbers at the fields say what each one puts on the wire."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Dialect(enum.StrEnum):
    """How the session opens and how the message's end is answered."""

    ESMTP = "esmtp"
    """EHLO, and HELO when the server does not know EHLO (RFC 5321 section 3.2)."""
    SMTP = "smtp"
    """HELO alone."""
    LMTP = "lmtp"
    """LHLO, and one reply for each accepted recipient after the last dot (RFC 2033)."""


class TlsUse(enum.StrEnum):
    """Whether the session is encrypted."""

    NONE = "none"
    OPTIONAL = "optional"
    """When the server offers STARTTLS."""
    STARTTLS = "starttls"
    """Or nothing is sent."""
    IMPLICIT = "implicit"


class Verify(enum.StrEnum):
    """What of a certificate is demanded; the rest is told and does not stop the session."""

    FULL = "full"
    CA = "ca"
    NAME = "name"
    NONE = "none"


class StopPoint(enum.StrEnum):
    """After which step a session may end, in their order."""

    PROXY = "proxy"
    BANNER = "banner"
    FIRST_EHLO = "first-ehlo"
    TLS = "tls"
    XCLIENT = "xclient"
    EHLO = "ehlo"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class StopHow(enum.StrEnum):
    """How a session ends early."""

    QUIT = "quit"
    DROP = "drop"
    """The connection is closed without QUIT, after the reply."""
    DROP_AFTER_SEND = "drop-after-send"
    """The connection is closed as soon as the command is sent, its reply unread."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and how to end early."""

    at: StopPoint
    how: StopHow = StopHow.QUIT


@dataclass(frozen=True, slots=True)
class Target:
    """Which way to the server. Zero and empty mean: as usual. ``family`` is 0, 4 or 6;
    ``proxy_url`` (``socks5://host:port``, ``http://host:port``) holds no password; ``mx_of`` sends to
    the MX hosts of a domain instead of ``host``."""

    host: str = ""
    port: int = 0
    socket_path: str = ""
    family: int = 0
    source: str = ""
    source_port: int = 0
    proxy_url: str = ""
    mx_of: str = ""


@dataclass(frozen=True, slots=True)
class TlsPlan:
    """``check_name`` is compared instead of the host, ``sni`` sent instead of it; ``minimum`` and
    ``maximum`` are ``1.0`` … ``1.3``; ``fingerprint`` an accepted certificate's SHA-256 (hex);
    ``unadvertised`` says STARTTLS even when it is not offered."""

    use: TlsUse = TlsUse.NONE
    verify: Verify = Verify.FULL
    check_name: str = ""
    sni: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    minimum: str = ""
    maximum: str = ""
    ciphers: str = ""
    fingerprint: str = ""
    unadvertised: bool = False
    dane: bool = False
    mta_sts: bool = False


@dataclass(frozen=True, slots=True)
class LoginPlan:
    """``mechanisms`` in order of preference, empty: what the server offers. One that is named is
    tried even when the server offers none of them. ``optional`` goes on when there is no login."""

    user: str = ""
    authorize_as: str = ""
    mechanisms: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ProxyPlan:
    """The PROXY header (HAProxy's proxy-protocol.txt, version 1 or 2); 0 sends none. ``raw``
    replaces all but the version."""

    version: int = 0
    family: str = "AF_INET"
    command: str = "PROXY"
    transport: str = "STREAM"
    source: str = ""
    source_port: int = 0
    destination: str = ""
    destination_port: int = 0
    raw: str = ""


@dataclass(frozen=True, slots=True)
class XclientPlan:
    """Postfix's XCLIENT: each item of ``commands`` becomes one command (``ADDR=192.0.2.1 NAME=x``).
    ``unadvertised`` does not look at what EHLO says; ``optional`` goes on after a refusal."""

    commands: tuple[str, ...] = ()
    before_tls: bool = False
    unadvertised: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class EnvelopePlan:
    """Parameters of MAIL and RCPT. ``body`` is empty (as the message needs), ``none``, ``7BIT``,
    ``8BITMIME`` or ``BINARYMIME``; ``size`` -1 declares the true one when SIZE is offered, -2 none;
    ``utf8`` forces SMTPUTF8. DSN: RFC 3461; REQUIRETLS: RFC 8689; PRDR: draft-hall-prdr."""

    ret: str = ""
    envid: str = ""
    notify: str = ""
    orcpt: str = ""
    body: str = ""
    size: int = -1
    utf8: bool = False
    require_tls: bool = False
    prdr: bool = False
    mail_extra: str = ""
    rcpt_extra: str = ""


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """How the message is handed over. ``chunk`` > 0 sends BDAT chunks of that many octets (RFC
    3030); ``pipelining`` several commands in one segment (RFC 2920), offered or not; ``raw`` sends
    the message's octets as they are, with neither dot-stuffing nor an end; ``end`` replaces
    CRLF . CRLF (with ``\\r`` and ``\\n`` spelled out)."""

    pipelining: bool = False
    chunk: int = 0
    raw: bool = False
    end: str = ""


@dataclass(frozen=True, slots=True)
class SendPlan:
    """One test session. The default is the ordinary one: ESMTP, no TLS, no login."""

    target: Target = Target()
    dialect: Dialect = Dialect.ESMTP
    helo: str = ""
    tls: TlsPlan = TlsPlan()
    login: LoginPlan = LoginPlan()
    proxy: ProxyPlan = ProxyPlan()
    xclient: XclientPlan = XclientPlan()
    envelope: EnvelopePlan = EnvelopePlan()
    transfer: TransferPlan = TransferPlan()
    stop: Stop | None = None
