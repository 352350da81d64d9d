"""What a million lines of a log cost in memory and time while the Logs page keeps them.

Lines of a Postfix server, three to five of each message, parsed as the page gets them. PLAIN keeps
the records as they are, for comparison. Run: python benchmarks/log_memory.py [LINES] [PLAIN]
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.postfix_log import parse_line
from smtpadmin.model.log import LogRecord
from smtpadmin.services.columns import LOG_COLUMNS
from smtpadmin.services.log_packing import LogPacking
from smtpadmin.services.row_store import Keep, RowStore

BATCH = 2_000
START = datetime(2026, 3, 1, tzinfo=UTC)
WANTED_MB = 600


def lines(count: int) -> Iterator[bytes]:
    """What smtpd, cleanup, qmgr and smtp say of one message after the other."""
    for n in range(count):
        message, which = divmod(n, 5)
        now = (START + timedelta(seconds=n / 20)).strftime("%b %e %H:%M:%S")
        queue_id = f"{message:011X}"
        client = f"ws{message % 977}.acme.example[10.0.{message % 199}.{message % 251}]"
        said = (
            f"smtpd[{2000 + n % 40}]: {queue_id}: client={client}, sasl_method=PLAIN,"
            f" sasl_username=user{message % 3001}",
            f"cleanup[{3000 + n % 9}]: {queue_id}: message-id=<{message:032x}@acme.example>",
            f"qmgr[77]: {queue_id}: from=<user{message % 3001}@acme.example>, size={1000 + n % 90000},"
            " nrcpt=1 (queue active)",
            f"smtp[{4000 + n % 99}]: {queue_id}: to=<person{message % 50021}@partner{message % 811}.example>,"
            f" relay=mx.partner{message % 811}.example[192.0.2.{message % 251}]:25, delay=1.{n % 97},"
            " delays=0.1/0.01/0.5/0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as"
            f" {message * 7919 % 16**11:011X})",
            f"qmgr[77]: {queue_id}: removed",
        )[which]
        yield f"{now} mx1 postfix/{said}".encode()


def records(count: int) -> Iterator[list[LogRecord]]:
    clock, batch = LogClock(UTC, year=2026), []
    for number, line in enumerate(lines(count), 1):
        batch.append(parse_line(line, file="/var/log/mail.log", number=number, clock=clock))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def resident_mb() -> float:
    """Now where the kernel says it, else at the most."""
    status = Path("/proc/self/status")
    if status.exists():
        found = next(x for x in status.read_text("ascii").splitlines() if x.startswith("VmRSS"))
        return int(found.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    plain = "plain" in (word.lower() for word in sys.argv[2:])
    store: RowStore[LogRecord] = RowStore(
        LOG_COLUMNS, limit=count, keep=Keep.LAST, packing=None if plain else LogPacking
    )
    store.append(batch := next(records(BATCH)))
    store.clear()
    del batch
    gc.collect()
    before, appending = resident_mb(), 0.0
    for batch in records(count):
        started = time.perf_counter()
        store.append(batch)
        appending += time.perf_counter() - started
    del batch
    gc.collect()
    used = resident_mb() - before
    print(f"{count} lines: {used:.0f} MB, {used * 1024 * 1024 / count:.0f} octets a line"
          f" (wanted for a million: {WANTED_MB} MB)")  # fmt: skip
    print(f"append: {appending / count * 1e6:.1f} us a line")
    for expression in ("partner7.example", "event:delivery to:person123", "id:0000001E240"):
        started = time.perf_counter()
        store.set_filter(parse_filter(expression), datetime.now(UTC))
        took = (time.perf_counter() - started) * 1000
        print(f"filter {expression!r}: {len(store)} lines, {took:.0f} ms")
    store.set_filter(parse_filter(""), datetime.now(UTC))
    started = time.perf_counter()
    for position in range(0, len(store), max(1, len(store) // 10_000)):
        store.row(position)
    print(f"unpack: {(time.perf_counter() - started) * 100:.1f} us a row (10,000 of them)")


if __name__ == "__main__":
    main()
