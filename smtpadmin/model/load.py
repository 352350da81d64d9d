"""Nouns of a load test: what to send, and what is known while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from smtpadmin.model.profile import TlsMode


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What to send. ``size`` in octets of each message; ``rate`` messages a second of all connections
    together (0: as fast as it goes). ``per_connection`` messages go over one connection (0: all),
    ``recipients`` are named in each message, ``recipient`` with ``%d`` numbers them. ``pipelining``
    sends MAIL, RCPT and DATA together when the server offers it (RFC 2920)."""

    connections: int = 10
    messages: int = 100
    recipients: int = 1
    size: int = 2_048
    rate: float = 0.0
    per_connection: int = 0
    pipelining: bool = False
    sender: str = "load@smtpadmin.invalid"
    recipient: str = "load@smtpadmin.invalid"
    helo: str = "smtpadmin.invalid"
    answer_s: float = 60.0


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """Where to. ``addresses`` are IP addresses, the preferred one first: the name was looked up when
    the target was permitted, and is not asked for again."""

    host: str
    addresses: tuple[str, ...]
    port: int
    tls: TlsMode = TlsMode.NONE
    user: str = ""
    ca_file: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0
    mean: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadErrors:
    """Errors that say the same: the stage, the reply without what differs, and how many."""

    stage: str
    reply: str
    count: int


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """Where it stands. ``rate`` is that of the last second, ``mean_rate`` of all so far, in accepted
    messages; ``latency`` from MAIL to the reply to the final dot, ``connect`` from the TCP connection
    to the end of EHLO, TLS and login."""

    elapsed_s: float = 0.0
    wanted: int = 0
    accepted: int = 0
    failed: int = 0
    recipients_refused: int = 0
    octets: int = 0
    open_connections: int = 0
    connections_made: int = 0
    rate: float = 0.0
    mean_rate: float = 0.0
    latency: Latency = Latency()
    connect: Latency = Latency()
    errors: tuple[LoadErrors, ...] = ()
    finished: bool = False
    stopped: bool = False
