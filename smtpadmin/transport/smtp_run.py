"""Runs a plan: a route to the server, the dialogue (:mod:`smtpadmin.protocol.smtp_dialogue`) on it,
TLS as wanted, every octet recorded, a deadline for each answer and for the whole.

What a server does is an outcome, never an exception.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smtpadmin.formats.smtp_reply import queue_id_in
from smtpadmin.model.errors import (
    LoginError,
    ServerRefusedError,
    SmtpadminError,
    UnreachableError,
    UntrustedError,
)
from smtpadmin.model.smtp import Envelope, SendResult, Stage, TlsFacts, TranscriptLine
from smtpadmin.model.smtp_plan import SendPlan, Stop, StopHow, StopPoint, TlsUse, Verify
from smtpadmin.protocol.smtp_dialogue import SmtpDialogue
from smtpadmin.protocol.smtp_failures import closed, too_slow
from smtpadmin.protocol.smtp_outputs import Enter, HangUp, Kind, Note, Output, StartTls, Write
from smtpadmin.transport.smtp_connect import Resolver, own_name, system_resolver
from smtpadmin.transport.smtp_route import Opener, open_route
from smtpadmin.transport.smtp_stream import SmtpStream, open_stream
from smtpadmin.transport.smtp_wire import Wire
from smtpadmin.transport.tls_verdict import PolicyWords, TlsJudge

TOTAL_S = 60.0
STEP_S = 30.0
"""The longest wait for one answer; the message's end is bounded by the total deadline alone."""
QUIT_S = 2.0
LOOK_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a plan must not hold: password or token, and the proxy's login."""

    password: str = field(default="", repr=False)
    proxy_login: tuple[str, str] = field(default=("", ""), repr=False)

    def all_forms(self, user: str, authorize_as: str) -> tuple[str, ...]:
        """What must not be shown, as it is and as AUTH PLAIN sends it (RFC 4616)."""
        found = [self.proxy_login[1]] if self.proxy_login[1] else []
        if self.password:
            found += [self.password, f"{authorize_as}\0{user}\0{self.password}"]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a session uses beside the plan; a test puts its own here. ``opener`` connects from
    another machine; ``policy`` says what DANE and MTA-STS want of this host."""

    resolver: Resolver = system_resolver
    opener: Opener | None = None
    policy: PolicyWords = field(default_factory=PolicyWords)


async def run_plan(
    plan: SendPlan,
    envelope: Envelope | None,
    secrets: Secrets = Secrets(),
    *,
    total_s: float = TOTAL_S,
    step_s: float = STEP_S,
    emit: Callable[[TranscriptLine], None] = lambda line: None,
    around: Surroundings = Surroundings(),
) -> tuple[SendResult, SmtpadminError | None]:
    """One session. Gives the outcome, and the error when the message was not accepted; a session
    that was to end early and did is ``accepted`` as far as it went."""
    transcript: list[TranscriptLine] = []

    def record(line: TranscriptLine) -> None:
        transcript.append(line)
        emit(line)

    wire = Wire(record, secrets.all_forms(plan.login.user, plan.login.authorize_as))
    session = _Session(plan, envelope, secrets, wire, step_s, around)
    started = time.monotonic()
    error = await session.run(total_s)
    if isinstance(error, UntrustedError):
        if session.tls is None:
            left = total_s - (time.monotonic() - started)
            session.tls = await _look_again(plan, around, min(left, LOOK_AGAIN_S))
        if session.tls is not None:
            error = with_chain(error, session.tls)
    wire.recorder.end(wire.now())
    if error is not None:
        wire.note(error.what)
    return session.outcome(transcript, error), error


class _Session:
    def __init__(
        self,
        plan: SendPlan,
        envelope: Envelope | None,
        secrets: Secrets,
        wire: Wire,
        step_s: float,
        around: Surroundings,
    ) -> None:
        self.plan = plan
        self.stage = Stage.RESOLVE
        self.timings: dict[str, float] = {}
        self.address: str | None = None
        self.tls: TlsFacts | None = None
        self.dialogue: SmtpDialogue | None = None
        target = plan.target
        self.where = target.socket_path or f"{target.host}:{target.port}"
        self._envelope = envelope
        self._secrets = secrets
        self._wire = wire
        self._step_s = step_s
        self._around = around
        self._entered = wire.now()
        self._stream: SmtpStream | None = None
        self._step: asyncio.Timeout = asyncio.timeout(None)
        self._waits_s = step_s
        self._judge = TlsJudge(plan, around.policy)

    async def run(self, total_s: float) -> SmtpadminError | None:
        """To the end or the deadline; gives what went wrong."""
        try:
            async with asyncio.timeout(total_s):
                await self._all()
        except SmtpadminError as error:
            if not self._over():
                return error
        except TimeoutError:
            # At QUIT the message is the server's already, or it was refused.
            if not self._over():
                return too_slow(self.stage, total_s, self.where)
        finally:
            self.enter(self.stage)
            if self._stream is not None:
                self._stream.abort()
        return self.dialogue.error if self.dialogue is not None else None

    def _over(self) -> bool:
        return self.dialogue is not None and self.dialogue.leaving

    def enter(self, stage: Stage) -> None:
        """The time until now belongs to the stage before."""
        now = self._wire.now()
        spent = self.timings.get(self.stage.value, 0.0) + now - self._entered
        self.timings[self.stage.value] = round(spent, 1)
        self.stage, self._entered = stage, now

    async def _all(self) -> None:
        around = self._around
        async with open_route(
            self.plan.target,
            self.enter,
            self._wire.note,
            resolver=around.resolver,
            opener=around.opener,
            proxy_login=self._secrets.proxy_login,
        ) as (sock, self.address):
            name = (
                own_name(sock) if sock.family != getattr(socket, "AF_UNIX", None) else "localhost"
            )
            self._stream = await open_stream(sock)
            self.dialogue = SmtpDialogue(
                self.plan,
                self._envelope,
                secret=self._secrets.password,
                own_name=name,
                where=self.where,
                blot=self._wire.recorder.blot,
            )
            await self._with_step_deadline(self._talk(self._stream, self.dialogue))

    async def _with_step_deadline(self, talk: Coroutine[Any, Any, None]) -> None:
        """One timer for all answers, set anew for each of them."""
        try:
            async with asyncio.timeout(None) as self._step:
                await talk
        except TimeoutError as error:
            if not self._step.expired():
                raise
            raise too_slow(self.stage, self._waits_s, self.where) from error

    async def _talk(self, stream: SmtpStream, dialogue: SmtpDialogue) -> None:
        going = await self._do(stream, dialogue.begin())
        while going:
            octets = await self._heard(stream, dialogue)
            if octets:
                self._wire.recorder.received(self._wire.now(), octets)
            going = await self._do(
                stream, dialogue.received(octets) if octets else dialogue.hung_up()
            )

    async def _heard(self, stream: SmtpStream, dialogue: SmtpDialogue) -> bytes:
        """Wait for the server; after the message a content filter may take long: the session's own
        deadline bounds that."""
        seconds = QUIT_S if dialogue.leaving else self._step_s
        if self.stage is Stage.DOT:
            seconds = max(seconds, 600.0)
        self._waits_s = seconds
        self._step.reschedule(asyncio.get_running_loop().time() + seconds)
        octets = await stream.read()
        self._step.reschedule(None)
        return octets

    async def _do(self, stream: SmtpStream, outputs: Sequence[Output]) -> bool:
        """Whether the session goes on."""
        for output in outputs:
            if isinstance(output, Write):
                await self._write(stream, output)
            elif isinstance(output, Enter):
                self.enter(output.stage)
            elif isinstance(output, Note):
                self._wire.note(self._wire.recorder.blot(output.words))
            elif isinstance(output, HangUp):
                return False
            else:
                return await self._start_tls(stream, output)
        return True

    async def _write(self, stream: SmtpStream, output: Write) -> None:
        """Recorded as of the moment before it is sent, but after: the server works meanwhile."""
        now = self._wire.now()
        stream.write(output.octets)
        self._record(now, output)
        await stream.drain()

    def _record(self, now: float, output: Write) -> None:
        recorder = self._wire.recorder
        if output.shown:
            recorder.sent_as(now, output.shown)
        elif output.kind is Kind.SECRET:
            recorder.sent_secret(now, output.octets)
        elif output.kind is Kind.BODY:
            fold = self._envelope is not None and self._envelope.fold
            recorder.sent_body(now, output.octets, fold=fold)
        else:
            recorder.sent(now, output.octets)

    async def _start_tls(self, stream: SmtpStream, output: StartTls) -> bool:
        assert self.dialogue is not None
        early = stream.arrived()
        if early:
            self._wire.recorder.received(self._wire.now(), early)
            self._wire.note(f"({len(early)} octets before the handshake: thrown away)")
        name = self._judge.sent_name
        try:
            tls = await stream.start_tls(self._judge.context(), name, self._step_s)
        except (OSError, ValueError, ssl.SSLError) as error:
            raise self._tls_failure(error) from error
        self._wire.recorder.tls = True
        self.tls = self._judge.facts(tls)
        for line in self._judge.lines(self.tls):
            self._wire.note(line)
        self._judge.check(self.tls, self.where)
        return await self._do(stream, self.dialogue.encrypted(self._judge.bindings(tls)))

    def _tls_failure(self, error: Exception) -> SmtpadminError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._judge.untrusted(str(error.verify_message), self.where)
        if isinstance(error, ssl.SSLError):
            return UnreachableError(
                f"the TLS handshake failed ({error.reason or error})",
                where=self.where,
                remedy="Check that this port speaks TLS in the chosen mode.",
            )
        if isinstance(error, ConnectionAbortedError) and "handshake" in str(error):
            return too_slow(Stage.TLS, self._step_s, self.where)
        if isinstance(error, OSError):
            return closed(Stage.TLS, self.where, halfway=False)
        return UnreachableError(f"the TLS handshake failed ({error})", where=self.where)

    def outcome(
        self, transcript: Sequence[TranscriptLine], error: SmtpadminError | None
    ) -> SendResult:
        """What is known at the end."""
        said = self.dialogue
        reply = said.reply if said is not None else None
        refused = isinstance(error, ServerRefusedError | LoginError) and reply is not None
        accepted = said is not None and said.accepted and error is None
        stage = said.stage if said is not None and self._over() else self.stage
        return SendResult(
            result="accepted" if error is None else "refused" if refused else "failed",
            stage=stage,
            message_id=self._envelope.message_id if self._envelope else "",
            host=self.where,
            reply=reply,
            queue_id=queue_id_in(reply.text) if accepted and reply else None,
            address=self.address,
            tls=self.tls,
            timings_ms=dict(self.timings),
            recipients=tuple(said.recipients) if said is not None else (),
            transcript=tuple(transcript),
            error=str(error) if error is not None else "",
            detail=said.detail if said is not None else "",
            stopped=said.talk.stopped if said is not None else "",
            extensions=dict(said.talk.extensions) if said is not None else {},
        )


async def _look_again(plan: SendPlan, around: Surroundings, seconds: float) -> TlsFacts | None:
    """Connect once more without verifying, to see and explain the chain that was refused. Nothing
    secret is sent; the session ends after the handshake."""
    if seconds <= 0 or plan.tls.use is TlsUse.NONE:
        return None
    quiet = replace(
        plan,
        tls=replace(plan.tls, verify=Verify.NONE, fingerprint="", dane=False),
        login=replace(plan.login, user="", mechanisms=()),
        stop=Stop(StopPoint.TLS, StopHow.DROP),
    )
    found, _ = await run_plan(quiet, None, total_s=seconds, step_s=seconds, around=around)
    return found.tls


def with_chain(error: UntrustedError, tls: TlsFacts) -> UntrustedError:
    """The error with whose certificate it is, and what is wrong with each of the chain."""
    if not tls.chain:
        return error
    lines = [f"{one.subject}: {problem}" for one in tls.chain for problem in one.problems]
    own = tls.chain[0]
    head = f"subject {own.subject}\nissuer {own.issuer}\nvalid until {own.not_after[:10]}"
    return UntrustedError(
        error.what,
        where=error.where,
        remedy=error.remedy,
        detail="\n".join([head, *lines]),
        fingerprint=own.fingerprint,
        changed=error.changed,
    )
