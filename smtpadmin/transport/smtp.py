"""Sends one message over SMTP, or looks at a server: every octet recorded, one total deadline.

Certificates are verified; one that is not trusted ends in UntrustedError, which names it. What a
server does is an outcome, never an exception that surprises.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

from smtpadmin.formats.smtp_reply import queue_id_in
from smtpadmin.model.errors import LoginError, ServerRefusedError, SmtpadminError, UntrustedError
from smtpadmin.model.smtp import (
    Envelope,
    SendResult,
    Stage,
    SubmissionEndpoint,
    TlsFacts,
    TranscriptLine,
)
from smtpadmin.protocol.smtp_failures import too_slow
from smtpadmin.transport.smtp_connect import Resolver, system_resolver
from smtpadmin.transport.smtp_recording import RecordingProtocol, wire_in_use
from smtpadmin.transport.smtp_session import SmtpSession
from smtpadmin.transport.smtp_wire import Wire
from smtpadmin.transport.tls import fingerprint_of, names_of

__all__ = ["Envelope", "RecordingProtocol", "check_login", "send"]

TOTAL_S = 60.0
STEP_S = 30.0
"""The longest wait for one answer; the message's end is bounded by the total deadline alone."""
FETCH_S = 5.0


async def send(
    endpoint: SubmissionEndpoint,
    password: str,
    envelope: Envelope,
    *,
    total_s: float = TOTAL_S,
    step_s: float = STEP_S,
    emit: Callable[[TranscriptLine], None] = lambda line: None,
    resolver: Resolver = system_resolver,
) -> tuple[SendResult, SmtpadminError | None]:
    """Send one message. Gives the outcome, and the error when it was not accepted; never raises for
    what a server does. ``total_s`` bounds the whole session, ``step_s`` each answer."""
    transcript: list[TranscriptLine] = []

    def record(line: TranscriptLine) -> None:
        transcript.append(line)
        emit(line)

    wire = Wire(record, _secrets(endpoint, password))
    session = SmtpSession(endpoint, wire, step_s=step_s, resolver=resolver)
    error = await _within(total_s, session, wire, _dialogue(session, password, envelope))
    wire.recorder.end(wire.now())
    if error is not None:
        wire.note(error.what)
    return _outcome(session, envelope, transcript, error), error


async def check_login(
    endpoint: SubmissionEndpoint,
    password: str,
    *,
    total_s: float = 20.0,
    resolver: Resolver = system_resolver,
) -> tuple[str, str, TlsFacts | None]:
    """Connect, EHLO, TLS, and log in when a user is given; gives the greeting, the extensions
    (one a line, with their parameters) and TLS facts. Raises SmtpadminError."""
    transcript: list[TranscriptLine] = []
    wire = Wire(transcript.append, _secrets(endpoint, password))
    session = SmtpSession(endpoint, wire, step_s=total_s, resolver=resolver)
    error = await _within(total_s, session, wire, _dialogue(session, password, None))
    if error is not None:
        raise error
    greeting = next((x.line for x in transcript if x.direction == "<"), "")
    names = (f"{name} {words}".strip() for name, words in sorted(session.extensions.items()))
    return greeting, "\n".join(names), session.tls


async def _dialogue(session: SmtpSession, password: str, envelope: Envelope | None) -> None:
    await session.open()
    await session.prepare(password)
    if envelope is not None:
        await session.transact(envelope)
    await session.quit()


async def _within(
    total_s: float, session: SmtpSession, wire: Wire, dialogue: Coroutine[Any, Any, None]
) -> SmtpadminError | None:
    """Run the dialogue to its end or its deadline; gives what went wrong."""
    started = time.monotonic()
    token = wire_in_use.set(wire)
    error: SmtpadminError | None = None
    try:
        async with asyncio.timeout(total_s):
            await dialogue
    except SmtpadminError as failure:
        error = failure
    except TimeoutError:
        # At QUIT the message is the server's already.
        if session.stage is not Stage.QUIT:
            error = too_slow(session.stage, total_s, session.where)
    finally:
        session.close()
        wire_in_use.reset(token)
    if isinstance(error, UntrustedError):
        left = total_s - (time.monotonic() - started)
        return await _with_certificate(session.endpoint, error, min(left, FETCH_S))
    return error


async def _with_certificate(
    endpoint: SubmissionEndpoint, error: UntrustedError, seconds: float
) -> UntrustedError:
    """Look at the certificate that was refused, so that a person can compare its fingerprint."""
    from smtpadmin.transport.smtp_probe import fetch_certificate

    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            der = await fetch_certificate(endpoint.host, endpoint.port, endpoint.tls)
    except TimeoutError:
        return error
    if not der or error.fingerprint not in ("", fingerprint_of(der)):
        return error
    subject, issuer, until = names_of(der)
    return UntrustedError(
        error.what,
        where=error.where,
        remedy=error.remedy,
        detail=f"subject {subject}\nissuer {issuer}\nvalid until {until}",
        fingerprint=fingerprint_of(der),
        changed=error.changed,
        certificate_pem=ssl.DER_cert_to_PEM_cert(der),
    )


def _outcome(
    session: SmtpSession,
    envelope: Envelope,
    transcript: list[TranscriptLine],
    error: SmtpadminError | None,
) -> SendResult:
    reply = session.reply
    refused = isinstance(error, ServerRefusedError | LoginError) and reply is not None
    return SendResult(
        result="accepted" if error is None else "refused" if refused else "failed",
        stage=Stage.DOT if error is None else session.stage,
        message_id=envelope.message_id,
        host=session.where,
        reply=reply,
        queue_id=queue_id_in(reply.text) if error is None and reply else None,
        address=session.address,
        tls=session.tls,
        timings_ms=dict(session.timings),
        recipients=tuple(session.recipients),
        transcript=tuple(transcript),
        error=str(error) if error is not None else "",
    )


def _secrets(endpoint: SubmissionEndpoint, password: str) -> tuple[str, ...]:
    """What must not be shown, as it is and as AUTH PLAIN sends it (RFC 4616)."""
    return (password, f"\0{endpoint.user}\0{password}") if password else ()
