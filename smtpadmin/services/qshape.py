"""How old the waiting mail is, by destination: the table that ``qshape`` made famous, for any server.

Knows queue entries alone. A recipient that still waits counts once, in its domain and age bracket.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from smtpadmin.model.queue import QueueEntry
from smtpadmin.services.columns import domain_of
from smtpadmin.services.row_store import RowStore

MINUTES = (5, 10, 20, 40, 80, 160, 320, 640, 1280)
"""Upper bounds of the age brackets, doubling; the last bracket is what is older."""


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """One domain: recipients in all, and by age bracket, the youngest first."""

    domain: str
    total: int
    by_age: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The table, the fullest domain first, with its sums. ``unknown_age`` counts recipients whose
    arrival the server cannot say; they are in the totals, in no bracket."""

    rows: tuple[ShapeRow, ...]
    total: ShapeRow
    unknown_age: int
    minutes: tuple[int, ...] = MINUTES


def queue_shape(
    entries: Iterable[QueueEntry],
    now: datetime,
    *,
    by_sender: bool = False,
    minutes: tuple[int, ...] = MINUTES,
) -> Shape:
    """Age by domain of the recipients, or of the sender (``by_sender``; ``""`` is the null
    sender or an address without a domain)."""
    table: dict[str, list[int]] = {}
    _count(table, entries, now, by_sender, minutes)
    return _shape(table, minutes)


def store_shape(store: RowStore[QueueEntry], now: datetime) -> Shape:
    """The same of all rows of a store, by recipient's domain. Messages with one waiting recipient,
    which most are, are counted in the store's columns."""
    bounds = [minute * 60.0 for minute in MINUTES]
    table, others = store.grid("domain", "arrived", bounds, now, ("waiting", 1.0))
    _count(table, others, now, False, MINUTES)
    return _shape(table, MINUTES)


def _count(
    table: dict[str, list[int]],
    entries: Iterable[QueueEntry],
    now: datetime,
    by_sender: bool,
    minutes: tuple[int, ...],
) -> None:
    """Add entries to a table whose last column is for what has no arrival."""
    bounds = [minute * 60 for minute in minutes]
    for entry in entries:
        bracket = _bracket(entry.arrived, now, bounds)
        for domain in _domains(entry, by_sender):
            table.setdefault(domain, [0] * (len(bounds) + 2))[bracket] += 1


def _shape(table: dict[str, list[int]], minutes: tuple[int, ...]) -> Shape:
    rows = sorted(
        (ShapeRow(domain, sum(counts), tuple(counts[:-1])) for domain, counts in table.items()),
        key=lambda row: (-row.total, row.domain),
    )
    unknown = sum(counts[-1] for counts in table.values())
    return Shape(tuple(rows), _sum(rows, len(minutes) + 1), unknown, minutes)


def _bracket(arrived: datetime | None, now: datetime, bounds: list[int]) -> int:
    if arrived is None:
        return len(bounds) + 1
    return bisect_left(bounds, max(0.0, (now - arrived).total_seconds()))


def _domains(entry: QueueEntry, by_sender: bool) -> list[str]:
    waiting = [r.address for r in entry.recipients if not r.delivered]
    if by_sender:
        return [domain_of(entry.sender)] * len(waiting)
    return [domain_of(address) for address in waiting]


def _sum(rows: Iterable[ShapeRow], brackets: int) -> ShapeRow:
    sums = [0] * brackets
    total = 0
    for row in rows:
        total += row.total
        sums = [a + b for a, b in zip(sums, row.by_age, strict=True)]
    return ShapeRow("", total, tuple(sums))
