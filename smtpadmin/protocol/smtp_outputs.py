"""What a dialogue wants done, in order: the driver does it and records it. Values only."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from smtpadmin.model.smtp import Stage


class Kind(enum.Enum):
    """What octets are, so that they are recorded as what they are."""

    COMMAND = enum.auto()
    SECRET = enum.auto()
    """A response to a challenge, or a command whose argument is not to be shown."""
    BODY = enum.auto()
    """Of a message; ``last`` says that it ends here."""
    BINARY = enum.auto()
    """Not lines: a PROXY header of version 2."""


@dataclass(frozen=True, slots=True)
class Write:
    """Send octets. ``shown`` is what a transcript says instead of them."""

    octets: bytes = field(repr=False)
    kind: Kind = Kind.COMMAND
    shown: str = ""
    last: bool = False


@dataclass(frozen=True, slots=True)
class Enter:
    """The next stage begins; the time until now belongs to the one before."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell that is not on the wire. It may quote the server."""

    words: str


@dataclass(frozen=True, slots=True)
class StartTls:
    """Do the handshake, then tell the dialogue."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection."""


Output = Write | Enter | Note | StartTls | HangUp
