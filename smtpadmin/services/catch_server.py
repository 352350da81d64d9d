"""The catch server: takes every message on this machine's loopback and delivers none.

Start it, read ``store``, listen to its signals, change ``rules`` while it runs. Each session's
transcript is beside its messages. Checks of a message: :mod:`smtpadmin.formats.message_checks`;
handing one on to a real server is :mod:`smtpadmin.services.release`'s part.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from smtpadmin.formats.message_header import (
    MOST_HEADER_OCTETS,
    normal_line_ends,
    read_header,
)
from smtpadmin.model.catch import BadCertificate, CatchRule, CaughtMessage, CaughtSession
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import Stage, TranscriptLine
from smtpadmin.protocol.catch_rules import Facts, RuleBook
from smtpadmin.services.catch_store import CatchStore, StoreLimits, save_message, save_session
from smtpadmin.settings.server_tls import bad_context, ca_path, server_context
from smtpadmin.util.signal import Signal
from smtpadmin.util.tasks import TaskOwner, run_blocking
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope

    from smtpadmin.transport.catch_smtp import CatchSession

T = TypeVar("T", CaughtMessage, CaughtSession)
Address = tuple[str, int]
MOST_UNSAVED = 1_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CatchLimits:
    """What is refused as too much. Sizes in octets, times in seconds; ``incoming`` bounds the
    messages that are just being sent, all sessions together."""

    message_size: int = 50 * 1024 * 1024
    incoming: int = 128 * 1024 * 1024
    connections: int = 200
    idle_s: float = 300.0
    data_s: float = 1800.0
    login_failures: int = 100


@dataclass(frozen=True, slots=True)
class CatchConfig:
    """What a catch server is told. ``tls`` is that of ``listen``,
    ``implicit`` a second port with TLS from the start; ``save`` a
    folder for ``.eml`` files, which nobody but you empties; ``tls_folder`` keeps authority and
    certificate from run to run (without, they last as long as the server). ``outside`` lets it
    listen where others reach it: then anybody may fill its memory up to ``store``."""

    listen: Address = ("127.0.0.1", 2525)
    implicit: Address | None = None
    tls: TlsMode = TlsMode.STARTTLS
    outside: bool = False
    hostname: str = "localhost"
    rules: tuple[CatchRule, ...] = ()
    seed: int | None = None
    save: Path | None = None
    tls_folder: Path | None = None
    limits: CatchLimits = field(default_factory=CatchLimits)
    store: StoreLimits = field(default_factory=StoreLimits)


class CatchServer:
    """One catch server. ``caught`` tells each message, ``session_ended`` each session, ``line`` each
    transcript line with its session's id, ``dropped`` the ids that had to make room."""

    def __init__(self, config: CatchConfig | None = None) -> None:
        self.config = config or CatchConfig()
        self.store = CatchStore(self.config.store)
        self.caught: Signal[[CaughtMessage]] = Signal()
        self.session_ended: Signal[[CaughtSession]] = Signal()
        self.line: Signal[[str, TranscriptLine]] = Signal()
        self.dropped: Signal[[tuple[str, ...]]] = Signal()
        self.address: Address | None = None
        self.implicit_address: Address | None = None
        self._book = RuleBook(self.config.rules, self.config.seed)
        self._incoming = 0
        self._unsaved = 0
        self._left = asyncio.Event()
        self._contexts: dict[BadCertificate, ssl.SSLContext] = {}
        self._tasks = TaskOwner("catch server")
        self._own_folder: Path | None = None

    @property
    def limits(self) -> CatchLimits:
        """Of each session, and of all together."""
        return self.config.limits

    @property
    def rules(self) -> tuple[CatchRule, ...]:
        """What is done otherwise; may be set while it runs, which forgets counts and greylists."""
        return self._book.rules

    @rules.setter
    def rules(self, rules: Sequence[CatchRule]) -> None:
        self._book = RuleBook(rules, self.config.seed)

    def rules_acted(self) -> tuple[int, ...]:
        """How many times each rule has acted."""
        return self._book.acted()

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._listener.sessions)

    async def wait_for_clients(self, seconds: float) -> None:
        """Return when all have gone by themselves, at the latest after so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.clients:
                    self._left.clear()
                    await self._left.wait()

    @property
    def ca_file(self) -> Path:
        """The authority that clients should trust."""
        return ca_path(self._tls_folder())

    async def start(self) -> None:
        """Open the ports. Raises UsageError, NotPermittedError (an outside address that is not
        allowed), StorageError (certificates)."""
        from smtpadmin.transport.catch_listener import CatchListener

        config = self.config
        self._listener = CatchListener(self, config.hostname, config.limits.connections)
        try:
            tls = await run_blocking(server_context, self._tls_folder(), config.hostname)
            await self._make_bad_contexts(config.rules)
            self.address = await self._listener.open(
                config.listen,
                None if config.tls is TlsMode.NONE else tls,
                implicit=config.tls is TlsMode.IMPLICIT,
                outside=config.outside,
            )
            if config.implicit is not None:
                self.implicit_address = await self._listener.open(
                    config.implicit, tls, implicit=True, outside=config.outside
                )
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the ports, end the sessions, write down what is still to be saved."""
        await self._listener.close()
        for _ in range(100):  # ten seconds for a slow disk
            if not self._tasks.running:
                break
            await asyncio.sleep(0.1)
        await self._tasks.close()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)
            self._own_folder = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[CatchServer]:
        """Started, and stopped at the end. Raises what :meth:`start` raises."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def set_rules(self, rules: Sequence[CatchRule]) -> None:
        """Set :attr:`rules`, with the bad certificates that they need made beforehand."""
        await self._make_bad_contexts(rules)
        self.rules = tuple(rules)

    async def _make_bad_contexts(self, rules: Sequence[CatchRule]) -> None:
        for kind in {rule.certificate for rule in rules if rule.certificate is not None}:
            if kind not in self._contexts:
                self._contexts[kind] = await run_blocking(
                    bad_context, self._tls_folder(), kind, self.config.hostname
                )

    def _tls_folder(self) -> Path:
        if self.config.tls_folder is not None:
            return self.config.tls_folder
        if self._own_folder is None:
            self._own_folder = Path(tempfile.mkdtemp(prefix="smtpadmin-catch-"))
        return self._own_folder

    # What a session asks (transport.catch_smtp.CatchOwner).

    def decide(self, at: Stage, facts: Facts) -> CatchRule | None:
        """The rule that acts here."""
        return self._book.decide(at, facts, asyncio.get_running_loop().time())

    def bad_context(self, kind: BadCertificate) -> ssl.SSLContext:
        """A TLS context with that fault."""
        if kind not in self._contexts:  # rules that were set without set_rules
            self._contexts[kind] = bad_context(self._tls_folder(), kind, self.config.hostname)
        return self._contexts[kind]

    def reserve(self, octets: int) -> bool:
        """Whether so many more octets may come; negative ones are given back."""
        if octets > 0 and self._incoming + octets > self.limits.incoming:
            return False
        self._incoming += octets
        return True

    def on_session_began(self, session: CatchSession) -> None:
        """A client is here: tell its lines."""
        session.wire.on_line = _Lines(self.line, session.session_id).tell

    def on_session_ended(self, session: CatchSession) -> None:
        """It has gone: its transcript is complete."""
        self._left.set()
        ended = CaughtSession(
            session_id=session.session_id,
            began=session.began,
            ended=datetime.now(UTC),
            client=session.client,
            helo=visible(session.helo, 255),
            user=session.sasl_username,
            tls=session.last_tls,
            messages=tuple(session.messages),
            rules=tuple(session.rules),
            transcript=tuple(session.wire.lines),
        )
        self._tell_dropped(self.store.add_session(ended))
        self.session_ended.emit(ended)
        if self.config.save is not None:
            self._save(save_session, ended)

    def on_message(self, session: CatchSession, envelope: Envelope, raw: bytes, reply: str) -> None:
        """A whole message."""
        message = _message(session, envelope, raw, reply)
        self._tell_dropped(self.store.add(message))
        self.caught.emit(message)
        if self.config.save is not None:
            self._save(save_message, message)

    def on_bug(self, error: BaseException) -> None:
        """A bug of ours in a session; the client heard 451."""
        log.error("a session of the catch server failed", exc_info=error)

    def _tell_dropped(self, ids: tuple[str, ...]) -> None:
        if ids:
            self.dropped.emit(ids)

    def _save(self, write: Callable[[Path, T], Path], what: T) -> None:
        if self._unsaved >= MOST_UNSAVED:
            log.warning("the disk is too slow: what was caught is not saved as a file")
            return
        self._unsaved += 1
        self._tasks.spawn("save", self._saving(write, what))

    async def _saving(self, write: Callable[[Path, T], Path], what: T) -> None:
        assert self.config.save is not None
        try:
            await run_blocking(write, self.config.save, what)
        except (OSError, SmtpadminError) as error:
            log.warning("what was caught cannot be saved: %s", error)
        finally:
            self._unsaved -= 1


class _Lines:
    """Tells the lines of one session."""

    def __init__(self, signal: Signal[[str, TranscriptLine]], session_id: str) -> None:
        self._signal = signal
        self._session_id = session_id

    def tell(self, line: TranscriptLine) -> None:
        self._signal.emit(self._session_id, line)


def _message(session: CatchSession, envelope: Envelope, raw: bytes, reply: str) -> CaughtMessage:
    from smtpadmin.transport.catch_hooks import sender_of

    header = read_header(normal_line_ends(raw[:MOST_HEADER_OCTETS]))
    pairs = raw.count(b"\r\n")
    return CaughtMessage(
        message_id=session.messages[-1],
        session_id=session.session_id,
        time=datetime.now(UTC),
        sender=sender_of(envelope),
        recipients=tuple(envelope.rcpt_tos),
        raw=raw,
        reply=reply,
        accepted=reply.startswith("2"),
        client=session.client,
        helo=visible(session.helo, 255),
        protocol=session.protocol,
        user=session.sasl_username,
        mechanism=session.mechanism,
        tls=session.tls,
        mail_options=tuple(envelope.mail_options),
        smtputf8=bool(envelope.smtp_utf8),
        bare_lf=raw.count(b"\n") - pairs,
        bare_cr=raw.count(b"\r") - pairs,
        subject=header.subject,
        header_message_id=header.message_id,
    )
