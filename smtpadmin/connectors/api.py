"""What a connector is: declared settings, a cheap probe, and the abilities that it has.

A connector is one file in this package: a class with ``id``, ``title``, ``settings`` and ``probe``,
which takes part in the ability protocols below by having their methods. Wizard page, storage,
command line, pages of the window and contract tests follow from that declaration. See
CONTRIBUTING.md, "How to add a connector".
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar, runtime_checkable

from smtpadmin.model.errors import UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import (
    ActionOffer,
    ActionResult,
    QueueAction,
    QueueCounts,
    QueueEntry,
    StoredMessage,
)
from smtpadmin.model.routing import FakeSession, Route, SessionEnvelope
from smtpadmin.model.smtp import SubmissionEndpoint, TranscriptLine
from smtpadmin.model.stats import ProbeResult, ServerStats
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage

if TYPE_CHECKING:
    from smtpadmin.transport.command import CommandRunner


class FieldType(enum.StrEnum):
    """How a setting is typed in and checked."""

    TEXT = "text"
    PORT = "port"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    URL = "url"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One declared setting. A secret is kept in the keyring beside the profile, never in it.
    ``name`` may be one of the profile's own fields (``host``, ``port``, ``user``, ``tls``,
    ``prefix``), which tells that the connector uses it; any other lives in ``Profile.settings``."""

    name: str
    label: str
    type: FieldType = FieldType.TEXT
    default: str = ""
    secret: bool = False
    required: bool = False
    help: str = ""
    choices: tuple[str, ...] = ()


class Connector(Protocol):
    """The least that every connector has. Constructing one must not connect."""

    id: ClassVar[str]
    title: ClassVar[str]
    settings: ClassVar[tuple[SettingField, ...]]

    def __init__(self, profile: Profile, secrets: Mapping[str, str]) -> None: ...

    async def probe(self) -> ProbeResult:
        """Connect, log in and say what is there; cheap. Raises UnreachableError, LoginError,
        UntrustedError, ProtocolError."""
        ...

    async def close(self) -> None:
        """Give up connections; may be called twice."""
        ...


@runtime_checkable
class QueueSource(Protocol):
    """Lists the queue. A class attribute ``unsaid`` may name fields of ``QueueEntry`` that the
    server never says; their columns are then hidden by default (:func:`never_said`)."""

    def list_queue(self) -> AsyncIterator[Sequence[QueueEntry]]:
        """Batches of entries, as they arrive from the server."""
        ...

    async def queue_counts(self) -> QueueCounts:
        """Messages by state, cheaper than a listing where the server can."""
        ...


@runtime_checkable
class QueueControl(Protocol):
    """Acts on queued messages."""

    def offers(self) -> tuple[ActionOffer, ...]:
        """Every action, with words for why one is not available."""
        ...

    async def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> list[ActionResult]:
        """Do it; one result per entry, in order. An entry whose identity has changed on the
        server is not touched and gets a result that says so."""
        ...

    async def reinject(self, message: StoredMessage) -> str:
        """Put a kept copy back, envelope as it was; gives the new queue id."""
        ...


@runtime_checkable
class MessageSource(Protocol):
    """Shows a queued message."""

    async def fetch_message(self, queue_id: str) -> StoredMessage:
        """The raw message and its envelope. Raises ServerRefusedError when it is gone."""
        ...


@runtime_checkable
class TranscriptSource(Protocol):
    """Shows the server's own delivery sessions; most servers cannot."""

    async def fetch_transcript(self, queue_id: str) -> list[TranscriptLine]:
        """Lines of the last sessions for a queued message, the oldest first."""
        ...


@runtime_checkable
class MessageLogSource(Protocol):
    """Shows the log that the server keeps for each queued message."""

    async def fetch_message_log(self, queue_id: str) -> list[str]:
        """Its lines, the oldest first, in the server's words. Raises ServerRefusedError."""
        ...


