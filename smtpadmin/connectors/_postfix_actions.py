"""Acting on queued messages with ``postsuper`` and ``postqueue``, and telling what became of each.

Short queue IDs are used again within minutes, and ``postsuper`` takes nothing but IDs. So before a
message is removed, returned or requeued it is put on hold, where it stays as long as nobody touches
it, and the queue is listed again: only what is still the message that the user saw is acted on;
a stranger that was caught is released. Whatever else happens in between cannot hit another message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from smtpadmin.connectors._postfix_commands import PostfixCommands, failure
from smtpadmin.connectors._postfix_queue import PostfixQueue
from smtpadmin.formats.postfix_id import is_queue_id
from smtpadmin.formats.postfix_postsuper import (
    EXPIRED,
    HELD,
    RELEASED,
    REMOVED,
    REQUEUED,
    PostsuperReport,
    parse_postsuper,
)
from smtpadmin.formats.postfix_queue import FORCED_EXPIRE
from smtpadmin.model.queue import ActionResult, QueueAction, QueueEntry

GONE = "no longer in the queue"
CHANGED = "the queue ID now belongs to another message"
BAD_ID = "this is no queue ID of Postfix"
NOT_HELD = "not touched, because it could not be put on hold first"
ON_HOLD = "is on hold: release it first"
NOT_SAID = "postsuper did not say that it was done"
NO_INPUT = (
    "postsuper read no queue ID: a command prefix must pass on standard input (docker exec -i)"
)

HOLD = ("-h", "-")
RELEASE = ("-H", "-")
DO: Mapping[QueueAction, tuple[str, str, str]] = {
    QueueAction.DELETE: ("-d", REMOVED, "removed"),
    QueueAction.REQUEUE: ("-r", REQUEUED, "requeued; it gets a new queue ID within a minute"),
    QueueAction.BOUNCE: ("-f", EXPIRED, "expired; it is being returned to its sender"),
}
"""postsuper's option, what it says of a message, and our words: actions that hold the message first."""

_AT_ONCE = 4
_POSTSUPER_DEADLINE = 120.0


