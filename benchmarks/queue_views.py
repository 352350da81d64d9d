"""A queue of 100,000 messages in the store: filter it, group it, count its ages by destination.

python benchmarks/queue_views.py [MESSAGES]
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.services.columns import QUEUE_COLUMNS
from smtpadmin.services.qshape import queue_shape, store_shape
from smtpadmin.services.queue_watch import queue_key
from smtpadmin.services.row_store import RowStore

FILTERS = ("domain:d7.example", "age>1d", "code:4.4.1 -from:s7@acme.example", "timed", "id:7f3")
NOW = datetime.now(UTC)


def entry(number: int, dice: random.Random) -> QueueEntry:
    recipients = tuple(
        QueueRecipient(f"u{dice.randrange(70_000)}@d{dice.randrange(900)}.example",
                       f"451 4.4.1 connect timed out ({number % 40})")
        for _ in range(1 if number % 10 else 3)
    )  # fmt: skip
    arrived = NOW - timedelta(seconds=dice.randrange(400_000))
    return QueueEntry(
        f"{number:015X}", "deferred" if number % 9 else "active", arrived,
        dice.randrange(1_000_000), f"s{number % 300}@acme.example", recipients, server="mx1",
    )  # fmt: skip


def told(words: str, work: Callable[[], object]) -> None:
    took = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        took.append((time.perf_counter() - started) * 1000)
    print(f"{words:44} {sorted(took)[2]:8.1f} ms")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    dice = random.Random(2)
    store: RowStore[QueueEntry] = RowStore(QUEUE_COLUMNS, key=queue_key)
    store.append([entry(n, dice) for n in range(count)])
    print(f"{count:,} messages, median of five")
    for text in FILTERS:
        wanted = parse_filter(text)
        store.set_filter(parse_filter(""), NOW)
        started = time.perf_counter()
        store.set_filter(wanted, NOW)
        took = (time.perf_counter() - started) * 1000
        print(f"{f'filter {text}, {len(store):,} left':44} {took:8.1f} ms")
    store.set_filter(parse_filter(""), NOW)
    for column in ("domain", "sender", "reason"):
        told(f"group by {column}", lambda column=column: store.facet(column))
    told("age by destination (qshape)", lambda: store_shape(store, NOW))
    told("the same, counted row by row", lambda: queue_shape(store.all_rows(), NOW))


if __name__ == "__main__":
    main()
