"""What ``postsuper`` says: on stderr, with exit status 0 even when nothing matched.

Source: postsuper(1), ``src/postsuper/postsuper.c``. One line for each message that was found
(``ID: removed``), one with the total (``Deleted: 1 message``); an ID that is not in the queue is
passed over in silence, so what was done is what was said, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from smtpadmin.util.text import decode_line, visible

MOST_PROBLEMS = 20

REMOVED, HELD, RELEASED = "removed", "placed on hold", "released from hold"
REQUEUED, EXPIRED = "requeued", "expired"
_ONE = re.compile(
    rf"postsuper: ([0-9A-Za-z]{{1,40}}): ({REMOVED}|{HELD}|{RELEASED}|{REQUEUED}|{EXPIRED})"
)
_TOTALS: Mapping[str, str] = {
    "Deleted": REMOVED,
    "Placed on hold": HELD,
    "Released from hold": RELEASED,
    "Requeued": REQUEUED,
    "Force-expired": EXPIRED,
}
_TOTAL = re.compile(rf"postsuper: ({'|'.join(_TOTALS)}): (\d{{1,18}}) messages?")


@dataclass(frozen=True, slots=True)
class PostsuperReport:
    """``done`` tells for each queue ID what was said of it, in order; ``totals`` counts by the same
    words; ``problems`` are the other lines: warnings, and why it ended early."""

    done: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def was(self, queue_id: str, what: str) -> bool:
        """Whether this was said of a message."""
        return what in self.done.get(queue_id, ())

    @property
    def agrees(self) -> bool:
        """Whether each total is the number of messages of which it was said."""
        said = [what for every in self.done.values() for what in every]
        return all(said.count(what) == total for what, total in self.totals.items())


def parse_postsuper(stderr: bytes) -> PostsuperReport:
    """Read what it printed. Never raises; what is not understood is a problem.

    >>> parse_postsuper(b"postsuper: Deleted: 0 messages\\n").totals
    {'removed': 0}
    """
    done: dict[str, tuple[str, ...]] = {}
    totals: dict[str, int] = {}
    problems: list[str] = []
    for line in stderr.split(b"\n"):
        text = decode_line(line).strip()
        if one := _ONE.fullmatch(text):
            done[one[1]] = (*done.get(one[1], ()), one[2])
        elif total := _TOTAL.fullmatch(text):
            totals[_TOTALS[total[1]]] = int(total[2])
        elif text and len(problems) < MOST_PROBLEMS:
            problems.append(visible(text, 300))
    return PostsuperReport(done, totals, tuple(problems))
