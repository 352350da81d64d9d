"""Exim, through its command: on this computer, over SSH, behind a prefix such as ``docker exec``."""

from __future__ import annotations

import asyncio
import secrets as random
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from smtpadmin.connectors._command_access import COMMAND_SETTINGS
from smtpadmin.connectors._exim_commands import EximCommands, EximPlace, Rights, both, text_of
from smtpadmin.connectors._exim_log import EximLog
from smtpadmin.connectors._lines import whole_lines
from smtpadmin.connectors.api import Advice, FieldType, SettingField
from smtpadmin.formats import exim_actions, exim_routing
from smtpadmin.formats.exim_config import HIDDEN
from smtpadmin.formats.exim_id import arrival_of, is_message_id
from smtpadmin.formats.exim_queue import SPOOL_FILE_GONE, EximQueueReader
from smtpadmin.formats.exim_spool import parse_header_file, parse_message_log
from smtpadmin.model.errors import (
    NotPermittedError,
    ProtocolError,
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

OPTIONS = {
    QueueAction.RETRY: "-M",
    QueueAction.HOLD: "-Mf",
    QueueAction.RELEASE: "-Mt",
    QueueAction.BOUNCE: "-Mg",
    QueueAction.DELETE: "-Mrm",
}
WHY_NO_REQUEUE = "Exim keeps no routing from one try to the next; retry does the same"
CHANGED = "the queue ID now belongs to another message"
ID_NOT_TOLD = "an ID that Exim did not tell"

MOST_IDS = 500
"""Messages named in one command."""

DELIVERIES_AT_ONCE = 4
DELIVERY_S = 600.0
"""Seconds for one ``-M``: it ends when the delivery ends, and one that is cut off half-way may
deliver the message twice. Exim's own time-outs (``connect_timeout``, ``final_timeout``) end before."""

MOST_MESSAGE = 256 * 1024 * 1024
MOST_ENVELOPE = 100_000
"""Octets of addresses on a command line: Linux takes 128 KiB as one argument of the remote shell."""

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

    async def list_queue(self) -> AsyncIterator[Sequence[QueueEntry]]:
        """The queue as it is read, unsorted. Raises ProtocolError when it breaks off."""
        exim = self._exim
        told: list[str] = []
        reader = EximQueueReader(told.append, self._profile.name)
        async with exim.start(["-bpr"], sudo=await exim.lists_by_sudo()) as running:
            async for lines in whole_lines(running.chunks()):
                if entries := [entry for line in lines if (entry := reader.feed(line))]:
                    yield entries
            result = await running.finish()
        if result.status == 0 and (last := reader.finish()):
            yield [last]
        if result.status:
            self._raise_for_listing(result.status, text_of(result.stderr), told)

    def _raise_for_listing(self, status: int, stderr: str, told: Sequence[str]) -> None:
        if exim_actions.is_permission_denied(stderr):
            raise self._exim.not_permitted()
        said = visible(" ".join([*stderr.split("\n"), *told]).strip(), 300)
        raise ProtocolError(
            f"the listing broke off: {said or f'exit status {status}'}",
            where=self._exim.runner.where,
            remedy="Try again.",
        )

    async def queue_counts(self) -> QueueCounts:
        """All messages, frozen ones too: Exim counts no other way without listing them."""
        sudo = await self._exim.lists_by_sudo()
        argv = await self._exim.argv(["-bpc"])
        result = await self._exim.runner.run(argv, privileged=sudo)
        count = text_of(result.stdout).strip()
        if not (count.isascii() and count.isdigit()):
            self._raise_for_listing(result.status, both(result), ())
        return QueueCounts({"deferred": int(count)})

    async def _named(self, ids: Sequence[str]) -> dict[str, QueueEntry]:
        """Those of the messages that are in the queue now."""
        found: dict[str, QueueEntry] = {}
        for start in range(0, len(ids), MOST_IDS):
            reader = EximQueueReader(lambda _: None, self._profile.name)
            result = await self._exim.run(["-bp", *ids[start : start + MOST_IDS]])
            if result.status:
                self._raise_for_listing(result.status, both(result), ())
            entries = [reader.feed(line) for line in result.stdout.split(b"\n")]
            found |= {e.queue_id: e for e in [*entries, reader.finish()] if e}
        return {i: entry for i, entry in found.items() if SPOOL_FILE_GONE not in entry.flags}

    # QueueControl

    def offers(self) -> tuple[ActionOffer, ...]:
        """Everything but requeue."""
        return tuple(
            ActionOffer(action, True, commands=(f"{self._shown()} {OPTIONS[action]} ID…",))
            if action in OPTIONS
            else ActionOffer(action, False, WHY_NO_REQUEUE)
            for action in QueueAction
        )

    def _shown(self) -> str:
        return self._opened.shown if self._opened else self._profile.settings.get("binary", "exim")

    async def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> list[ActionResult]:
        """Do it to those that are still what they were; the outcome is read from Exim's answer."""
        if action not in OPTIONS:
            return [ActionResult(entry.queue_id, False, WHY_NO_REQUEUE) for entry in entries]
        good = list(dict.fromkeys(e.queue_id for e in entries if is_message_id(e.queue_id)))
        now = await self._named(good) if good else {}
        refused = {e.queue_id: why for e in entries if (why := _why_not(e, now.get(e.queue_id)))}
        wanted = [queue_id for queue_id in good if queue_id not in refused]
        done = {result.queue_id: result for result in await self._do(action, wanted)}
        return [
            done.get(e.queue_id)
            or ActionResult(e.queue_id, False, refused.get(e.queue_id, exim_actions.NOT_SAID))
            for e in entries
        ]

    async def _do(self, action: QueueAction, ids: Sequence[str]) -> list[ActionResult]:
        if action is QueueAction.RETRY:
            return await self._deliver(ids)
        results: list[ActionResult] = []
        for start in range(0, len(ids), MOST_IDS):
            part = ids[start : start + MOST_IDS]
            deadline = DELIVERY_S if action is QueueAction.BOUNCE else 60.0
            answer = await self._exim.run([OPTIONS[action], *part], deadline=deadline)
            if action is QueueAction.BOUNCE:
                results += await self._bounced(part, both(answer))
            else:
                results += exim_actions.parse_action(action, part, both(answer))
        return results

    async def _bounced(self, ids: Sequence[str], said: str) -> list[ActionResult]:
        """``-Mg`` says nothing when it worked: what has left the queue was given up."""
        left = await self._named(ids)
        why = visible(said.strip(), 300) or exim_actions.LOCKED
        return [
            ActionResult(i, False, f"still in the queue: {why}") if i in left else ActionResult(i, True)
            for i in ids
        ]  # fmt: skip

    async def _deliver(self, ids: Sequence[str]) -> list[ActionResult]:
        """One command a message, a few at once: each ends when its delivery does."""
        turn = asyncio.Semaphore(DELIVERIES_AT_ONCE)

        async def deliver(queue_id: str) -> ActionResult:
            async with turn:
                answer = await self._exim.run(["-v", "-M", queue_id], deadline=DELIVERY_S)
                return exim_actions.parse_delivery(queue_id, both(answer))

        results = await asyncio.gather(*map(deliver, ids), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, ActionResult)]

    async def reinject(self, message: StoredMessage) -> str:
        """Hand it in as it was and leave it for the next queue run; gives the new ID. The mark in
        the Received line's protocol tells it from any other message."""
        addresses = [message.sender, *message.recipients]
        if not message.recipients or any(not _is_plain(a) for a in addresses):
            raise ServerRefusedError("an address of its envelope cannot be given to Exim")
        if sum(len(a.encode()) + 5 for a in addresses) > MOST_ENVELOPE:
            raise ServerRefusedError("it has more recipients than a command line takes")
        mark = f"reinjected-{random.token_hex(6)}"
        sender = message.sender or "<>"
        recipients = [f"<{address}>" for address in message.recipients]
        # Without -oep Exim would mail its refusal to the sender of the message; -d tells the new ID.
        args = [
            "-d-all+receive",
            "-odq",
            "-oep",
            "-i",
            "-oMr",
            mark,
            "-f",
            sender,
            "--",
            *recipients,
        ]
        result = await self._exim.run(args, stdin=_unix_lines(message.raw), deadline=120.0)
        if result.status:
            lines = [line for line in both(result).splitlines() if line.startswith("exim")]
            raise ServerRefusedError(f"Exim did not take it back: {visible(' '.join(lines), 300)}")
        told = exim_actions.parse_accepted(text_of(result.stderr))
        if told and await self._has_mark(told, mark):
            return told
        return await self._find_reinjected(message, mark)

    async def _find_reinjected(self, message: StoredMessage, mark: str) -> str:
        """Among those in the queue that are like it, when a long header hid what Exim told."""
        candidates: list[str] = []
        async for batch in self.list_queue():
            candidates += [e.queue_id for e in batch if _is_like(e, message)]
        for queue_id in sorted(candidates, key=_arrival, reverse=True):
            if await self._has_mark(queue_id, mark):
                return queue_id
        return ID_NOT_TOLD

    async def _has_mark(self, queue_id: str, mark: str) -> bool:
        head = await self._exim.run(["-Mvh", queue_id])
        return head.status == 0 and mark.encode() in head.stdout

    # MessageSource, MessageLogSource

    async def fetch_message(self, queue_id: str) -> StoredMessage:
        """A queued message with the recipients that still wait."""
        head, body = await asyncio.gather(
            self._show("-Mvh", queue_id), self._show("-Mvb", queue_id)
        )
        return parse_header_file(head).message(body)

    async def fetch_message_log(self, queue_id: str) -> list[str]:
        """What happened to a queued message so far, in Exim's words."""
        return parse_message_log(await self._show("-Mvl", queue_id))

    async def _show(self, option: str, queue_id: str) -> bytes:
        if not is_message_id(queue_id):
            raise ServerRefusedError(f"{exim_actions.MALFORMED}: {visible(queue_id, 60)}")
        result = await self._exim.run([option, queue_id], most=MOST_MESSAGE, deadline=120.0)
        if result.status == 0:
            return result.stdout
        said = both(result)
        what = "no log of each message is kept" if "message_logs option" in said else ""
        if not what:
            gone = "No such file" in said or "does not exist" in said
            what = exim_actions.GONE if gone else visible(said.strip(), 300)
        raise ServerRefusedError(f"{queue_id}: {what}", where=self._profile.name)

    # LogSource

    def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        """Main, reject and panic log of a time range, rotated and compressed files too."""
        return EximLog(self._exim).read(since, until)

    def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        """New lines of the three logs, until cancelled; across rotation."""
        return EximLog(self._exim).follow()

    # RoutingTester

    async def test_routing(self, address: str) -> list[Route]:
        """How Exim would route an address (``-bt``); no message is made."""
        if not _is_plain(address) or not address:
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
            fix = f"/etc/sudoers.d/smtpadmin: {self._exim.sudoers()}"
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


def _why_not(wanted: QueueEntry, now: QueueEntry | None) -> str:
    """Why a message is not to be touched; empty when it is what the user saw."""
    if not is_message_id(wanted.queue_id):
        return exim_actions.MALFORMED
    if now is None:
        return exim_actions.GONE
    return "" if now.identity == wanted.identity else CHANGED


def _is_plain(address: str) -> bool:
    """Whether it can stand in a command and on a line of its own."""
    return address.isprintable() and len(address) <= 1_000 and "\\x" not in address


def _is_like(entry: QueueEntry, message: StoredMessage) -> bool:
    waiting = {r.address for r in entry.recipients}
    return entry.sender == message.sender and waiting == set(message.recipients)


def _arrival(queue_id: str) -> float:
    when = arrival_of(queue_id)
    return when.timestamp() if when else 0.0


def _unix_lines(raw: bytes) -> bytes:
    """Exim wants the system's line ends from a local program."""
    return raw.replace(b"\r\n", b"\n")


def _ip_argument(text: str) -> str:
    """``192.0.2.1`` or ``192.0.2.1.25000``-free: the address alone. Raises UsageError."""
    import ipaddress

    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise UsageError("this is no IP address", where=visible(text, 60)) from error
