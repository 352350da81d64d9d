"""What an administrator may do to spooled messages, each re-checked and done in one transaction.

An item names what its sender saw (queue ID, arrival, envelope sender, size); when the spool says
otherwise, nothing is done to it and the result says why.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from smtpadmin.builtin import spool_rows
from smtpadmin.builtin.spool_records import SpooledMessage
from smtpadmin.model.queue import ActionResult, QueueAction

ARRIVAL_TOLERANCE_S = 0.001
"""Times travel as ISO 8601 with microseconds; the spool keeps a float."""
BUSY = "is being delivered at this moment; try again when the attempt has ended"


@dataclass(frozen=True, slots=True)
class ActionItem:
    """One message as the administrator saw it; None means "not seen", and is not compared."""

    queue_id: str
    arrived: datetime | None = None
    sender: str | None = None
    size: int | None = None


class Unsuitable(Exception):  # noqa: N818 - not an error: the action has nothing to do here
    """The message is in a state that the action does not fit; nothing was changed."""


def check(message: SpooledMessage | None, item: ActionItem) -> str | None:
    """Why the item must not be touched, in words; None when it is the message that was seen."""
    if message is None:
        return "no longer in the queue"
    if item.arrived and abs(item.arrived.timestamp() - message.arrived) > ARRIVAL_TOLERANCE_S:
        return "another message has this queue ID now (it arrived at another time)"
    if item.sender is not None and item.sender != message.sender:
        return "another message has this queue ID now (it has another sender)"
    if item.size is not None and item.size != message.size:
        return "another message has this queue ID now (it has another size)"
    if message.state == "active":
        return BUSY
    return None


def look(connection: sqlite3.Connection, queue_id: str) -> SpooledMessage | None:
    """A message as it is now."""
    return spool_rows.load(connection, queue_id)


def give_back(connection: sqlite3.Connection, queue_id: str) -> None:
    """Put a message back in line that was claimed and whose delivery has not begun."""
    connection.execute(
        "UPDATE message SET state = CASE tries WHEN 0 THEN 'incoming' ELSE 'deferred' END"
        " WHERE queue_id = ? AND state = 'active'",
        (queue_id,),
    )


def simple_action(
    connection: sqlite3.Connection, action: QueueAction, item: ActionItem, now: float
) -> ActionResult:
    """Retry, hold, release or delete one message."""
    message = spool_rows.load(connection, item.queue_id)
    problem = check(message, item)
    if problem is not None or message is None:
        return ActionResult(item.queue_id, False, problem or "")
    try:
        done = _DOERS[action](connection, message, now)
    except Unsuitable as reason:
        return ActionResult(item.queue_id, False, str(reason))
    return ActionResult(item.queue_id, True, done)


def _retry(connection: sqlite3.Connection, message: SpooledMessage, now: float) -> str:
    if message.state == "hold":
        raise Unsuitable("is held; release it to have it tried")
    _set(connection, message.queue_id, message.state, now)
    return "will be tried now"


def _hold(connection: sqlite3.Connection, message: SpooledMessage, now: float) -> str:
    if message.state == "hold":
        return "was held already"
    _set(connection, message.queue_id, "hold", message.next_try)
    return "held"


def _release(connection: sqlite3.Connection, message: SpooledMessage, now: float) -> str:
    if message.state != "hold":
        return "was not held"
    _set(connection, message.queue_id, "deferred" if message.tries else "incoming", now)
    return "released"


def _delete(connection: sqlite3.Connection, message: SpooledMessage, now: float) -> str:
    spool_rows.remove(connection, message.queue_id)
    return "deleted"


def _set(connection: sqlite3.Connection, queue_id: str, state: str, next_try: float) -> None:
    connection.execute(
        "UPDATE message SET state = ?, next_try = ? WHERE queue_id = ?",
        (state, next_try, queue_id),
    )


_DOERS = {
    QueueAction.RETRY: _retry,
    QueueAction.HOLD: _hold,
    QueueAction.RELEASE: _release,
    QueueAction.DELETE: _delete,
}
SIMPLE_ACTIONS = frozenset(_DOERS)
"""Actions that need no new message."""


def requeue(
    connection: sqlite3.Connection, item: ActionItem, new_id: str, now: float
) -> ActionResult:
    """Give a message a new queue ID and a first try; tries and replies so far are forgotten."""
    message = spool_rows.load(connection, item.queue_id)
    problem = check(message, item)
    if problem is not None:
        return ActionResult(item.queue_id, False, problem)
    connection.execute(
        "UPDATE message SET queue_id = ?, state = 'incoming', tries = 0, next_try = ?"
        " WHERE queue_id = ?",
        (new_id, now, item.queue_id),
    )
    for table in ("content", "recipient"):
        connection.execute(
            f"UPDATE {table} SET queue_id = ? WHERE queue_id = ?", (new_id, item.queue_id)
        )
    connection.execute("DELETE FROM attempt WHERE queue_id = ?", (item.queue_id,))
    return ActionResult(item.queue_id, True, f"requeued as {new_id}")
