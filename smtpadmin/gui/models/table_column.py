"""A column of a table as data: title, width, alignment, how a cell is worded and coloured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TableColumn(Generic[T]):
    """One column of rows ``T``. ``name`` is the store's column to sort by; ``text`` words a cell;
    ``tone`` gives the token of its colour, and with ``pill`` the cell is drawn as a status pill with
    ``icon``. A cell of a ``link`` column leads somewhere when it is clicked. ``term`` is the filter field for "Filter for"; ``value`` its exact value."""

    name: str
    title: str
    width_em: float
    text: Callable[[T], str]
    tooltip: Callable[[T], str] | None = None
    right: bool = False
    mono: bool = False
    muted: bool = False
    pill: bool = False
    tone: Callable[[T], str] | None = None
    icon: Callable[[T], str] | None = None
    stretch: bool = False
    hidden: bool = False
    link: bool = False
    term: str | None = None
    value: Callable[[T], str] | None = None
