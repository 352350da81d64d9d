"""What the catch server has caught: messages and sessions in memory, the oldest dropped first; each
also as a file when a folder is given. Blocking parts are plain functions for a thread.
"""

from __future__ import annotations

import dataclasses
import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from smtpadmin.model.catch import CaughtMessage, CaughtSession
from smtpadmin.model.errors import UsageError
from smtpadmin.settings.files import write_private

OVERHEAD = 2_000
"""Octets counted for a message or session beside its text."""


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """What is kept: ``messages`` and ``sessions`` by number, both together by ``octets``."""

    messages: int = 5_000
    sessions: int = 2_000
    octets: int = 256 * 1024 * 1024


class CatchStore:
    """Messages by their id and sessions by theirs, in the order of arrival."""

    def __init__(self, limits: StoreLimits | None = None) -> None:
        self.limits = limits or StoreLimits()
        self.dropped = 0
        self._messages: OrderedDict[str, CaughtMessage] = OrderedDict()
        self._sessions: OrderedDict[str, CaughtSession] = OrderedDict()
        self._octets = 0

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[CaughtMessage]:
        return iter(tuple(self._messages.values()))

    @property
    def octets(self) -> int:
        """Octets held, roughly."""
        return self._octets

    def sessions(self) -> tuple[CaughtSession, ...]:
        """The sessions that are kept, the oldest first."""
        return tuple(self._sessions.values())

    def message(self, message_id: str) -> CaughtMessage:
        """A message. Raises UsageError when it is not (or no longer) here."""
        found = self._messages.get(message_id)
        if found is None:
            raise UsageError("no such message is kept", where=message_id[:80])
        return found

    def session_of(self, message: CaughtMessage) -> CaughtSession | None:
        """The session that a message came by; None while it lasts, or when it was dropped."""
        return self._sessions.get(message.session_id)

    def add(self, message: CaughtMessage) -> tuple[str, ...]:
        """Keep a message; gives the ids of those that were dropped for it, which may be its own."""
        self._messages[message.message_id] = message
        self._octets += _weight(message)
        return self._shrink()

    def add_session(self, session: CaughtSession) -> tuple[str, ...]:
        """Keep a session; gives the ids of messages that were dropped for it."""
        self._sessions[session.session_id] = session
        self._octets += _session_weight(session)
        return self._shrink()

    def remove(self, message_id: str) -> None:
        """Forget a message. Raises UsageError."""
        self._octets -= _weight(self.message(message_id))
        del self._messages[message_id]

    def clear(self) -> None:
        """Forget everything."""
        self._messages.clear()
        self._sessions.clear()
        self._octets = 0

    def _shrink(self) -> tuple[str, ...]:
        """Sessions go first: a message is what people wait for."""
        gone = []
        while self._sessions and self._has_too_much(len(self._sessions), self.limits.sessions):
            _, session = self._sessions.popitem(last=False)
            self._octets -= _session_weight(session)
        while self._messages and self._has_too_much(len(self._messages), self.limits.messages):
            message_id, message = self._messages.popitem(last=False)
            self._octets -= _weight(message)
            gone.append(message_id)
        self.dropped += len(gone)
        return tuple(gone)

    def _has_too_much(self, count: int, most: int) -> bool:
        return count > most or self._octets > self.limits.octets


def _weight(message: CaughtMessage) -> int:
    addresses = sum(map(len, message.recipients)) + sum(map(len, message.mail_options))
    return len(message.raw) + addresses + OVERHEAD


def _session_weight(session: CaughtSession) -> int:
    # A line's object weighs about as much as its text.
    return OVERHEAD + sum(2 * len(line.line) + 200 for line in session.transcript)


def save_message(folder: Path, message: CaughtMessage) -> Path:
    """Write ``ID.eml`` (the octets as they came) and ``ID.json`` (envelope and facts); gives the
    former's path. Raises OSError."""
    stamp = f"{message.time:%Y%m%dT%H%M%S}"
    path = folder / f"{stamp}-{message.message_id}.eml"
    write_private(path.with_suffix(".json"), _json(message_record(message)))
    write_private(path, message.raw)
    return path


def save_session(folder: Path, session: CaughtSession) -> Path:
    """Write ``ID.session.json`` with the transcript. Raises OSError."""
    path = folder / f"{session.began:%Y%m%dT%H%M%S}-{session.session_id}.session.json"
    write_private(path, _json(session_record(session)))
    return path


def _json(values: dict[str, Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def message_record(message: CaughtMessage) -> dict[str, Any]:
    """A message as command line and files write it: JSON values only, without its octets."""
    values = _plain(message)
    del values["raw"]
    return {"kind": "message"} | values | {"size": message.size}


def session_record(session: CaughtSession) -> dict[str, Any]:
    """A session in the same manner; transcript lines as ``send`` writes them."""
    values = _plain(dataclasses.replace(session, transcript=()))
    values["transcript"] = [
        {"t_ms": line.t_ms, "dir": line.direction, "tls": line.tls, "line": line.line}
        for line in session.transcript
    ]
    return {"kind": "session"} | values


def _plain(value: CaughtMessage | CaughtSession) -> dict[str, Any]:
    found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for name, item in found.items():
        if isinstance(item, datetime):
            found[name] = item.isoformat()
        elif dataclasses.is_dataclass(item) and not isinstance(item, type):
            found[name] = dataclasses.asdict(item)
        elif isinstance(item, tuple):
            found[name] = list(item)
    return found
