"""Taking an action back: by its inverse, or by putting the kept copies back. Told item by item."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from smtpadmin.connectors.api import QueueControl, QueueSource, ability
from smtpadmin.model.activity import Activity
from smtpadmin.model.errors import (
    NotPermittedError,
    SmtpadminError,
    UnreachableError,
    UsageError,
)
from smtpadmin.model.profile import SafetyLevel
from smtpadmin.model.queue import INVERSE, ActionResult, QueueAction, QueueEntry
from smtpadmin.services.actions import GONE, ActionOutcome, KeepsRecords, QueueActions, summary
from smtpadmin.util.tasks import run_blocking

BOUNCE_WAS_SENT = "the bounce was sent already"


def can_undo(activity: Activity) -> bool:
    """Whether there is a way back at all."""
    if activity.undo_of is not None or not activity.queue_ids:
        return False
    return activity.action in INVERSE or bool(activity.copies)


async def undo(actions: QueueActions, connector: object, activity: Activity) -> ActionOutcome:
    """Take an activity back, as far as that goes; what cannot be is a failed result.

    Raises UsageError when there is no way back or nothing is left to take back, NotPermittedError
    for a read-only profile, and whatever the listing raises; nothing was done then.
    """
    if not can_undo(activity):
        raise UsageError(f"{activity.action} cannot be taken back", where=activity.server)
    if actions.profile.safety is SafetyLevel.READ_ONLY:
        raise NotPermittedError(
            "the profile is read-only",
            where=actions.profile.name,
            remedy="Change the safety level in the server's settings.",
        )
    inverse = INVERSE.get(QueueAction(activity.action))
    if inverse is None:
        return await _Reinjection(actions, connector, activity).run()
    entries = await _still_there(connector, activity)
    outcome = await actions.run(inverse, entries, undo_of=activity.id)
    found = {entry.queue_id for entry in entries}
    gone = tuple(ActionResult(i, False, GONE) for i in activity.queue_ids if i not in found)
    return ActionOutcome((*outcome.results, *gone), outcome.activity, outcome.error)


async def _still_there(connector: object, activity: Activity) -> list[QueueEntry]:
    """The messages that were acted on. One that arrived after the action only has their ID."""
    source = ability(connector, QueueSource)
    ids = set(activity.queue_ids)
    found: list[QueueEntry] = []
    if source is not None:
        async for batch in source.list_queue():
            found += [e for e in batch if e.queue_id in ids and not _is_younger(e, activity.time)]
    return found


def _is_younger(entry: QueueEntry, time: datetime) -> bool:
    return entry.arrived is not None and entry.arrived > time


@dataclass(slots=True)
class _Reinjection:
    """Puts the kept copies of one activity back, those that no earlier undo put back."""

    actions: QueueActions
    connector: object
    activity: Activity

    async def run(self) -> ActionOutcome:
        """Put back what is left to put back, one message after the other."""
        journal = self.actions.journal
        left = await run_blocking(_copies_left, journal, self.activity)
        if not left:
            raise UsageError(
                f"{self.activity.action} was taken back already", where=self.activity.server
            )
        results: list[ActionResult] = []
        restored: list[str] = []
        lost: UnreachableError | None = None
        try:
            for path in left:
                result, error = await self._put_back(path)
                results.append(result)
                if result.ok:
                    restored.append(path)
                if isinstance(error, UnreachableError):
                    lost = error
                    break
        finally:
            activity = self._activity(results, restored)
            unwritten = await self.actions.record(activity)
        outcome = ActionOutcome(tuple(results), activity, lost or unwritten)
        self.actions.done.emit(outcome)
        return outcome

    async def _put_back(self, path: str) -> tuple[ActionResult, SmtpadminError | None]:
        control = ability(self.connector, QueueControl)
        if control is None:
            raise NotPermittedError("this kind of server takes nothing back")
        queue_id = path
        try:
            message = await run_blocking(self.actions.journal.load_copy, path)
            queue_id = message.queue_id
            new_id = await control.reinject(message)
        except SmtpadminError as error:
            return ActionResult(queue_id, False, error.what), error
        bounced = self.activity.action == QueueAction.BOUNCE
        note = f"; {BOUNCE_WAS_SENT}" if bounced else ""
        return ActionResult(queue_id, True, f"queued again as {new_id}{note}"), None

    def _activity(self, results: list[ActionResult], restored: Iterable[str]) -> Activity:
        return Activity(
            id=uuid.uuid4().hex,
            time=datetime.now(UTC),
            server=self.actions.profile.name,
            action="reinject",
            queue_ids=tuple(result.queue_id for result in results if result.ok),
            commands=(),
            ok=sum(result.ok for result in results),
            failed=sum(not result.ok for result in results),
            result=summary(results),
            copies=tuple(restored),
            undo_of=self.activity.id,
        )


def _copies_left(journal: KeepsRecords, activity: Activity) -> list[str]:
    """Copies that no journalled undo put back; putting one back twice would double the message."""
    undone = (entry for entry in journal.read(sys.maxsize) if entry.undo_of == activity.id)
    restored = {path for entry in undone for path in entry.copies}
    return [path for path in activity.copies if path not in restored]
