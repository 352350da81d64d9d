"""The stages of a connection, one after another: resolve, ports, banner, STARTTLS, certificate, login
methods; beside them what the DNS says. Each tells how it went and how long it took; a failed one does
not stop the others.
"""

from __future__ import annotations

import asyncio
import enum
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.profile import TlsMode
from smtpadmin.util.tasks import run_blocking_for

if TYPE_CHECKING:
    from smtpadmin.transport.dns import Resolver

RESOLVE_S = 6.0
PORTS = (
    (25, TlsMode.STARTTLS),
    (587, TlsMode.STARTTLS),
    (465, TlsMode.IMPLICIT),
    (2525, TlsMode.STARTTLS),
)
SOON_DAYS = 21


class CheckResult(enum.StrEnum):
    """How a check went; ``untested`` when it could not run."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    INFO = "info"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list. ``took_ms`` is 0 for what follows from an earlier answer; ``port`` and
    ``tls`` name the endpoint that it found, if any; ``fingerprint`` a certificate's SHA-256."""

    name: str
    target: str
    result: CheckResult
    detail: str
    fix: str = ""
    took_ms: float = 0.0
    port: int = 0
    tls: TlsMode | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a profile trusts beside the machine's authorities: a CA file, and fingerprints that
    were accepted (``Profile.trust``)."""

    ca_file: str = ""
    accepted: Mapping[str, str] = field(default_factory=dict)


async def check_host(
    host: str,
    ports: Sequence[tuple[int, TlsMode]] = PORTS,
    resolver: Resolver | None = None,
    trust: Trust | None = None,
) -> AsyncIterator[Check]:
    """Check a host's name and SMTP ports, and with a ``resolver`` what the DNS says about it as a
    mail host and domain; all at once, told as they answer. ``trust`` is the profile's."""
    trust = trust or Trust()
    resolved, addresses = await _resolve(host)
    if not addresses:
        asked = await _dns(host, addresses, resolver)
        yield (
            _mail_goes_elsewhere(resolved) if any(c.name == "mx host" for c in asked) else resolved
        )
        for check in asked:
            yield check
        for port, _ in ports:
            yield Check(f"port {port}", host, CheckResult.UNTESTED, "the name has no address")
        return
    yield resolved
    waiting: list[Awaitable[list[Check]]] = [_port(host, port, tls, trust) for port, tls in ports]
    waiting.append(_dns(host, addresses, resolver))
    for finished in asyncio.as_completed(waiting):
        for check in await finished:
            yield check


async def _dns(host: str, addresses: Sequence[str], resolver: Resolver | None) -> list[Check]:
    if resolver is None:
        return []
    from smtpadmin.services.dns_checks import dns_checks

    return await dns_checks(host, addresses, resolver)


def _mail_goes_elsewhere(resolved: Check) -> Check:
    """A mail domain needs no address of its own."""
    return replace(resolved, result=CheckResult.INFO,
                   detail="no address of its own; its mail goes to its MX hosts",
                   fix="To see their ports, check one of them.")  # fmt: skip


async def _resolve(host: str) -> tuple[Check, Sequence[str]]:
    started = time.monotonic()
    try:
        found = await run_blocking_for(
            RESOLVE_S, socket.getaddrinfo, host, 25, 0, socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return Check("address", host, CheckResult.FAIL, f"the name cannot be resolved ({why})",
                     "Check the spelling and the name server.", elapsed_ms(started)), ()  # fmt: skip
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    detail = ", ".join(addresses[:6])
    return Check("address", host, CheckResult.PASS, detail, took_ms=elapsed_ms(started)), addresses


async def _port(host: str, port: int, tls: TlsMode, trust: Trust) -> list[Check]:
    from smtpadmin.transport.smtp_probe import probe_port

    name, target, started = f"port {port}", f"{host}:{port}", time.monotonic()
    try:
        facts = await probe_port(host, port, tls, ca_file=trust.ca_file)
    except (OSError, ssl.SSLError, SmtpadminError) as error:
        result, detail = _failure(error)
        return [Check(name, target, result, detail, took_ms=elapsed_ms(started), port=port)]
    found = tls
    if tls is TlsMode.STARTTLS and "STARTTLS" not in facts.extensions:
        found = TlsMode.NONE
    checks = [
        Check(
            name, target, CheckResult.PASS, facts.banner[:200], "", elapsed_ms(started), port, found
        )
    ]
    if found is TlsMode.NONE:
        checks.append(Check("encryption", target, CheckResult.WARN, "STARTTLS is not offered",
                            "Passwords would travel in clear text."))  # fmt: skip
    else:
        checks.append(Check("encryption", target, CheckResult.PASS, facts.tls_version))
        pinned = trust.accepted.get(f"tls:{target}", "")
        checks.append(_certificate(target, facts.certificate, facts.trust_problem, pinned))
    methods = [e.removeprefix("AUTH").strip() for e in facts.extensions if e.startswith("AUTH")]
    if methods:
        checks.append(Check("login", target, CheckResult.INFO, f"offers {methods[0]}"))
    return checks


def _certificate(target: str, der: bytes, problem: str, pinned: str) -> Check:
    from smtpadmin.transport.tls import days_left, fingerprint_of, names_of

    subject, issuer, until = names_of(der)
    left = days_left(until)
    detail = f"{subject}, issued by {issuer}, valid until {until}"
    fingerprint = fingerprint_of(der) if der else ""
    if problem and pinned and pinned == fingerprint:
        return Check("certificate", target, CheckResult.PASS,
                     f"accepted for this server: {detail}", fingerprint=fingerprint)  # fmt: skip
    if problem:
        return Check("certificate", target, CheckResult.FAIL, f"not trusted ({problem}): {detail}",
                     "Compare its fingerprint with the administrator.", fingerprint=fingerprint)  # fmt: skip
    if left is not None and left < SOON_DAYS:
        return Check("certificate", target, CheckResult.WARN, f"{left} days left: {detail}",
                     "Renew it soon.", fingerprint=fingerprint)  # fmt: skip
    return Check("certificate", target, CheckResult.PASS, detail, fingerprint=fingerprint)


def _failure(error: Exception) -> tuple[CheckResult, str]:
    if isinstance(error, ConnectionRefusedError):
        return CheckResult.INFO, "closed"
    if isinstance(error, TimeoutError):
        return CheckResult.FAIL, "no answer in time (a firewall, or a hanging server)"
    if isinstance(error, SmtpadminError):
        return CheckResult.FAIL, error.what
    return CheckResult.FAIL, getattr(error, "strerror", None) or str(error)


def elapsed_ms(started: float) -> float:
    """Milliseconds since ``started``, a moment of ``time.monotonic``."""
    return round((time.monotonic() - started) * 1000, 1)
