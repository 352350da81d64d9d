"""Rows appended to a table at 10,000 a second: how long the frames take.

The real model and table over the row store, in batches as the Logs page gets them, following the
tail; every line is a new one. With FULL, the store holds as many rows as it may from the start, so
that every batch also drops the oldest. Run: python benchmarks/live_rows.py [SECONDS] [FULL]
"""

from __future__ import annotations

import gc
import os
import sys
import time
from datetime import UTC, datetime

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QTimer

from smtpadmin.gui.application import make_application
from smtpadmin.gui.models.log_columns import LOG_TABLE
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.pages.logs import LIMIT
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.log import LogRecord
from smtpadmin.services.columns import LOG_COLUMNS
from smtpadmin.services.log_follow import BATCH_EVERY_S
from smtpadmin.services.log_packing import LogPacking
from smtpadmin.services.row_store import Keep, RowStore

RATE = 10_000
FLUSH_MS = round(BATCH_EVERY_S * 1000)
FRAME_MS = 16.0


def records(count: int, start: int) -> list[LogRecord]:
    now = datetime.now(UTC)
    return [
        LogRecord(f"raw line {n}", "delivery", now, "mx1", "smtpadmin", 7, "info", f"Q{n:08d}",
                  {"to": f"user{n % 997}@b.example", "status": "sent"}, f"to=<user{n % 997}@b.example>, status=sent")
        for n in range(start, start + count)
    ]  # fmt: skip


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    application = make_application()
    store: RowStore[LogRecord] = RowStore(
        LOG_COLUMNS, limit=LIMIT, keep=Keep.LAST, packing=LogPacking
    )
    table = Table(RowModel(store, LOG_TABLE), "log")
    table.resize(1280, 800)
    table.show()
    size = RATE * FLUSH_MS // 1000
    wanted = int(seconds * 1.1 * 1000 / FLUSH_MS) + 10  # Qt's timer may be 5 % early
    first = LIMIT if "full" in (word.lower() for word in sys.argv[2:]) else 1
    store.append(records(first, 0))
    batches = [records(size, first + n * size) for n in range(wanted)]
    application.processEvents()
    gc.collect()
    gc.freeze()  # as the window does once it stands
    frames: list[float] = []
    busy: list[float] = []
    appended = 0

    def flush() -> None:
        nonlocal appended
        started, worked = time.perf_counter(), time.thread_time()
        batch = batches[len(frames)]
        store.append(batch)
        table.scrollToBottom()
        table.viewport().repaint()
        frames.append((time.perf_counter() - started) * 1000)
        busy.append((time.thread_time() - worked) * 1000)
        appended += len(batch)

    flusher = QTimer()
    flusher.setInterval(FLUSH_MS)
    flusher.timeout.connect(flush)
    flusher.start()
    started = time.perf_counter()
    QTimer.singleShot(int(seconds * 1000), application.quit)
    application.exec()
    took = time.perf_counter() - started
    frames.sort()
    p99 = frames[int(len(frames) * 0.99) - 1]
    busy.sort()
    print(f"{appended / took:8.0f} rows/s, {len(frames)} frames with append and paint")
    print(f"frame: median {frames[len(frames) // 2]:.1f} ms, p99 {p99:.1f} ms, longest {frames[-1]:.1f} ms"
          f" (wanted: p99 <= {FRAME_MS:.0f} ms)")  # fmt: skip
    print(f"of it at work: median {busy[len(busy) // 2]:.1f} ms, p99 {busy[int(len(busy) * 0.99) - 1]:.1f} ms"
          " (the rest is what other programs took on a busy machine)")  # fmt: skip


if __name__ == "__main__":
    main()
