"""Postfix, through its own commands: over SSH, on this computer, or behind a prefix in a container.

Works with a plain account as far as ``postqueue`` allows, with ``sudo -n`` for the rest. Postfix
says nothing of tries or the next one, so neither is shown.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from smtpadmin.connectors._command_access import COMMAND_SETTINGS
from smtpadmin.connectors._postfix_actions import PostfixActions
from smtpadmin.connectors._postfix_commands import INSTANCE, PostfixCommands, failure
from smtpadmin.connectors._postfix_facts import advice_of, facts_of
from smtpadmin.connectors._postfix_log import LogPlace, PostfixLog
from smtpadmin.connectors._postfix_queue import PostfixQueue
from smtpadmin.connectors._postfix_reinject import PostfixReinject
from smtpadmin.connectors._postfix_rights import (
    Rights,
    find_rights,
    log_rules,
    missing_rules,
    postcat_rule,
    postsuper_rules,
    remedy,
    sudoers_file,
)
from smtpadmin.connectors.api import Advice, SearchableFiles
from smtpadmin.formats.postfix_config import version_of
from smtpadmin.formats.postfix_id import is_queue_id
from smtpadmin.formats.postfix_postcat import NotAQueueFileError, QueueFile, parse_queue_file
from smtpadmin.formats.sudoers import SudoRule
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
from smtpadmin.model.stats import ProbeResult
from smtpadmin.transport.open_runner import open_runner
from smtpadmin.transport.remote_line import SUDO, changes_user, parse_prefix

if TYPE_CHECKING:
    from smtpadmin.transport.command import CommandRunner

MOST_MESSAGE = 256 * 1024 * 1024
_BOUNCES_SINCE = (3, 5)
_REFUSED_FOR = 10.0
"""Seconds for which a refused postcat is not tried again: thousands of copies may be asked for."""


class Postfix:
    """One instance of Postfix."""

    id = "postfix"
    title = "Postfix"
    settings = (*COMMAND_SETTINGS, INSTANCE)
    unsaid = frozenset({"tries", "next_try", "expires", "message_id", "subject", "client"})

    def __init__(
        self,
        profile: Profile,
        secrets: Mapping[str, str],
        *,
        runner: CommandRunner | None = None,
    ) -> None:
        self._profile = profile
        self._runner = runner or open_runner(profile, secrets)
        self._commands = PostfixCommands(self._runner, profile)
        self._queue = PostfixQueue(self._commands)
        self._actions = PostfixActions(self._commands, self._queue, self._postsuper_remedy)
        self._reinject = PostfixReinject(self._commands, self._queue)
        self._log = PostfixLog(self._commands, self._log_remedy)
        self._rights: Rights | None = None
        self._version = (0, 0)
        self._refused: tuple[NotPermittedError, float] | None = None

    async def probe(self) -> ProbeResult:
        """Version, instance, limits, log place, and what the account may do."""
        settings = await self._commands.settings(fresh=True)
        self._version = version_of(settings.get("mail_version", ""))
        self._rights = await find_rights(self._commands)
        place = await self._log.place(fresh=True)
        self._refused = None
        instances = await self._commands.instances()
        return ProbeResult(
            software="Postfix",
            version=settings.get("mail_version", ""),
            path=self._runner.where,
            facts=facts_of(settings, instances, str(self._rights), place),
        )

    async def close(self) -> None:
        """Give up the connection."""
        await self._runner.close()

    # QueueSource

    def list_queue(self) -> AsyncGenerator[Sequence[QueueEntry], None]:
        """The queue as ``postqueue`` streams it."""
        return self._queue.batches()

    async def queue_counts(self) -> QueueCounts:
        """Messages by queue."""
        return await self._queue.counts()

    # QueueControl

    def offers(self) -> tuple[ActionOffer, ...]:
        """Every action, with the commands that it runs; before the first probe all are offered."""
        return tuple(self._offer(action) for action in QueueAction)

    async def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> list[ActionResult]:
        """Do it. A message is put on hold and compared again before it is removed, returned or
        requeued, so that an ID that was used again in between is never acted on."""
        return await self._actions.act(action, entries)

    async def reinject(self, message: StoredMessage) -> str:
        """Put a kept copy back; the new queue ID, or words when Postfix does not tell it. A message
        that was on hold is tried at once: ``sendmail`` cannot put it there."""
        return await self._reinject.put_back(message)

    # MessageSource

    async def fetch_message(self, queue_id: str) -> StoredMessage:
        """A queued message with the envelope of those who still wait for it."""
        return (await self.queue_file(queue_id)).stored()

    async def queue_file(self, queue_id: str) -> QueueFile:
        """All that ``postcat`` shows of a message. Raises ServerRefusedError when it is gone."""
        if not is_queue_id(queue_id):
            raise UsageError(f"{queue_id!r} is not a queue ID of Postfix")
        if self._refused is not None and time.monotonic() < self._refused[1]:
            raise self._refused[0]
        await self._commands.resolve()
        result = await self._runner.run(
            self._commands.argv("postcat", "-q", queue_id), privileged=True, most=MOST_MESSAGE
        )
        if result.status:
            if b"No such file" in result.stderr:
                raise ServerRefusedError(
                    f"{queue_id} is no longer in the queue", where=self._runner.where
                )
            error = failure(result, "postcat", self._runner.where, remedy=self._postcat_remedy())
            if isinstance(error, NotPermittedError):
                self._refused = (error, time.monotonic() + _REFUSED_FOR)
            raise error
        try:
            return parse_queue_file(result.stdout)
        except NotAQueueFileError as error:
            raise ProtocolError(
                f"postcat's answer for {queue_id} does not fit ({error})",
                where=self._runner.where,
                remedy="Try again.",
            ) from error

    # LogSource

    def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        """The log of a time range, rotated and compressed files too."""
        return self._log.read(since, until)

    def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        """New lines, across rotation, until cancelled."""
        return self._log.follow()

    # SearchableLog

    async def log_place(self, since: datetime | None = None) -> SearchableFiles | None:
        """Its files, when there are any; the journal is read instead."""
        return await self._log.searchable(since)

    # AdviceSource

    async def advice(self) -> list[Advice]:
        """Missing rights with their sudoers lines, and settings that hold mail back."""
        settings = await self._commands.settings()
        rights = self._rights or await find_rights(self._commands)
        place = await self._log.place()
        rules = missing_rules(self._commands, self._folder(), rights, place)
        return advice_of(settings, place, remedy(rights.account, rules))

    async def sudoers(self) -> str:
        """The drop-in with everything that smtpadmin can use. Raises UsageError for an account
        whose name sudoers cannot hold."""
        await self._commands.settings()
        rights = self._rights or await find_rights(self._commands)
        rules = [
            *postsuper_rules(self._commands, self._folder()),
            postcat_rule(self._commands, self._folder()),
            *log_rules(await self._log.place()),
        ]
        return sudoers_file(rights.account, rules)

    def _folder(self) -> str:
        known = self._commands.known_settings
        return known.get("command_directory", "/usr/sbin")

    def _remedy(self, rules: Sequence[SudoRule]) -> str:
        return remedy(self._rights.account if self._rights else self._profile.user, rules)

    def _postsuper_remedy(self) -> str:
        return self._remedy(postsuper_rules(self._commands, self._folder()))

    def _postcat_remedy(self) -> str:
        return self._remedy([postcat_rule(self._commands, self._folder())])

    def _log_remedy(self, place: LogPlace) -> str:
        return self._remedy(log_rules(place))

    def _offer(self, action: QueueAction) -> ActionOffer:
        steps = self._actions.steps(action)
        needs_root = any(privileged for _, _, privileged in steps)
        offer = ActionOffer(action, True, commands=tuple(self._line(*step) for step in steps))
        if action is QueueAction.BOUNCE and (0, 0) < self._version < _BOUNCES_SINCE:
            why = "Postfix can return a message to its sender from version 3.5 on"
            return replace(offer, available=False, why_not=why)
        if needs_root and self._rights is not None and not self._rights.postsuper:
            why = f"this account may not run postsuper. {self._postsuper_remedy()}"
            return replace(offer, available=False, why_not=why)
        return offer

    def _line(self, program: str, arguments: tuple[str, ...], privileged: bool) -> str:
        """A command as it will be run; IDs come on standard input, or stand where ``ID`` is."""
        prefix = parse_prefix(self._profile.prefix)
        root = (self._rights is not None and self._rights.root) or changes_user(prefix)
        sudo = SUDO if privileged and not root else ()
        return shlex.join((*prefix, *sudo, *self._commands.argv(program, *arguments)))
