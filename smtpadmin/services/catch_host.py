"""A catch server as a server of the window: a session starts it, pages show what it has caught.

It takes part in a session as a connector does (``probe`` listens), outlives a stop with all that it
has caught, and is gone with the window. Its set-up may change while it runs.
"""

from __future__ import annotations

import asyncio
import enum
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import uuid4

from smtpadmin.connectors.api import SettingField
from smtpadmin.formats.catch_rules import read_rules, rule_from, write_rules
from smtpadmin.model.catch import CatchRule, CaughtMessage, CaughtSession
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from smtpadmin.model.smtp import SubmissionEndpoint, TranscriptLine
from smtpadmin.model.stats import ProbeResult
from smtpadmin.services.catch_server import CatchConfig, CatchServer
from smtpadmin.services.catch_store import CatchStore
from smtpadmin.services.session import GivenUpError
from smtpadmin.settings.paths import data_dir
from smtpadmin.util.signal import Signal

KIND = "catch-server"
MOST_LIVE = 300
"""Running sessions whose lines are kept; more than a server takes at once."""
MOST_LIVE_LINES = 5_000
ANY_USER, ANY_PASSWORD = "test", "test"
"""Shown where a form wants some; the server takes every other, too."""


class LoginRule(enum.StrEnum):
    """What the server makes of AUTH."""

    ACCEPTED = "accepted"
    REQUIRED = "required"
    REFUSED = "refused"


_BEFORE = {LoginRule.REQUIRED: ("mail", "530 5.7.0 Authentication required")}
_AFTER = {LoginRule.REFUSED: ("auth", "535 5.7.8 Authentication credentials invalid")}


