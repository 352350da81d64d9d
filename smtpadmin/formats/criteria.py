"""Whether a tracked message is what somebody looks for: the track criteria of the command line.

All given criteria must hold. Matching ignores case. An address without ``@``, or with ``*``, is a
pattern; ``@example.org`` is a domain; ``<>`` is the null sender. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from smtpadmin.model.tracking import TrackCriteria, TrackedMessage


def matches(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    """Whether every criterion holds."""
    return all(check(message, criteria) for check in _CHECKS)


def address_matches(address: str, wanted: str) -> bool:
    """Whether an address is the wanted one, in the wanted domain, or fits the pattern."""
    wanted = wanted.strip()
    if wanted in ("<>", ""):
        return address == ""
    wanted = wanted.removeprefix("<").removesuffix(">").casefold()
    address = address.casefold()
    if wanted.startswith("@") and "*" not in wanted:
        return address.endswith(wanted)
    if "*" in wanted:
        return _fits(address, wanted)
    return address == wanted if "@" in wanted else wanted in address


def _fits(text: str, pattern: str) -> bool:
    """Whether ``text`` is ``pattern``, whose ``*`` stand for anything. Linear in the text, whatever
    the pattern."""
    first, *middle, last = pattern.split("*")
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _sender(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    if criteria.sender is None:
        return True
    return message.sender is not None and address_matches(message.sender, criteria.sender)


def _recipient(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    wanted = criteria.recipient
    if wanted is None:
        return True
    return any(
        address_matches(recipient.address, wanted)
        or (recipient.original is not None and address_matches(recipient.original, wanted))
        for recipient in message.recipients
    )


def _message_id(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    if criteria.message_id is None:
        return True
    return _bare(message.message_id) == _bare(criteria.message_id)


def _bare(message_id: str | None) -> str:
    return (message_id or "").strip().removeprefix("<").removesuffix(">").casefold()


def _queue_id(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    # Long queue ids are case-sensitive: two that differ in case are two messages.
    return criteria.queue_id is None or criteria.queue_id in message.queue_ids


def _client(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    if criteria.client is None:
        return True
    if message.client is None:
        return False
    wanted = criteria.client.casefold()
    names = (message.client.name or "", message.client.address or "")
    if "*" in wanted:
        return any(_fits(name.casefold(), wanted) for name in names)
    return any(wanted == name.casefold() for name in names)


def _status(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    wanted = criteria.status
    if wanted is None or message.status is wanted:
        return True
    return any(recipient.status is wanted for recipient in message.recipients)


def _subject(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    if criteria.subject is None:
        return True
    return criteria.subject.casefold() in (message.subject or "").casefold()


def _time(message: TrackedMessage, criteria: TrackCriteria) -> bool:
    last = last_event(message)
    if criteria.since is not None and last is not None and last < criteria.since:
        return False
    first = message.arrived or last
    return criteria.until is None or first is None or first <= criteria.until


def last_event(message: TrackedMessage) -> datetime | None:
    """When anything last happened to a message."""
    times = [recipient.time for recipient in message.recipients]
    times += [leg.completed for leg in message.legs] + [message.arrived]
    known = [time for time in times if time is not None]
    return max(known) if known else None


_CHECKS: tuple[Callable[[TrackedMessage, TrackCriteria], bool], ...] = (
    _queue_id,
    _message_id,
    _sender,
    _recipient,
    _client,
    _status,
    _subject,
    _time,
)
