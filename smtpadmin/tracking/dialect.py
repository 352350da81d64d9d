"""What the search has to know of a log's language: whose line it is, where a queue ID's life begins
and ends, and which other ID a line names. Octets in, so that only lines of an answer are parsed."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from smtpadmin.model.status import DeliveryStatus

if TYPE_CHECKING:
    from smtpadmin.model.log import LogRecord
    from smtpadmin.model.tracking import TrackedMessage
    from smtpadmin.tracking.lives import Life


SYSLOG_STAMP = (
    rb"[\0 \t]*(?:<\d{1,3}>)?"
    rb"(?:[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d\S*|\d{4}-\d\d-\d\d[T ]\S+|\d{9,11}\.\d+)"
)
"""What stands before the host in a line of a system log."""


class Own(NamedTuple):
    """A line of a queue ID. ``text`` is what follows the ID."""

    host: bytes
    queue_id: bytes
    process: bytes
    text: bytes

    @property
    def key(self) -> tuple[bytes, bytes]:
        """Host and queue ID."""
        return self.host, self.queue_id


class Kind(enum.IntEnum):
    """What a line is in the life of its queue ID."""

    OTHER = 0
    BIRTH = 1
    """The first line of a life, whatever came before it."""
    CREATED = 2
    """Early in a life, its first line when nobody handed the message in."""
    QUEUED = 3
    """Can not come before CREATED in one life."""
    END = 4
    """The last line of a life."""
    ABORT = 5
    """The message was refused: a line that begins a life is of another one."""


class Link(NamedTuple):
    """Another queue ID that a line names. ``kind`` is that of the later leg
    (:class:`smtpadmin.model.tracking.Leg`); ``up`` when the other one is the earlier leg."""

    queue_id: bytes
    kind: str
    up: bool


def _no_session(line: object) -> None:
    """For logs in which no mailbox server writes."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One log's language. ``alone`` says that a line without a queue ID is a message by itself: a
    refusal, and holds one of ``alone_words``. ``local_birth`` says that a first line may have come from a leg in this very log.
    ``child_fits`` tells whether a life with that first line can
    be a later leg of that kind. ``reused`` tells that IDs come again for other messages; ``anchor`` stands right before every ID,
    a line that names another ID holds one of ``link_words``, one whose link goes up one of ``up_words``.
    """

    name: str
    own: Callable[[bytes], Own | None]
    kind: Callable[[Own], Kind]
    links: Callable[[Own], Sequence[Link]]
    alone: Callable[[bytes], bool]
    local_birth: Callable[[Own], bool]
    child_fits: Callable[[str, Own], bool]
    reused: bool
    anchor: bytes
    parse: Callable[..., LogRecord]
    assemble: Callable[[Sequence[Life], Callable[[int, bytes], LogRecord]], TrackedMessage]
    refused: Callable[[LogRecord], TrackedMessage | None]
    alone_words: Sequence[bytes]
    up_words: Sequence[bytes]
    link_words: Sequence[bytes]
    null_sender: str
    status_text: Mapping[DeliveryStatus, str]
    early: int = 0
    """What every log line of a status holds stands in ``status_text``. Octets before the birth and after the end in which further lines of an ID may lie."""
    session_named: Callable[[Own], bytes | None] = _no_session
    session_of: Callable[[bytes], bytes | None] = _no_session
    session_word: bytes | None = None
    """Of a mailbox server that writes into the same log: the session of its own that a delivery
    names, the session that a line of its is of, and what each such line holds."""
