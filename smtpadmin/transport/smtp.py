"""One SMTP session that sends one message: aiosmtplib underneath, every octet recorded.

Stages are taken one by one, so that the outcome says where it ended. One total deadline bounds the
session. Certificates are verified; one that is not trusted ends in UntrustedError.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiosmtplib
import aiosmtplib.smtp
from aiosmtplib.protocol import SMTPProtocol

from smtpadmin.formats.smtp_reply import enhanced_code, queue_id_in
from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import (
    RecipientReply,
    Reply,
    SendResult,
    Stage,
    SubmissionEndpoint,
    TlsFacts,
    TranscriptLine,
)
from smtpadmin.protocol.transcript import TranscriptRecorder
from smtpadmin.transport.tls import (
    check_pin,
    client_context,
    facts_of,
    fingerprint_of,
    names_of,
)
from smtpadmin.util.tasks import run_blocking_for

TOTAL_S = 60.0
RESOLVE_S = 10.0
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")
_sink: contextvars.ContextVar[_Wire | None] = contextvars.ContextVar("smtp wire", default=None)


class _Wire:
    """The recorder of one session with its clock."""

    def __init__(self, emit: Callable[[TranscriptLine], None]) -> None:
        self.started = time.monotonic()
        self.recorder = TranscriptRecorder(emit)

    def now(self) -> float:
        return round((time.monotonic() - self.started) * 1000, 1)


class RecordingProtocol(SMTPProtocol):
    """aiosmtplib's protocol with both directions recorded; after STARTTLS it sees clear text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wire = _sink.get()

    def write(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.recorder.sent(self._wire.now(), data)
        super().write(data)

    def data_received(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.recorder.received(self._wire.now(), data)
        super().data_received(data)


def install_recorder() -> None:
    """Have aiosmtplib make our protocol; done once when this module is loaded."""
    setattr(aiosmtplib.smtp, "SMTPProtocol", RecordingProtocol)  # noqa: B010 - private seam


install_recorder()


@dataclass(slots=True)
class _Session:
    """What is known while the session runs."""

    endpoint: SubmissionEndpoint
    message_id: str
    emit: Callable[[TranscriptLine], None]
    stage: Stage = Stage.RESOLVE
    transcript: list[TranscriptLine] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    address: str | None = None
    tls: TlsFacts | None = None
    reply: Reply | None = None
    recipients: list[RecipientReply] = field(default_factory=list)

    def line(self, line: TranscriptLine) -> None:
        self.transcript.append(line)
        self.emit(line)

    def result(self, result: str, error: str = "") -> SendResult:
        return SendResult(
            result=result,
            stage=self.stage,
            message_id=self.message_id,
            host=f"{self.endpoint.host}:{self.endpoint.port}",
            reply=self.reply,
            queue_id=queue_id_in(self.reply.text) if result == "accepted" and self.reply else None,
            address=self.address,
            tls=self.tls,
            timings_ms=dict(self.timings),
            recipients=tuple(self.recipients),
            transcript=tuple(self.transcript),
            error=error,
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes over the wire."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    message_id: str


async def send(
    endpoint: SubmissionEndpoint,
    password: str,
    envelope: Envelope,
    *,
    total_s: float = TOTAL_S,
    emit: Callable[[TranscriptLine], None] = lambda line: None,
) -> tuple[SendResult, SmtpadminError | None]:
    """Send one message. Gives the outcome, and the error when it was not accepted; never raises for
    what a server does."""
    session = _Session(endpoint, envelope.message_id, emit)
    wire = _Wire(session.line)
    token = _sink.set(wire)
    error: SmtpadminError | None = None
    try:
        async with asyncio.timeout(total_s):
            await _run(session, wire, password, envelope)
    except TimeoutError:
        error = TotalDeadlineError(
            f"no end within {total_s:g} s (waiting at: {session.stage})",
            where=_where(endpoint),
            remedy="Check the server's load and its answer in the transcript.",
        )
    except SmtpadminError as failure:
        error = failure
    finally:
        _sink.reset(token)
        wire.recorder.end(wire.now())
    if isinstance(error, UntrustedError) and not error.fingerprint:
        error = await _with_fingerprint(endpoint, error)
    if error is None:
        return session.result("accepted"), None
    wire.recorder.note(wire.now(), error.what)
    refused = (
        session.reply is not None
        and session.reply.code >= 400
        and isinstance(error, ServerRefusedError | LoginError)
    )
    return session.result("refused" if refused else "failed", str(error)), error


async def _with_fingerprint(endpoint: SubmissionEndpoint, error: UntrustedError) -> UntrustedError:
    """Look at the certificate that was refused, so that a person can compare its fingerprint."""
    from smtpadmin.transport.smtp_probe import fetch_certificate

    der = await fetch_certificate(endpoint.host, endpoint.port, endpoint.tls)
    if not der:
        return error
    subject, issuer, until = names_of(der)
    return UntrustedError(
        error.what,
        where=error.where,
        remedy=error.remedy,
        detail=f"subject {subject}\nissuer {issuer}\nvalid until {until}",
        fingerprint=fingerprint_of(der),
    )


async def check_login(
    endpoint: SubmissionEndpoint, password: str, *, total_s: float = 20.0
) -> tuple[str, str, TlsFacts | None]:
    """Connect, EHLO, TLS, and log in when a user is given; gives banner text, the capabilities
    (one a line) and TLS facts. Raises SmtpadminError."""
    session = _Session(endpoint, "", lambda line: None)
    wire = _Wire(session.line)
    token = _sink.set(wire)
    try:
        async with asyncio.timeout(total_s), _connected(session, wire) as client:
            await _prepare(session, wire, client, password)
            banner = next((x.line for x in session.transcript if x.direction == "<"), "")
            return banner, "\n".join(sorted(client.esmtp_extensions)), session.tls
    except TimeoutError as error:
        raise TotalDeadlineError(
            f"no answer within {total_s:g} s (waiting at: {session.stage})", where=_where(endpoint)
        ) from error
    except UntrustedError as error:
        raise await _with_fingerprint(endpoint, error) from error
    finally:
        _sink.reset(token)


async def _run(session: _Session, wire: _Wire, password: str, envelope: Envelope) -> None:
    async with _connected(session, wire) as client:
        await _prepare(session, wire, client, password)
        await _transaction(session, wire, client, envelope)
        accepted = session.reply
        await _step(session, wire, Stage.QUIT, client.quit(), ignore=True)
        session.stage, session.reply = Stage.DOT, accepted


@asynccontextmanager
async def _connected(session: _Session, wire: _Wire) -> AsyncIterator[aiosmtplib.SMTP]:
    endpoint = session.endpoint
    started = wire.now()
    addresses = await _resolve(endpoint)
    session.timings["resolve"] = round(wire.now() - started, 1)
    session.stage = Stage.CONNECT
    sock = await _connect(session, wire, addresses)
    context = client_context(ca_file=endpoint.ca_file, fingerprint=endpoint.fingerprint)
    client = aiosmtplib.SMTP(
        hostname=endpoint.host,
        port=None,
        sock=sock,
        use_tls=endpoint.tls is TlsMode.IMPLICIT,
        start_tls=False,
        tls_context=context,
        timeout=None,
    )
    try:
        implicit = endpoint.tls is TlsMode.IMPLICIT
        stage = Stage.TLS if implicit else Stage.BANNER
        reply = await _step(session, wire, stage, client.connect())
        session.stage = Stage.BANNER
        if reply.code != 220:
            raise _refusal(session, reply)
        if implicit:
            _note_tls(session, wire, client)
        yield client
    finally:
        # The socket is the transport's, which ends TLS in its own time: closing it here would pull
        # its descriptor from under it.
        client.close()


async def _resolve(endpoint: SubmissionEndpoint) -> list[Any]:
    try:
        found = await run_blocking_for(
            RESOLVE_S, socket.getaddrinfo, endpoint.host, endpoint.port, 0, socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        if isinstance(error, SmtpadminError):
            raise
        raise UnreachableError(
            f"the name cannot be resolved ({getattr(error, 'strerror', None) or error})",
            where=endpoint.host,
            remedy="Check the spelling, and the name server of this machine.",
        ) from error
    return found


async def _connect(session: _Session, wire: _Wire, addresses: Sequence[Any]) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    started = wire.now()
    for family, kind, protocol, _, address in addresses[:4]:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        session.address = f"{address[0]}:{address[1]}"
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
            wire.recorder.note(wire.now(), f"{session.address}: {_why(error)}")
            continue
        except BaseException:
            sock.close()
            raise
        session.timings["connect"] = round(wire.now() - started, 1)
        wire.recorder.note(wire.now(), f"connected to {session.address}")
        return sock
    raise UnreachableError(
        f"cannot connect ({_why(failure) if failure else 'no address'})",
        where=_where(session.endpoint),
        remedy="Check that the server runs, the port, and firewalls in between.",
    ) from failure


async def _prepare(session: _Session, wire: _Wire, client: aiosmtplib.SMTP, password: str) -> None:
    await _ehlo(session, wire, client)
    if session.endpoint.tls is TlsMode.STARTTLS:
        if not client.supports_extension("starttls"):
            session.stage = Stage.STARTTLS
            raise ServerRefusedError(
                "the server does not offer STARTTLS",
                where=_where(session.endpoint),
                remedy="Choose another TLS mode only if clear text is acceptable.",
            )
        context = client_context(
            ca_file=session.endpoint.ca_file, fingerprint=session.endpoint.fingerprint
        )
        await _step(session, wire, Stage.STARTTLS, client.starttls(tls_context=context))
        _note_tls(session, wire, client)
        await _ehlo(session, wire, client)
    if session.endpoint.user:
        await _login(session, wire, client, password)


async def _ehlo(session: _Session, wire: _Wire, client: aiosmtplib.SMTP) -> None:
    reply = await _step(session, wire, Stage.EHLO, client.ehlo())
    if reply.code != 250:
        raise _refusal(session, reply)


def _note_tls(session: _Session, wire: _Wire, client: aiosmtplib.SMTP) -> None:
    tls = client.transport.get_extra_info("ssl_object") if client.transport else None
    pinned = session.endpoint.fingerprint
    session.tls = facts_of(tls, verified=not pinned)
    wire.recorder.tls = True
    facts = session.tls
    wire.recorder.note(
        wire.now(),
        f"{facts.version} {facts.cipher} · {facts.subject} · valid until {facts.not_after}",
    )
    if pinned:
        der = tls.getpeercert(binary_form=True) if tls else None
        check_pin(der, pinned, _where(session.endpoint))


async def _login(session: _Session, wire: _Wire, client: aiosmtplib.SMTP, password: str) -> None:
    session.stage = Stage.AUTH
    offered = [str(name).upper() for name in client.server_auth_methods]
    wanted = [m.upper() for m in session.endpoint.mechanisms] or list(MECHANISMS)
    usable = [
        m for m in wanted if m in MECHANISMS and (m in offered or session.endpoint.mechanisms)
    ]
    if not usable:
        raise LoginError(
            f"no login method in common (the server offers {', '.join(offered) or 'none'})",
            where=_where(session.endpoint),
            remedy="Many servers offer AUTH only after TLS: choose STARTTLS or implicit TLS.",
        )
    methods = {
        "PLAIN": client.auth_plain,
        "LOGIN": client.auth_login,
        "CRAM-MD5": client.auth_crammd5,
    }
    user = session.endpoint.user
    reply = await _step(session, wire, Stage.AUTH, methods[usable[0]](user, password))
    if reply.code != 235:
        raise LoginError(
            f"the server refused the login: {reply.code} {reply.text}",
            where=_where(session.endpoint),
            remedy="Check user and password; some providers want an app password or an API key.",
        )


async def _transaction(
    session: _Session, wire: _Wire, client: aiosmtplib.SMTP, envelope: Envelope
) -> None:
    utf8 = not all(a.isascii() for a in (envelope.sender, *envelope.recipients))
    options = ["SMTPUTF8"] if utf8 else []
    if client.supports_extension("size"):
        options.append(f"SIZE={len(envelope.raw)}")
    if client.supports_extension("8bitmime") and not envelope.raw.isascii():
        options.append("BODY=8BITMIME")
    encoding = "utf-8" if utf8 else "ascii"
    step = client.mail(envelope.sender, options=options, encoding=encoding)
    reply = await _step(session, wire, Stage.MAIL, step)
    if reply.code != 250:
        raise _refusal(session, reply)
    accepted = 0
    for recipient in envelope.recipients:
        reply = await _step(session, wire, Stage.RCPT, client.rcpt(recipient, encoding=encoding))
        session.recipients.append(RecipientReply(recipient, reply))
        accepted += reply.code // 100 == 2
    if not accepted:
        raise _refusal(session, session.recipients[0].reply)
    reply = await _step(session, wire, Stage.DATA, client.data(envelope.raw))
    session.stage = Stage.DOT
    if reply.code // 100 != 2:
        raise _refusal(session, reply)
    session.reply = reply


async def _step(
    session: _Session, wire: _Wire, stage: Stage, step: Any, *, ignore: bool = False
) -> Reply:
    """Run one step, time it, and turn whatever happens into a Reply or an error of ours."""
    session.stage = stage
    started = wire.now()
    try:
        answer = await step
    except aiosmtplib.SMTPResponseException as error:
        answer = aiosmtplib.SMTPResponse(error.code, error.message)
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
        if ignore:
            return Reply(0, "")
        raise _mapped(session, error) from error
    finally:
        session.timings[stage.value] = round(
            session.timings.get(stage.value, 0.0) + wire.now() - started, 1
        )
    session.reply = _reply(answer)
    if session.reply.code < 200 and not ignore:
        raise ProtocolError(
            f"the server's answer is no SMTP reply: {session.reply.code} {session.reply.text[:80]}",
            where=_where(session.endpoint),
        )
    return session.reply


def _reply(answer: aiosmtplib.SMTPResponse) -> Reply:
    return Reply(answer.code, answer.message[:4_000], enhanced_code(answer.message))


def _mapped(session: _Session, error: BaseException) -> SmtpadminError:
    where = _where(session.endpoint)
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        session.stage = Stage.TLS
        return UntrustedError(
            f"the certificate is not trusted ({cause.verify_message})",
            where=where,
            remedy="Compare its fingerprint with the server's administrator, or give the CA file.",
        )
    if isinstance(cause, ssl.SSLError):
        session.stage = Stage.TLS
        return UnreachableError(
            f"the TLS handshake failed ({cause.reason or cause})",
            where=where,
            remedy="Check that this port speaks TLS in the chosen mode.",
        )
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | ConnectionError):
        return UnreachableError(
            f"the server closed the connection (at: {session.stage})",
            where=where,
            remedy="Look at the last lines of the transcript.",
        )
    if isinstance(error, ValueError):
        return UsageError(str(error), where=where)
    return ProtocolError(
        f"the server does not speak proper SMTP ({error}) at: {session.stage}", where=where
    )


def _refusal(session: _Session, reply: Reply) -> ServerRefusedError:
    session.reply = reply
    text = reply.text.replace("\n", " ")
    return ServerRefusedError(
        f"the server refused at {session.stage}: {reply.code} {text}",
        where=_where(session.endpoint),
    )


def _why(error: OSError) -> str:
    # asyncio words a refused connection as "Connect call failed ...": the system's words are plainer.
    return os.strerror(error.errno) if error.errno else str(error)


def _where(endpoint: SubmissionEndpoint) -> str:
    return f"{endpoint.host}:{endpoint.port}"
