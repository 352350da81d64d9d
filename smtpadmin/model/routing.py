"""How a server would route an address, and what it would answer a client: tests without mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """Where one address would go. ``outcome`` is ``delivers``, ``undeliverable``, ``deferred``,
    ``discarded`` or ``invalid``; ``came_from`` are the addresses that it was made from (an alias,
    a forwarding), the nearest first; ``reason`` is the server's own text."""

    address: str
    outcome: str
    router: str = ""
    transport: str = ""
    hosts: tuple[str, ...] = ()
    came_from: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SessionEnvelope:
    """What a pretended client says."""

    helo: str
    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionReply:
    """A command of the pretended client and the server's answer to it."""

    command: str
    code: int | None
    text: str


@dataclass(frozen=True, slots=True)
class FakeSession:
    """A session that never was. ``explanation`` are the server's words on each rule it tried,
    ``log`` the lines it would have logged."""

    replies: tuple[SessionReply, ...]
    explanation: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the server said no to anything, or hung up before the end."""
        return any(reply.code is None or reply.code >= 400 for reply in self.replies)
