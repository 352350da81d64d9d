"""What happened to a message between sending and arrival."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeaderChange:
    """One field: ``before`` is None when it was added, ``after`` when it was removed."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class MessageChanges:
    """``body`` is ``same``, ``re-encoded`` (the same content in another transfer encoding, or with
    other line ends) or ``changed``; ``moved`` are fields whose order changed. ``notes`` are
    sentences."""

    added: tuple[HeaderChange, ...] = ()
    removed: tuple[HeaderChange, ...] = ()
    rewritten: tuple[HeaderChange, ...] = ()
    body: str = "same"
    notes: tuple[str, ...] = ()
