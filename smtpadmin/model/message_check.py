"""Nouns of a look at one message: what was checked and how it went."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class MessageVerdict(enum.StrEnum):
    """How a check went; ``untested`` when it could not run, never ``fail``."""

    PASS = "pass"
    INFO = "info"
    WARN = "warn"
    FAIL = "fail"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class MessageCheck:
    """One line of the list: ``name`` is stable, ``summary`` and ``fix`` are for people, ``detail`` is
    what was found (text of the message, made safe to show)."""

    name: str
    result: MessageVerdict
    summary: str
    detail: str = ""
    fix: str = ""