class PostfixActions:
    """The actions of one instance. ``remedy`` says what to do where postsuper is not permitted."""

    def __init__(
        self, commands: PostfixCommands, queue: PostfixQueue, remedy: Callable[[], str] = str
    ) -> None:
        self._commands = commands
        self._queue = queue
        self._remedy = remedy

    def steps(self, action: QueueAction) -> list[tuple[str, tuple[str, ...], bool]]:
        """What an action runs, in order: program, arguments, whether it needs root."""
        listing = ("postqueue", self._queue.command[-1:], False)
        hold, release = ("postsuper", HOLD, True), ("postsuper", RELEASE, True)
        match action:
            case QueueAction.RETRY:
                return [listing, ("postqueue", ("-i", "ID"), False)]
            case QueueAction.HOLD:
                return [listing, hold, listing]
            case QueueAction.RELEASE:
                return [listing, release]
        steps = [listing, hold, listing, ("postsuper", (DO[action][0], "-"), True)]
        if action is QueueAction.BOUNCE:
            steps.append(("postqueue", ("-i", "ID"), False))
        return steps

    async def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> list[ActionResult]:
        """Do it; one result for each entry, in order."""
        wanted = {e.queue_id: e for e in entries if is_queue_id(e.queue_id)}
        said = await self._compare(wanted)
        standing = {i: e for i, e in wanted.items() if i not in said}
        if standing:
            match action:
                case QueueAction.RETRY:
                    said |= await self._retry(standing)
                case QueueAction.RELEASE:
                    said |= await self._release(standing)
                case QueueAction.HOLD:
                    said |= (await self._hold(standing))[1]
                case _:
                    said |= await self._hold_and_do(action, standing)
        return [_result(entry, wanted, said) for entry in entries]

    async def _compare(self, wanted: Mapping[str, QueueEntry]) -> dict[str, tuple[bool, str]]:
        """What keeps an entry from being touched, by ID."""
        now = await self._queue.find(wanted)
        return {
            queue_id: (False, GONE if queue_id not in now else CHANGED)
            for queue_id, entry in wanted.items()
            if queue_id not in now or now[queue_id].identity != entry.identity
        }

    async def _hold(
        self, entries: Mapping[str, QueueEntry]
    ) -> tuple[list[str], dict[str, tuple[bool, str]]]:
        """Put on hold, list again, release strangers: the IDs that are held and are what they
        were, and what is said of each ID."""
        report = await self._postsuper(HOLD, entries)
        now = await self._queue.find(entries)
        caught, said = [], {}
        for queue_id, entry in entries.items():
            current = now.get(queue_id)
            if current is None:
                said[queue_id] = (False, GONE)
            elif current.identity != entry.identity:
                said[queue_id] = (False, CHANGED)
                if report.was(queue_id, HELD):
                    caught.append(queue_id)
            elif current.queue != "hold":
                said[queue_id] = (False, NOT_HELD if report.done else NO_INPUT)
            else:
                done = report.was(queue_id, HELD)
                said[queue_id] = (True, HELD if done else "was held already")
        if caught:
            await self._postsuper(RELEASE, caught)
        return [queue_id for queue_id, (held, _) in said.items() if held], said

    async def _hold_and_do(
        self, action: QueueAction, entries: Mapping[str, QueueEntry]
    ) -> dict[str, tuple[bool, str]]:
        option, word, done = DO[action]
        held, said = await self._hold(entries)
        if not held:
            return said
        report = await self._postsuper((option, "-"), held)
        problem = report.problems[0] if report.problems else NOT_SAID
        for queue_id in held:
            success = report.was(queue_id, word)
            said[queue_id] = (success, done if success else problem)
        if action is QueueAction.BOUNCE:
            await self._flush([queue_id for queue_id in held if said[queue_id][0]])
            for queue_id in held:
                if said[queue_id][0] and not entries[queue_id].sender:
                    said[queue_id] = (True, "ended; nobody is told, its sender is the null sender")
        return said

    async def _release(self, entries: Mapping[str, QueueEntry]) -> dict[str, tuple[bool, str]]:
        report = await self._postsuper(RELEASE, entries)
        missing = report.problems[0] if report.problems else "was not held"
        return {
            queue_id: (True, RELEASED) if report.was(queue_id, RELEASED) else (False, missing)
            for queue_id in entries
        }

    async def _retry(self, entries: Mapping[str, QueueEntry]) -> dict[str, tuple[bool, str]]:
        """Postfix says nothing to a flush, so the listing afterwards is what can be told."""
        said = {i: (False, ON_HOLD) for i, e in entries.items() if e.queue == "hold"}
        asked = [queue_id for queue_id in entries if queue_id not in said]
        await self._flush(asked)
        now = await self._queue.find(asked) if asked else {}
        for queue_id in asked:
            said[queue_id] = (True, _after_flush(now.get(queue_id)))
        return said

    async def _flush(self, queue_ids: Sequence[str]) -> None:
        """Ask for a delivery attempt of each, a few at a time."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(queue_id: str) -> None:
            async with places:
                result = await self._commands.run("postqueue", "-i", queue_id)
            if result.status:
                raise failure(result, "postqueue", self._commands.runner.where)

        for outcome in await asyncio.gather(*map(one, queue_ids), return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _postsuper(
        self, arguments: tuple[str, ...], queue_ids: Collection[str]
    ) -> PostsuperReport:
        """Run it with the IDs on standard input. Raises when it failed before it did anything."""
        result = await self._commands.run(
            "postsuper",
            *arguments,
            stdin="".join(f"{queue_id}\n" for queue_id in queue_ids).encode("ascii"),
            privileged=True,
            deadline=_POSTSUPER_DEADLINE,
        )
        report = parse_postsuper(result.stderr)
        if result.status and not report.done:
            raise failure(result, "postsuper", self._commands.runner.where, remedy=self._remedy())
        return report


def _result(
    entry: QueueEntry, wanted: Mapping[str, QueueEntry], said: Mapping[str, tuple[bool, str]]
) -> ActionResult:
    if entry.queue_id not in wanted:
        return ActionResult(entry.queue_id, False, BAD_ID)
    if wanted[entry.queue_id].identity != entry.identity:
        return ActionResult(entry.queue_id, False, CHANGED)
    ok, message = said.get(entry.queue_id, (False, NOT_SAID))
    return ActionResult(entry.queue_id, ok, message)


def _after_flush(now: QueueEntry | None) -> str:
    if now is None:
        return "tried; it left the queue"
    if now.queue in ("active", "incoming"):
        return "is being tried"
    if FORCED_EXPIRE in now.flags:
        return "is being returned to its sender"
    return f"was asked to be tried; now {now.queue}"