@dataclass(frozen=True, slots=True)
class CatchSetup:
    """What the user chooses. ``port`` 0 takes a free one; ``outside`` is said anew each time."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: TlsMode = TlsMode.STARTTLS
    login: LoginRule = LoginRule.ACCEPTED
    outside: bool = False
    rules: tuple[CatchRule, ...] = ()


def setup_record(setup: CatchSetup) -> dict[str, Any]:
    """A set-up to keep from run to run; an outside address is not among what is kept."""
    host, port = ("127.0.0.1", 0) if setup.outside else (setup.host, setup.port)
    return {
        "host": host, "port": port, "tls": setup.tls.value, "login": setup.login.value,
        "rules": write_rules(setup.rules).decode(),
    }  # fmt: skip


def setup_from(record: Mapping[str, Any]) -> CatchSetup:
    """The set-up of a record; what is wrong in it counts as not kept."""
    try:
        port = int(record["port"])
        return CatchSetup(
            host=str(record["host"]),
            port=port if 0 <= port <= 65_535 else 0,
            tls=TlsMode(record["tls"]),
            login=LoginRule(record["login"]),
            rules=read_rules(str(record["rules"]).encode()),
        )
    except (KeyError, TypeError, ValueError, UsageError):
        return CatchSetup()


def profile_of(setup: CatchSetup, taken: Collection[str] = ()) -> Profile:
    """A profile that lasts as long as the window; its name is none of those ``taken``."""
    names = ("Catch server", *(f"Catch server ({k})" for k in range(2, 1_000)))
    return Profile(
        str(uuid4()), next(n for n in names if n not in taken), KIND, setup.host,
        setup.port or None, tls=setup.tls, environment=Environment.TEST, safety=SafetyLevel.FREE,
        settings=MappingProxyType({name: str(v) for name, v in setup_record(setup).items()}),
    )  # fmt: skip


class CatchHost:
    """One catch server, running or stopped. ``caught``, ``session_ended`` and ``dropped`` are those
    of ``services.catch_server``, whichever run they come from; ``changed`` when it was started,
    stopped or set up otherwise."""

    id: ClassVar[str] = KIND
    title: ClassVar[str] = "Catch server"
    settings: ClassVar[tuple[SettingField, ...]] = ()

    def __init__(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        self.setup = setup_from(profile.settings)
        self.store = CatchStore()
        self.server: CatchServer | None = None
        self.caught: Signal[[CaughtMessage]] = Signal()
        self.session_ended: Signal[[CaughtSession]] = Signal()
        self.dropped: Signal[[tuple[str, ...]]] = Signal()
        self.changed: Signal[[]] = Signal()
        self._wanted = True
        self._busy = asyncio.Lock()
        self._live: OrderedDict[str, list[TranscriptLine]] = OrderedDict()

    # Running.

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens; None while it does not."""
        return self.server.address if self.server is not None else None

    async def probe(self) -> ProbeResult:
        """Start it unless it runs. Raises GivenUpError after :meth:`stop_catching`, and what
        :meth:`start_catching` raises."""
        if not self._wanted:
            raise GivenUpError("the catch server is stopped", remedy="Start it.")
        await self.start_catching()
        host, port = self.address or ("", 0)
        facts = {"Address": f"{host}:{port}", "TLS": self.setup.tls.value}
        return ProbeResult("smtpadmin catch", "", f"{host}:{port}", facts)

    async def start_catching(self) -> None:
        """Listen as the set-up says, unless it does. Raises UsageError (the port is taken),
        NotPermittedError (an outside address without consent), StorageError."""
        async with self._busy:
            self._wanted = True
            if self.server is None:
                server = self._made()
                await server.start()
                self.server = server
                assert server.address is not None
                self.setup = replace(self.setup, port=server.address[1])
        self.changed.emit()

    def _made(self) -> CatchServer:
        setup = self.setup
        config = CatchConfig(
            listen=(setup.host, setup.port), tls=setup.tls, outside=setup.outside,
            rules=_rules_of(setup), tls_folder=data_dir() / "catch-tls",
        )  # fmt: skip
        server = CatchServer(config)
        server.store = self.store
        server.line.connect(self._on_line)
        server.caught.connect(self.caught.emit)
        server.session_ended.connect(self._on_session)
        server.dropped.connect(self.dropped.emit)
        return server

    async def stop_catching(self) -> None:
        """Close the port and end the sessions; what was caught stays."""
        async with self._busy:
            self._wanted = False
            server, self.server = self.server, None
            if server is not None:
                await server.stop()
        self.changed.emit()

    async def set_up(self, setup: CatchSetup) -> None:
        """Run with another set-up from now on. Raises what :meth:`start_catching` raises; it is
        stopped then."""
        await self.stop_catching()
        self.setup = setup
        await self.start_catching()

    async def set_rules(self, rules: Sequence[CatchRule]) -> None:
        """Other rules, for what comes from now on. Raises StorageError."""
        self.setup = replace(self.setup, rules=tuple(rules))
        if self.server is not None:
            await self.server.set_rules(_rules_of(self.setup))
        self.changed.emit()

    def rules_acted(self) -> tuple[int, ...]:
        """How many times each rule of the set-up has acted since it was put in force."""
        count = len(self.setup.rules)
        if self.server is None:
            return (0,) * count
        acted = self.server.rules_acted()
        before = 1 if self.setup.login in _BEFORE else 0
        return acted[before : before + count]

    async def close(self) -> None:
        """End it for good."""
        await self.stop_catching()

    # Submission

    def submission_endpoints(self) -> tuple[SubmissionEndpoint, ...]:
        """The address that it listens at, if it does."""
        if self.server is None or self.server.address is None:
            return ()
        host, port = self.server.address
        reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        secured = self.setup.tls is not TlsMode.NONE
        user = ANY_USER if self.setup.login is LoginRule.REQUIRED else ""
        return (
            SubmissionEndpoint(
                reached, port, self.setup.tls, user,
                ca_file=str(self.server.ca_file) if secured else "",
            ),
        )  # fmt: skip

    def submission_password(self) -> str:
        """Any would do."""
        return ANY_PASSWORD if self.setup.login is LoginRule.REQUIRED else ""

    # What was caught.

    def transcript_of(self, session_id: str) -> tuple[TranscriptLine, ...]:
        """The lines of a session, of one that still lasts those so far; empty when they are gone."""
        live = self._live.get(session_id)
        if live is not None:
            return tuple(live)
        ended = next((s for s in self.store.sessions() if s.session_id == session_id), None)
        return ended.transcript if ended is not None else ()

    def _on_line(self, session_id: str, line: TranscriptLine) -> None:
        lines = self._live.setdefault(session_id, [])
        if len(lines) < MOST_LIVE_LINES:
            lines.append(line)
        if len(self._live) > MOST_LIVE:
            self._live.popitem(last=False)

    def _on_session(self, session: CaughtSession) -> None:
        self._live.pop(session.session_id, None)
        self.session_ended.emit(session)


def _rules_of(setup: CatchSetup) -> tuple[CatchRule, ...]:
    """The rules of the set-up with those that its login makes: what must not be got round stands
    first, what is meant for the rest stands last."""

    def rules(table: Mapping[LoginRule, tuple[str, str]]) -> tuple[CatchRule, ...]:
        if setup.login not in table:
            return ()
        at, reply = table[setup.login]
        user = "" if at == "mail" else "*"
        return (rule_from({"at": at, "reply": reply, "user": user, "name": "login"}),)

    return (*rules(_BEFORE), *setup.rules, *rules(_AFTER))
