"""The built-in mail server's queue listing: one entry as JSON a line, ``{"end":true}`` at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from smtpadmin.model.queue import QueueEntry

END = b'{"end":true}'


def looks_like(head: Sequence[bytes]) -> bool:
    """Whether these are lines of this listing."""
    return any(line == END or line.startswith(b'{"queue_id":') for line in head)


def parse(
    lines: Iterable[bytes], _now: datetime, tell: Callable[[str], None]
) -> Iterator[QueueEntry]:
    """The entries; see :mod:`smtpadmin.formats.queue_listing`."""
    ended = True
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        ended = line.strip() == END
        if ended:
            continue
        try:
            yield msgspec.json.decode(line, type=QueueEntry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            tell(f"line {number} is no queue entry ({error})")
    if not ended:
        tell("the listing breaks off: its end is missing")
