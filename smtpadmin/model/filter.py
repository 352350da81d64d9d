"""The filter language's syntax tree: what ``formats.filter_language`` parses a filter into.

One language serves queue, log, tracking, saved views and the command line's ``--filter``.
"""

from __future__ import annotations

from dataclasses import dataclass

FILTER_FIELDS = (
    "from",
    "to",
    "domain",
    "code",
    "state",
    "id",
    "reason",
    "server",
    "event",
    "program",
)
"""Fields compared as text: a substring, or a pattern when the value holds ``*``."""

NUMBER_FIELDS = ("age", "size", "tries")
"""Fields compared as numbers: ``age`` in seconds, ``size`` in octets."""


@dataclass(frozen=True, slots=True)
class TextTerm:
    """A word, a field with a text, or its negation. ``field`` is None for "anywhere".
    ``exact`` asks for the whole value instead of a part of it (``domain=example.org``)."""

    field: str | None
    text: str
    negated: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True)
class NumberTerm:
    """A comparison; ``operator`` is one of ``>``, ``>=``, ``<``, ``<=``, ``=``."""

    field: str
    operator: str
    value: float
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold; the empty filter lets everything through."""

    terms: tuple[TextTerm | NumberTerm, ...] = ()
    source: str = ""
