"""Messages of Exim's queue: shown whole, with their log, and put back with their envelope."""

from __future__ import annotations

import asyncio
import secrets

from smtpadmin.connectors._exim_commands import EximCommands, Rights, both, text_of
from smtpadmin.connectors._exim_queue import EximQueue
from smtpadmin.formats.exim_actions import GONE, MALFORMED, parse_accepted
from smtpadmin.formats.exim_id import arrival_of, is_message_id
from smtpadmin.formats.exim_spool import parse_header_file, parse_message_log
from smtpadmin.model.errors import NotPermittedError, ProtocolError, ServerRefusedError
from smtpadmin.model.queue import QueueEntry, StoredMessage
from smtpadmin.util.text import visible

ID_NOT_TOLD = "an ID that Exim did not tell"

MOST_MESSAGE = 256 * 1024 * 1024
MOST_ENVELOPE = 100_000
"""Octets of addresses on a command line: Linux takes 128 KiB as one argument of the remote shell."""

MESSAGE_S = 120.0


class EximMessages:
    """The messages of one Exim."""

    def __init__(self, exim: EximCommands, queue: EximQueue) -> None:
        self._exim = exim
        self._queue = queue

    async def fetch(self, queue_id: str) -> StoredMessage:
        """A queued message with the recipients that still wait. Raises ServerRefusedError."""
        head, body = await asyncio.gather(
            self._show("-Mvh", queue_id), self._show("-Mvb", queue_id)
        )
        try:
            return parse_header_file(head).message(body)
        except ProtocolError as error:  # it is this message that is broken, not the connection
            raise ServerRefusedError(f"{queue_id}: {error.what}") from error

    async def log(self, queue_id: str) -> list[str]:
        """What happened to a queued message so far. Raises ServerRefusedError."""
        return parse_message_log(await self._show("-Mvl", queue_id))

    async def _show(self, option: str, queue_id: str) -> bytes:
        if not is_message_id(queue_id):
            raise ServerRefusedError(f"{MALFORMED}: {visible(queue_id, 60)}")
        result = await self._exim.run([option, queue_id], most=MOST_MESSAGE, deadline=MESSAGE_S)
        if result.status == 0:
            return result.stdout
        said = both(result)
        what = visible(said.strip(), 300)
        if "message_logs option" in said:
            what = "Exim keeps no log of each message"
        elif "No such file" in said or "does not exist" in said:
            what = GONE
        raise ServerRefusedError(f"{queue_id}: {what}", where=self._exim.runner.where)

    async def reinject(self, message: StoredMessage) -> str:
        """Hand it in as it was and leave it for the next queue run; gives the new ID. The mark in
        the Received line's protocol tells it from any other message."""
        _demand_plain(message)
        mark = f"reinjected-{secrets.token_hex(6)}"
        recipients = [f"<{address}>" for address in message.recipients]
        # Without -oep Exim would mail its refusal to the sender of the message; -d tells the new ID.
        args = ["-d-all+receive", "-odq", "-oep", "-i", "-oMr", mark]
        args += ["-f", message.sender or "<>", "--", *recipients]
        raw = message.raw.replace(b"\r\n", b"\n")  # what a local program hands in
        try:
            result = await self._exim.run(args, in_queue=False, stdin=raw, deadline=MESSAGE_S)
        except NotPermittedError as error:
            if await self._exim.rights() is Rights.SUDO:
                raise self._exim.not_permitted_to_put_back() from error
            raise
        if result.status:
            lines = [line for line in both(result).splitlines() if line.startswith("exim")]
            raise ServerRefusedError(f"Exim did not take it back: {visible(' '.join(lines), 300)}")
        told = parse_accepted(text_of(result.stderr))
        if not (told and await self._has_mark(told, mark)):
            told = await self._find(message, mark)
        if told and self._exim.place.queue:  # -qG does not go with receiving
            await self._exim.run(["-MG", self._exim.place.queue, told], in_queue=False)
        return told or ID_NOT_TOLD

    async def _find(self, message: StoredMessage, mark: str) -> str | None:
        """Among those in the queue that are like it, when a long header hid what Exim told."""
        candidates: list[str] = []
        async for batch in self._queue.entries(default=True):
            candidates += [e.queue_id for e in batch if _is_like(e, message)]
        for queue_id in sorted(candidates, key=_arrival, reverse=True):
            if await self._has_mark(queue_id, mark):
                return queue_id
        return None

    async def _has_mark(self, queue_id: str, mark: str) -> bool:
        head = await self._exim.run(["-Mvh", queue_id], in_queue=False)
        return head.status == 0 and mark.encode() in head.stdout


def is_plain(address: str) -> bool:
    """Whether it can stand in a command and on a line of its own, as the octets that it was."""
    return address.isprintable() and len(address) <= 1_000 and "\\x" not in address


def _demand_plain(message: StoredMessage) -> None:
    addresses = [message.sender, *message.recipients]
    if not all(message.recipients) or not message.recipients or not all(map(is_plain, addresses)):
        raise ServerRefusedError("an address of its envelope cannot be given to Exim")
    if sum(len(address.encode()) + 5 for address in addresses) > MOST_ENVELOPE:
        raise ServerRefusedError("it has more recipients than a command line takes")


def _is_like(entry: QueueEntry, message: StoredMessage) -> bool:
    addresses = {recipient.address for recipient in entry.recipients}
    return entry.sender == message.sender and addresses == set(message.recipients)


def _arrival(queue_id: str) -> float:
    when = arrival_of(queue_id)
    return when.timestamp() if when else 0.0
