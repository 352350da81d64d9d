"""Putting a kept message back with Postfix's ``sendmail``: envelope as it was, octets as they were.

Source: sendmail(1) of Postfix. The recipients are arguments (``-t`` would take those of the header),
``-oi`` keeps a line with a single dot, ``-f ''`` is the null sender. It adds one Received field and
says nothing of the new queue ID, which only the listing can then tell.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

from smtpadmin.connectors._postfix_commands import PostfixCommands, failure
from smtpadmin.connectors._postfix_queue import PostfixQueue
from smtpadmin.model.errors import ServerRefusedError, SmtpadminError, UsageError
from smtpadmin.model.queue import QueueEntry, StoredMessage

UNKNOWN_ID = "a queue ID that Postfix does not tell"
"""Given in place of the new queue ID: the message was delivered at once, or the queue is long."""

MOST_ARGUMENTS = 64 * 1024
"""Octets of recipients in one command; a shell line may have 128 KiB (Linux ``MAX_ARG_STRLEN``)."""

LISTED_FOR_THE_ID = 2_000
"""Messages in the queue up to which it is listed to find the new one."""

_DEADLINE = 120.0
_LOOKS = (0.02, 0.08, 0.2)
"""Seconds before each look for the new ID."""
_MOST_LOOKING, _RESTED = 5.0, 30.0


class PostfixReinject:
    """Hands messages in; remembers which were in the queue, to tell which one is new."""

    def __init__(self, commands: PostfixCommands, queue: PostfixQueue) -> None:
        self._commands = commands
        self._queue = queue
        self._known: set[str] | None = None
        self._spent = 0.0
        self._last = 0.0
        self._long_until = 0.0

    async def put_back(self, message: StoredMessage) -> str:
        """The new queue ID, several with commas when the recipients did not fit into one command,
        or :data:`UNKNOWN_ID`. Raises ServerRefusedError, and then says what was queued already."""
        if not message.recipients:
            raise UsageError("nobody is left who waits for this message")
        check_addresses((message.sender, *message.recipients))
        await self._remember()
        settings = await self._commands.settings()
        program = settings.get("sendmail_path") or "/usr/sbin/sendmail"
        put: list[str] = []
        for recipients in chunks(message.recipients):
            try:
                await self._send(program, message, recipients)
            except SmtpadminError as error:
                if put:
                    raise ServerRefusedError(
                        f"only part of the recipients was queued again: {error.what}",
                        where=error.where,
                        remedy=error.remedy,
                    ) from error
                raise
            put.append(await self._new_id(message.sender, recipients))
        return ", ".join(put)

    async def _send(self, program: str, message: StoredMessage, recipients: Sequence[str]) -> None:
        result = await self._commands.run(
            program, "-oi", "-f", message.sender, "--", *recipients,
            stdin=message.raw, deadline=_DEADLINE,
        )  # fmt: skip
        if result.status:
            raise failure(result, "sendmail", self._commands.runner.where)

    async def _remember(self) -> None:
        """What is in the queue before; not again and again where the queue is long."""
        if self._known is not None or self._tired() or time.monotonic() < self._long_until:
            return
        began = time.monotonic()
        counts = await self._queue.counts()
        if counts.total <= LISTED_FOR_THE_ID:
            self._known = {entry.queue_id for entry in await self._listed()}
        else:
            self._long_until = time.monotonic() + _RESTED
        self._spent += time.monotonic() - began

    async def _listed(self) -> list[QueueEntry]:
        found: list[QueueEntry] = []
        async for batch in self._queue.batches():
            found += batch
        return found

    async def _new_id(self, sender: str, recipients: Sequence[str]) -> str:
        """Of the one message that is new and has this envelope; two cannot be told apart. It takes
        a moment from the maildrop queue, where it has another ID, to the queue."""
        for pause in _LOOKS:
            if self._known is None or len(self._known) > LISTED_FOR_THE_ID or self._tired():
                break
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                entries = await self._listed()
            except SmtpadminError:
                self._known = None  # it is queued; only its ID is not known
                break
            self._spent += pause + time.monotonic() - began
            new = [entry for entry in entries if self._is_new(entry, sender, set(recipients))]
            if new or pause == _LOOKS[-1]:
                self._known = {entry.queue_id for entry in entries}
            if len(new) == 1:
                return new[0].queue_id
        return UNKNOWN_ID

    def _is_new(self, entry: QueueEntry, sender: str, recipients: set[str]) -> bool:
        return (
            entry.queue_id not in (self._known or ())
            and entry.queue != "maildrop"
            and entry.sender == sender
            and {recipient.address for recipient in entry.recipients} <= recipients
        )

    def _tired(self) -> bool:
        """Whether many were put back in a row: then the time is theirs."""
        now = time.monotonic()
        if now - self._last > _RESTED:
            self._spent = 0.0
        self._last = now
        return self._spent > _MOST_LOOKING


def check_addresses(addresses: Sequence[str]) -> None:
    """Raises UsageError for an address that no command line can carry."""
    for address in addresses:
        if any(ord(character) < 0x20 or character == "\x7f" for character in address):
            raise UsageError(f"{address!r} holds a control character and is not put back")
    if any(not address for address in addresses[1:]):
        raise UsageError("an empty recipient cannot be put back")


def chunks(recipients: Sequence[str], most: int = MOST_ARGUMENTS) -> Iterator[list[str]]:
    """The recipients in groups that fit into one command; quotes are counted as they grow."""
    group: list[str] = []
    size = 0
    for address in recipients:
        length = len(address.encode()) + 3 + 4 * address.count("'")
        if group and size + length > most:
            yield group
            group, size = [], 0
        group.append(address)
        size += length
    if group:
        yield group
