"""What Exim prints for ``-M…``, as one result for each message.

Exim answers on standard output, one ``Message ID …`` line a message, and its exit status only says
that one of them failed. ``src/queue.c``, ``queue_action``; measured on 4.96.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from smtpadmin.formats.exim_id import PATTERN
from smtpadmin.model.queue import ActionResult, QueueAction
from smtpadmin.util.text import visible

GONE = "no longer in the queue"
LOCKED = "Exim is delivering it at this moment; try again later"
NOT_SAID = "Exim did not say whether it was done"
NOT_PERMITTED = "the account may not do this"
MALFORMED = "not a message ID of Exim"
UNREADABLE_REMOVED = "removed, though its spool files could not be read"
_REMOVED_OR_NOT, _DATA_MISSING = "has been removed or did not exist", "Spool data file for"
_REASON = 300

_DONE = {
    QueueAction.HOLD: "is now frozen",
    QueueAction.RELEASE: "is no longer frozen",
    QueueAction.DELETE: "has been removed",
}
_MESSAGE = re.compile(rf"Message (?P<id>{PATTERN}) (?P<text>.*)")
_ABOUT = re.compile(rf"(?<![0-9A-Za-z-])(?P<id>{PATTERN})(?:-[DHJ])?(?![0-9A-Za-z])")
_PERMISSION = re.compile(r"(?:^|: )permission denied\b", re.IGNORECASE)


def parse_action(action: QueueAction, ids: Sequence[str], output: str) -> list[ActionResult]:
    """One result for each ID, in order, from what freezing, thawing or removing printed."""
    said: dict[str, str] = {}
    why: dict[str, str] = {}
    for line in output.splitlines():
        if found := _MESSAGE.match(line):
            said[found["id"]] = found["text"].strip()
        elif found := _ABOUT.search(line):
            why.setdefault(found["id"], line.strip())
    denied = is_permission_denied(output)
    return [_result(action, i, said.get(i, ""), why.get(i, ""), denied) for i in ids]


def _result(action: QueueAction, queue_id: str, said: str, why: str, denied: bool) -> ActionResult:
    if said == _DONE.get(action):
        return ActionResult(queue_id, True)
    if action is QueueAction.DELETE and said == _REMOVED_OR_NOT and _DATA_MISSING not in why:
        return ActionResult(queue_id, True, UNREADABLE_REMOVED)
    if said == "is locked" or "is locked" in why:
        return ActionResult(queue_id, False, LOCKED)
    if "permission denied" in why.lower() or (denied and not said and not why):
        return ActionResult(queue_id, False, NOT_PERMITTED)
    if "did not exist" in said or "does not exist" in why or "No such file" in why:
        return ActionResult(queue_id, False, GONE)
    return ActionResult(queue_id, False, visible(said or why or NOT_SAID, _REASON))


def is_permission_denied(output: str) -> bool:
    """Whether Exim refused because the account is no administrator of it."""
    return any(_PERMISSION.search(line) for line in output.splitlines())


def parse_delivery(queue_id: str, output: str) -> ActionResult:
    """The outcome of ``exim -v -M ID``, from the log lines in its dialogue.

    It worked when a delivery was tried, whatever the other side said; that is the message:
    ``1 delivered, 1 deferred: Connection refused``.
    """
    counts = dict.fromkeys(_OUTCOMES.values(), 0)
    reason = ""
    for line in _log_lines(output):
        if line.startswith("Spool file ") and line.endswith("not found"):
            return ActionResult(queue_id, False, GONE)
        if line.startswith("Spool file ") and "is locked" in line:
            return ActionResult(queue_id, False, LOCKED)
        outcome = _OUTCOMES.get(line[:3])
        if outcome:
            counts[outcome] += 1
            reason = _reason(line) if outcome != "delivered" else reason
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    if not told:
        denied = is_permission_denied(output)
        return ActionResult(queue_id, False, NOT_PERMITTED if denied else NOT_SAID)
    return ActionResult(queue_id, True, f"{told}: {reason}" if reason else told)


def parse_accepted(debug: str) -> str | None:
    """The ID that ``exim -d-all+receive`` gave to the message it took from standard input. Header
    lines stand in that output too, but none can be a line of just these words: it has no colon."""
    found = _ACCEPTED.findall(debug)
    return found[-1] if found else None


_ACCEPTED = re.compile(rf"^Data file written for message ({PATTERN})$", re.MULTILINE)
_OUTCOMES = {"=> ": "delivered", "-> ": "delivered", "== ": "deferred", "** ": "failed"}


def _log_lines(output: str) -> Iterable[str]:
    """The first line of each entry under ``LOG: …`` of this message's own delivery: a bounce that
    follows has a ``delivering`` line of its own."""
    lines = output.splitlines()
    deliveries = 0
    for number, line in enumerate(lines):
        if line.startswith("delivering "):
            deliveries += 1
        elif line.startswith("LOG: ") and number + 1 < len(lines) and deliveries < 2:
            yield lines[number + 1].strip()


def _reason(line: str) -> str:
    """What follows the fields: ``defer (111): Connection refused DT=0s``."""
    _, colon, text = line.partition(": ")
    text = re.sub(r" DT=[0-9.]+(?:s|ms)\Z", "", text if colon else line[3:])
    return visible(text.strip(), _REASON)
