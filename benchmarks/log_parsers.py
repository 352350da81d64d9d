"""Lines a second of the log parsers, in one process: frames with the dispatch by process, and whole
records. ``benchmarks/log_parsers.py FILE...``; the best of five passes over each file.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.postfix_programs import is_postfix
from smtpadmin.formats.syslog_frame import parse_frame
from smtpadmin.tracking.files import FORMATS, SYSLOG, recognised
from smtpadmin.tracking.log_lines import head_of, read_lines

PASSES = 5
MOST_LINES = 200_000


def rate(work: Callable[[bytes], object], lines: list[bytes]) -> int:
    best = float("inf")
    for _ in range(PASSES):
        start = time.perf_counter()
        for line in lines:
            work(line)
        best = min(best, time.perf_counter() - start)
    return int(len(lines) / best)


def main() -> None:
    for path in map(Path, sys.argv[1:]):
        name = recognised(head_of(path)) or SYSLOG
        clock = LogClock(UTC, anchor=datetime.now(UTC))
        parse = FORMATS[name].parser(clock)
        lines = [line for (line, _), _ in zip(read_lines(path), range(MOST_LINES), strict=False)]
        if not lines:
            continue

        def dispatched(line: bytes, clock: LogClock = clock) -> bool:
            program = parse_frame(line, clock).program
            return program is not None and is_postfix(program)

        records = rate(lambda line, parse=parse: parse(line, file=None, number=None), lines)  # type: ignore[misc]
        print(f"{path.name} ({name}): {rate(dispatched, lines):,} frames/s, {records:,} records/s")


if __name__ == "__main__":
    main()
