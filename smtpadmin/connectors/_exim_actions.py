"""Acting on queued messages with ``exim -M…``: only on what is still the message that was seen.

An ID of Exim holds its second of arrival and its process, so it does not come again; what may differ
is what was listed under it. Each result is read from Exim's words, or from the queue afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from smtpadmin.connectors._exim_commands import EximCommands, both
from smtpadmin.connectors._exim_queue import MOST_IDS, EximQueue
from smtpadmin.formats.exim_actions import (
    GONE,
    LOCKED,
    MALFORMED,
    NOT_SAID,
    parse_action,
    parse_delivery,
)
from smtpadmin.formats.exim_id import is_message_id
from smtpadmin.model.errors import TotalDeadlineError
from smtpadmin.model.queue import ActionOffer, ActionResult, QueueAction, QueueEntry
from smtpadmin.util.text import visible

OPTIONS: Mapping[QueueAction, str] = {
    QueueAction.RETRY: "-M",
    QueueAction.HOLD: "-Mf",
    QueueAction.RELEASE: "-Mt",
    QueueAction.BOUNCE: "-Mg",
    QueueAction.DELETE: "-Mrm",
}
WHY_NO_REQUEUE = "Exim keeps no routing from one try to the next; retry does the same"
CHANGED = "the queue ID now belongs to another message"
STILL_BUSY = "Exim was still delivering it when time was up; look at its log"

DELIVERIES_AT_ONCE = 4
DELIVERY_S = 600.0
"""Seconds for one ``-M``: it ends when the delivery ends, and one that is cut off half-way may
deliver the message twice. Exim's own time-outs (``connect_timeout``, ``final_timeout``) end before."""

ACTION_S = 60.0


def offers(shown: str) -> tuple[ActionOffer, ...]:
    """Everything but requeue; ``shown`` is Exim's command as people read it."""
    return tuple(
        ActionOffer(action, True, commands=(f"{shown} {OPTIONS[action]} ID…",))
        if action in OPTIONS
        else ActionOffer(action, False, WHY_NO_REQUEUE)
        for action in QueueAction
    )


class EximActions:
    """The actions of one Exim."""

    def __init__(self, exim: EximCommands, queue: EximQueue) -> None:
        self._exim = exim
        self._queue = queue

    async def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> list[ActionResult]:
        """Do it; one result for each entry, in order."""
        if action not in OPTIONS:
            return [ActionResult(entry.queue_id, False, WHY_NO_REQUEUE) for entry in entries]
        good = list(dict.fromkeys(e.queue_id for e in entries if is_message_id(e.queue_id)))
        now = await self._queue.named(good) if good else {}
        refused = [why_not(entry, now.get(entry.queue_id)) for entry in entries]
        wanted = dict.fromkeys(e.queue_id for e, w in zip(entries, refused, strict=True) if not w)
        done = {result.queue_id: result for result in await self._do(action, list(wanted))}
        return [
            ActionResult(entry.queue_id, False, why)
            if why
            else done.get(entry.queue_id, ActionResult(entry.queue_id, False, NOT_SAID))
            for entry, why in zip(entries, refused, strict=True)
        ]

    async def _do(self, action: QueueAction, ids: Sequence[str]) -> list[ActionResult]:
        if action is QueueAction.RETRY:
            return await self._deliver(ids)
        results: list[ActionResult] = []
        for start in range(0, len(ids), MOST_IDS):
            part = ids[start : start + MOST_IDS]
            deadline = DELIVERY_S if action is QueueAction.BOUNCE else ACTION_S
            answer = await self._exim.run([OPTIONS[action], *part], deadline=deadline)
            if action is QueueAction.BOUNCE:
                results += await self._bounced(part, both(answer))
            else:
                results += parse_action(action, part, both(answer))
        return results

    async def _bounced(self, ids: Sequence[str], said: str) -> list[ActionResult]:
        """``-Mg`` says nothing when it worked: what has left the queue was given up."""
        left = await self._queue.named(ids)
        why = f"still in the queue: {visible(said.strip(), 300) or LOCKED}"
        return [ActionResult(i, i not in left, why if i in left else "") for i in ids]

    async def _deliver(self, ids: Sequence[str]) -> list[ActionResult]:
        """One command a message, a few at once: each ends when its delivery does."""
        turn = asyncio.Semaphore(DELIVERIES_AT_ONCE)

        async def deliver(queue_id: str) -> ActionResult:
            async with turn:
                try:
                    answer = await self._exim.run(["-v", "-M", queue_id], deadline=DELIVERY_S)
                except TotalDeadlineError:
                    return ActionResult(queue_id, False, STILL_BUSY)
            return parse_delivery(queue_id, both(answer))

        results = await asyncio.gather(*map(deliver, ids), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, ActionResult)]


def why_not(wanted: QueueEntry, now: QueueEntry | None) -> str:
    """Why a message is not to be touched; empty when it is what the user saw."""
    if not is_message_id(wanted.queue_id):
        return MALFORMED
    if now is None:
        return GONE
    return "" if now.identity == wanted.identity else CHANGED