@runtime_checkable
class LogSource(Protocol):
    """Gives the server's log."""

    def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        """Records of a time range in log order, in batches."""
        ...

    def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        """New records from now on, until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class SearchableFiles:
    """Log files that the server's own tools can search: absolute paths, the oldest first, in a
    format of ``track --format``. ``zone`` is that of stamps without one; ``readable`` tells whether
    the account may read them without sudo."""

    runner: CommandRunner
    files: tuple[str, ...]
    format: str
    zone: tzinfo
    readable: bool = True


@runtime_checkable
class SearchableLog(Protocol):
    """Says where its log files are, so that they are searched on the server. The tracking engine
    then tracks the server; a connector that answers itself is a :class:`Tracker`."""

    async def log_place(self, since: datetime | None = None) -> SearchableFiles | None:
        """The files that were changed after ``since``; None when the log is not in files."""
        ...


@runtime_checkable
class Tracker(Protocol):
    """Answers what became of messages."""

    def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
        """Messages that match, the newest arrival last."""
        ...


@runtime_checkable
class Submission(Protocol):
    """Takes test mail."""

    def submission_endpoints(self) -> tuple[SubmissionEndpoint, ...]:
        """Where mail can be handed in, the preferred first."""
        ...

    def submission_password(self) -> str:
        """The password that goes with the endpoint's user; empty without authentication."""
        ...


@runtime_checkable
class StatsSource(Protocol):
    """Counts and rates."""

    async def stats(self) -> ServerStats:
        """Totals and series."""
        ...


@dataclass(frozen=True, slots=True)
class Advice:
    """One of the "things to fix": a configuration warning found by our own checks.
    ``severity`` is ``warn`` or ``fail``."""

    severity: str
    summary: str
    fix: str


@runtime_checkable
class AdviceSource(Protocol):
    """Warns about the server's own configuration."""

    async def advice(self) -> list[Advice]:
        """The warnings, worst first."""
        ...


@runtime_checkable
class RoutingTester(Protocol):
    """Says what the server would do, without a message."""

    async def test_routing(self, address: str) -> list[Route]:
        """Where mail to an address would go; several for an alias. Raises ServerRefusedError."""
        ...

    async def fake_session(self, ip: str, envelope: SessionEnvelope) -> FakeSession:
        """What a client at that IP address would be answered, and why."""
        ...


@runtime_checkable
class WholeLog(LogSource, Protocol):
    """A log that is all at hand: it is shown from its first line, and following goes on exactly
    where reading ended."""

    def unread(self) -> Sequence[UsageError]:
        """Why files could not be read to their end, for each of them."""
        ...


@runtime_checkable
class Catcher(Protocol):
    """A catch server of this program: it is started and stopped from here."""

    async def start_catching(self) -> None:
        """Listen. Raises UsageError (the port is taken), NotPermittedError, StorageError."""
        ...

    async def stop_catching(self) -> None:
        """Listen no more; what was caught stays."""
        ...


ABILITIES: Mapping[str, type] = {
    "queue": QueueSource,
    "queue-control": QueueControl,
    "message": MessageSource,
    "transcript": TranscriptSource,
    "message-log": MessageLogSource,
    "log": LogSource,
    "log-place": SearchableLog,
    "whole-log": WholeLog,
    "track": Tracker,
    "submission": Submission,
    "stats": StatsSource,
    "advice": AdviceSource,
    "routing": RoutingTester,
    "catch": Catcher,
}
"""Abilities by the name that pages and commands ask for."""


def never_said(connector: object) -> frozenset[str]:
    """Fields of a queue entry that this kind of server cannot say."""
    return frozenset(getattr(connector, "unsaid", ()))


A = TypeVar("A")


def ability(connector: object, wanted: type[A]) -> A | None:
    """The connector as that ability, or None when it lacks it."""
    return connector if isinstance(connector, wanted) else None


def abilities_of(connector: object) -> tuple[str, ...]:
    """Names of the abilities that a connector (object or class) has."""

    def has(protocol: type) -> bool:
        members: Iterable[str] = getattr(protocol, "__protocol_attrs__", None) or [
            name for name in vars(protocol) if not name.startswith("_")
        ]
        return all(hasattr(connector, name) for name in members)

    return tuple(name for name, protocol in ABILITIES.items() if has(protocol))
