"""Exim, through its command: on this computer, over SSH, behind a prefix such as ``docker exec``."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from smtpadmin.connectors._command_access import COMMAND_SETTINGS
from smtpadmin.connectors._exim_actions import EximActions, offers
from smtpadmin.connectors._exim_commands import EximCommands, EximPlace, Rights, both, text_of
from smtpadmin.connectors._exim_log import EximLog
from smtpadmin.connectors._exim_messages import EximMessages, is_plain
from smtpadmin.connectors._exim_queue import EximQueue
from smtpadmin.connectors.api import Advice, FieldType, SearchableFiles, SettingField
from smtpadmin.formats import exim_routing
from smtpadmin.formats.exim_config import HIDDEN
from smtpadmin.model.errors import (
    NotPermittedError,
    ServerRefusedError,
    UsageError,
)
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import (
    ActionOffer,
    ActionResult,
    QueueAction,
    QueueCounts,
    QueueEntry,
    StoredMessage,
)
from smtpadmin.model.routing import FakeSession, Route, SessionEnvelope
from smtpadmin.model.stats import ProbeResult
from smtpadmin.transport.open_runner import open_runner
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from smtpadmin.transport.command import CommandRunner

_FACTS = {
    "primary_hostname": "Host name",
    "qualify_domain": "Qualifies addresses with",
    "spool_directory": "Spool",
    "message_size_limit": "Largest message",
    "timeout_frozen_after": "Removes frozen messages after",
    "ignore_bounce_errors_after": "Drops undeliverable bounces after",
    "queue_list_requires_admin": "Listing needs an administrator",
    "message_logs": "Keeps a log of each message",
    "log_file_path": "Log",
}


class EximServer:
    """One Exim."""

    id = "exim"
    title = "Exim"
    settings = (
        *COMMAND_SETTINGS,
        SettingField("binary", "Program", help="exim, exim4 or a path; looked for when empty"),
        SettingField("config", "Configuration file", FieldType.PATH, help="for exim -C"),
        SettingField("queue", "Named queue", help="the default queue when empty"),
    )
    unsaid = frozenset({"tries", "next_try", "expires", "message_id", "subject", "client"})

    def __init__(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        self._profile = profile
        self._secrets = secrets
        self._opened: EximCommands | None = None

    @property
    def _exim(self) -> EximCommands:
        if self._opened is None:
            self._opened = EximCommands(self._open_runner(), self._place())
        return self._opened

    @property
    def _queue(self) -> EximQueue:
        return EximQueue(self._exim, self._profile.name)

    @property
    def _messages(self) -> EximMessages:
        return EximMessages(self._exim, self._queue)

    def _open_runner(self) -> CommandRunner:
        return open_runner(self._profile, self._secrets)

    def _place(self) -> EximPlace:
        own = self._profile.settings
        binary, config, queue = (own.get(name, "") for name in ("binary", "config", "queue"))
        for value in (binary, config, queue):
            if value.startswith("-") or not value.isprintable():
                raise UsageError(f"{value!r} is no path or name", where=self._profile.name)
        return EximPlace(binary, config, queue, self._profile.user)

    async def probe(self) -> ProbeResult:
        """Version, how it is set up, and what the account may do."""
        build = await self._exim.build()
        options = await self._exim.options(list(_FACTS))
        facts = {
            title: visible(options[name], 300)
            for name, title in _FACTS.items()
            if options.get(name, HIDDEN) != HIDDEN
        }
        facts["Configuration"] = build.configuration
        facts["Administrator"] = (await self._exim.rights()).value
        return ProbeResult("Exim", build.version, f"{self._exim.runner.where}", facts)

    async def close(self) -> None:
        """Give up the connection."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.runner.close()

    # QueueSource

    def list_queue(self) -> AsyncIterator[Sequence[QueueEntry]]:
        """The queue as it is read, unsorted. Raises ProtocolError when it breaks off."""
        return self._queue.entries()

    async def queue_counts(self) -> QueueCounts:
        """All messages, frozen ones too."""
        return await self._queue.counts()

    # QueueControl

    def offers(self) -> tuple[ActionOffer, ...]:
        """Everything but requeue."""
        binary = self._profile.settings.get("binary", "exim")
        return offers(self._opened.shown if self._opened else binary)

    async def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> list[ActionResult]:
        """Do it to those that are still what they were; the outcome is read from Exim's answer."""
        return await EximActions(self._exim, self._queue).act(action, entries)

    async def reinject(self, message: StoredMessage) -> str:
        """Put a kept copy back, for the next queue run; gives the new ID."""
        return await self._messages.reinject(message)

    # MessageSource, MessageLogSource

    async def fetch_message(self, queue_id: str) -> StoredMessage:
        """A queued message with the recipients that still wait."""
        return await self._messages.fetch(queue_id)

    async def fetch_message_log(self, queue_id: str) -> list[str]:
        """What happened to a queued message so far, in Exim's words."""
        return await self._messages.log(queue_id)

    # LogSource

    def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        """Main, reject and panic log of a time range, rotated and compressed files too."""
        return EximLog(self._exim).read(since, until)

    def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        """New lines of the three logs, until cancelled; across rotation."""
        return EximLog(self._exim).follow()

    # SearchableLog

    async def log_place(self, since: datetime | None = None) -> SearchableFiles | None:
        """Main and reject log, rotated and compressed files too."""
        return await EximLog(self._exim).searchable(since)

    # RoutingTester

    async def test_routing(self, address: str) -> list[Route]:
        """How Exim would route an address (``-bt``); no message is made."""
        if not is_plain(address) or not address:
            raise UsageError("this is no address", where=visible(address, 60))
        result = await self._exim.run(["-bt", "--", address], admin=False, deadline=60.0)
        routes = exim_routing.parse_routes(text_of(result.stdout))
        if not routes:
            said = visible(both(result).strip(), 300)
            raise ServerRefusedError(f"Exim did not route it: {said}", where=self._profile.name)
        return routes

    async def fake_session(self, ip: str, envelope: SessionEnvelope) -> FakeSession:
        """What Exim would answer a client at ``ip`` (``-bh``), and why; no message is made."""
        commands = exim_routing.session_commands(envelope)
        stdin = "".join(f"{command}\r\n" for command in commands).encode()
        result = await self._exim.run(
            ["-bh", _ip_argument(ip)], admin=False, stdin=stdin, deadline=120.0
        )
        session = exim_routing.parse_session(
            commands, text_of(result.stdout), text_of(result.stderr)
        )
        if session.replies[0].code is None:
            said = visible(both(result).strip(), 300)
            raise ServerRefusedError(f"Exim held no session: {said}", where=self._profile.name)
        return session

    # AdviceSource

    async def advice(self) -> list[Advice]:
        """A panic log that is not empty, and what the account lacks."""
        found = await self._panic_advice()
        if await self._exim.rights() is Rights.NONE:
            fix = self._exim.not_permitted().remedy
            found.append(Advice("warn", "the account is no administrator of Exim", fix))
        return found

    async def _panic_advice(self) -> list[Advice]:
        try:
            lines = await EximLog(self._exim).panic_lines()
        except (NotPermittedError, ServerRefusedError) as error:
            return [Advice("warn", error.what, error.remedy)]
        if not lines:
            return []
        what = f"Exim's panic log is not empty: {visible(lines[-1], 300)}"
        return [Advice("fail", what, "Mend what it says, then move the file paniclog away.")]


def _ip_argument(text: str) -> str:
    """The address as Exim takes it. Raises UsageError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise UsageError("this is no IP address", where=visible(text, 60)) from error
