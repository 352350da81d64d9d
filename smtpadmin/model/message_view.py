"""A message taken apart for reading: header fields, MIME parts, text, attachments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Header:
    """One header field. ``value`` is unfolded and decoded (RFC 2047), ``raw`` the field as it stands
    with its folds, without its last line end. Both are a stranger's: ``visible`` before showing."""

    name: str
    value: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One node of the MIME structure. ``number`` counts as IMAP does (``1.2``; RFC 9051 section
    6.4.5), ``""`` for the message itself. ``start`` and ``end`` are the body's place in the raw
    message, in octets, before the transfer encoding is undone. ``notes`` say what is broken."""

    number: str
    content_type: str
    start: int
    end: int
    headers: tuple[Header, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    disposition: str = ""
    filename: str = ""
    encoding: str = "7bit"
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """A leaf that is meant to be read, not saved."""
        return self.content_type.startswith("text/") and not (
            self.parts or self.filename or self.disposition == "attachment"
        )


@dataclass(frozen=True, slots=True)
class Attachment:
    """What can be saved from a message. ``name`` is safe as a file name; ``size`` is in octets,
    decoded."""

    number: str
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class MessageView:
    """A whole message for reading. ``body`` is its text, of HTML the words alone; ``html`` the
    first HTML part as it came, or None."""

    root: Part
    body: str
    html: str | None
    attachments: tuple[Attachment, ...]
    size: int

    @property
    def headers(self) -> tuple[Header, ...]:
        """The message's own header fields, in order, duplicates kept."""
        return self.root.headers

    def first(self, name: str) -> str:
        """The first field of that name, decoded; empty without one."""
        wanted = name.lower()
        return next((h.value for h in self.headers if h.name.lower() == wanted), "")
