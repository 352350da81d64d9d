"""Putting a kept message back with Postfix's ``sendmail``: envelope as it was, octets as they were.

Source: sendmail(1) of Postfix. The recipients are arguments (``-t`` would take those of the header),
``-oi`` keeps a line with a single dot, ``-f ''`` is the null sender. It adds one Received field and
says nothing of the new queue ID, which only the listing can then tell.
"""

from __future__ import annotations

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


class PostfixReinject:
    """Hands messages in; remembers which were in the queue, to tell which one is new."""

    def __init__(self, commands: PostfixCommands, queue: PostfixQueue) -> None:
        self._commands = commands
        self._queue = queue
        self._known: set[str] | None = None

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
        if self._known is None:
            counts = await self._queue.counts()
            if counts.total <= LISTED_FOR_THE_ID:
                self._known = {entry.queue_id for entry in await self._listed()}

    async def _listed(self) -> list[QueueEntry]:
        found: list[QueueEntry] = []
        async for batch in self._queue.batches():
            found += batch
        return found

    async def _new_id(self, sender: str, recipients: Sequence[str]) -> str:
        """The one message that is new and has this envelope; two of them cannot be told apart."""
        if self._known is None or len(self._known) > LISTED_FOR_THE_ID:
            return UNKNOWN_ID
        try:
            entries = await self._listed()
        except SmtpadminError:
            self._known = None  # it is queued; only its ID is not known
            return UNKNOWN_ID
        new = [
            entry.queue_id
            for entry in entries
            if entry.queue_id not in self._known
            and entry.sender == sender
            and {r.address for r in entry.recipients} <= set(recipients)
        ]
        self._known = {entry.queue_id for entry in entries}
        return new[0] if len(new) == 1 else UNKNOWN_ID


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
