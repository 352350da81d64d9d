"""Saved queue listings: which formats can be read, and which one a text looks like.

A parser takes the listing's lines without their line ends, the moment at which it was made (for
times without a year and for ages; without a zone it is this machine's local time) and whom to tell
about lines that do not fit. It gives what it can read and never raises: an error that a server
printed in place of its queue is told, so that it does not pass for an empty queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smtpadmin.formats import (
    builtin_queue,
    exim_queue,
    opensmtpd_queue,
    postfix_mailq,
    postfix_queue,
    sendmail_queue,
)
from smtpadmin.model.queue import QueueEntry

Tell = Callable[[str], None]
"""Takes one sentence about what could not be read."""

Parser = Callable[[Iterable[bytes], datetime, Tell], Iterator[QueueEntry]]

SNIFFED_LINES = 50
"""Lines of a listing's head that :func:`detect` is meant to get."""


@dataclass(frozen=True, slots=True)
class QueueFormat:
    """How a listing is recognised by its first lines, and parsed."""

    looks_like: Callable[[Sequence[bytes]], bool]
    parse: Parser


FORMATS: Mapping[str, QueueFormat] = {
    "postqueue-j": QueueFormat(postfix_queue.looks_like, postfix_queue.parse),
    "mailq": QueueFormat(postfix_mailq.looks_like, postfix_mailq.parse),
    "exim-bp": QueueFormat(exim_queue.looks_like, exim_queue.parse),
    "sendmail": QueueFormat(sendmail_queue.looks_like, sendmail_queue.parse),
    "smtpctl": QueueFormat(opensmtpd_queue.looks_like, opensmtpd_queue.parse),
    "builtin": QueueFormat(builtin_queue.looks_like, builtin_queue.parse),
}
"""Formats by the name that ``queue parse --format`` takes; the first that fits wins."""


def detect(head: Sequence[bytes]) -> str | None:
    """The name of the format that a listing's first lines look like: the first of them that looks
    like any decides, for an address further down may hold what another format begins with.

    >>> detect([b"Mail queue is empty"])
    'mailq'
    """
    for line in head:
        for name, known in FORMATS.items():
            if line.strip() and known.looks_like([line]):
                return name
    return None
