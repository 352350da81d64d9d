"""Filter, sort and append of the row store beside Qt's own way, in one run.

Qt's way is a QSortFilterProxyModel over a minimal Python QAbstractTableModel. Rows are made like a
busy relay's queue: few senders and destinations, many reasons, every queue id its own.

    python benchmarks/row_store.py            1,000,000 rows; beside the proxy with 100,000 of them
    python benchmarks/row_store.py --full     beside the proxy with all of them (many minutes)
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.services.columns import QUEUE_COLUMNS
from smtpadmin.services.row_store import RowStore

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
TEXT = "connection timed out"


def entries(count: int) -> list[QueueEntry]:
    """Queue entries of a relay; the same ones every time."""
    dice = random.Random(7)
    domains = [f"branch-{n}.example" for n in range(400)]
    senders = [f"app{n}@corp.example" for n in range(2_000)]
    reasons = [
        f"{dice.choice((421, 450, 451, 452))} 4.{n % 7}.{n % 5} host mx{n}.example: "
        + dice.choice(("greylisted", TEXT, "mailbox full", "too many connections"))
        for n in range(5_000)
    ]
    return [
        QueueEntry(
            f"{dice.getrandbits(44):011X}",
            dice.choice(("deferred", "deferred", "active", "hold")),
            NOW - timedelta(seconds=dice.randrange(432_000)),
            dice.randrange(500, 5_000_000),
            dice.choice(senders),
            (
                QueueRecipient(
                    f"u{dice.randrange(20_000)}@{dice.choice(domains)}", dice.choice(reasons)
                ),
            ),
        )
        for _ in range(count)
    ]


def median_of(action: Callable[[], object], before: Callable[[], object], times: int = 5) -> float:
    """Median seconds of ``action``, each run after ``before``."""
    taken = []
    for _ in range(times):
        before()
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def measure_store(rows: list[QueueEntry]) -> dict[str, float]:
    """Seconds of each operation of the row store."""
    store: RowStore[QueueEntry] = RowStore(
        QUEUE_COLUMNS, key=lambda e: e.identity, limit=len(rows) * 2
    )
    start = time.perf_counter()
    for first in range(0, len(rows), 1_000):
        store.append(rows[first : first + 1_000])
    found = {"append, a second for 10,000 rows": (time.perf_counter() - start) * 10_000 / len(rows)}

    def unfiltered() -> None:
        store.set_filter(parse_filter(""), NOW)

    def unsorted() -> None:
        store.sort(None)

    def forget() -> None:
        unfiltered()
        for data in store._index._data.values() if store._index else ():
            getattr(data, "_hits", {}).clear()

    for name, text in {
        "filter by reason": f'reason:"{TEXT}"',
        "filter by destination": "domain=branch-7.example",
        "filter by age": "age>4d",
        "filter by queue id": "id:FACE",
        "filter by a word anywhere": "timed",
    }.items():
        found[name] = median_of(lambda text=text: store.set_filter(parse_filter(text), NOW), forget)
        found[f"{name}, {len(store):,} rows left"] = found.pop(name)
    found["clear the filter"] = median_of(
        unfiltered, lambda: store.set_filter(parse_filter(f'reason:"{TEXT}"'), NOW)
    )
    for column in ("recipient", "reason", "sender", "size", "arrived", "queue_id"):
        first = time.perf_counter()
        store.sort(column)
        found[f"sort by {column}, the first time"] = time.perf_counter() - first
        found[f"sort by {column}"] = median_of(lambda column=column: store.sort(column), unsorted)
    return found


def measure_proxy(rows: list[QueueEntry]) -> dict[str, float]:
    """Seconds of the same by QSortFilterProxyModel."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import (
        QAbstractTableModel,
        QModelIndex,
        QPersistentModelIndex,
        QSortFilterProxyModel,  # noqa: TID251 - what is compared
        Qt,
    )

    Index = QModelIndex | QPersistentModelIndex  # noqa: N806 - a type

    class Model(QAbstractTableModel):
        def __init__(self, rows: list[QueueEntry]) -> None:
            super().__init__()
            self.rows = rows

        def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
            return len(self.rows)

        def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
            return 1

        def data(self, index: Index, role: int = 0) -> str | None:
            return self.rows[index.row()].reason if role == Qt.ItemDataRole.DisplayRole else None

    model, proxy = Model(rows), QSortFilterProxyModel()
    proxy.setSourceModel(model)
    proxy.rowCount()
    found = {
        "filter by reason": timed(lambda: (proxy.setFilterFixedString(TEXT), proxy.rowCount()))
    }
    found["clear the filter"] = timed(lambda: (proxy.setFilterFixedString(""), proxy.rowCount()))
    found["sort by reason"] = timed(lambda: proxy.sort(0))
    return found


def timed(action: Callable[[], object]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--full", action="store_true", help="give the proxy all rows")
    options = parser.parse_args()
    rows = entries(options.rows)
    print(f"row store, {options.rows:,} rows")
    for name, seconds in measure_store(rows).items():
        print(f"  {name:<52}{seconds * 1_000:>10.1f} ms")
    compared = rows if options.full else rows[:100_000]
    store = {name.split(",")[0]: seconds for name, seconds in measure_store(compared).items()}
    print(f"beside QSortFilterProxyModel over a Python model, {len(compared):,} rows")
    for name, seconds in measure_proxy(compared).items():
        ours = store[name]
        print(
            f"  {name:<20} proxy {seconds:8.3f} s, store {ours:8.4f} s: {seconds / ours:6.0f} times"
        )


if __name__ == "__main__":
    main()
