"""Exim's queue listing: ``exim -bp``, ``-bpr``, ``-bpu``, ``-bpa`` (also called ``mailq``).

A head line ``AGE SIZE ID <SENDER> (LOGIN) *** frozen ***``, one indented line a recipient, ``D``
before one that has its copy, ``+D`` before a generated address that has it, and a blank line.
Ages and sizes are rounded, so the time of arrival is taken from the ID; a message whose files cannot
be read has neither and says why on the line below. An empty queue prints nothing at all. Exim
specification, "-bp"; ``src/queue.c``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from smtpadmin.formats.exim_id import BASE_62, PATTERN, arrival_of
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.util.text import decode_line, visible

WAITING, FROZEN, UNREADABLE = "deferred", "frozen", "corrupt"
"""What ``QueueEntry.queue`` says: Exim has one queue; a message in it waits, is frozen, or has a
spool file that Exim cannot read."""

SPOOL_FILE_GONE = "spool read error: No such file or directory"
"""What stands under an ID that was asked for by name and is not in the queue."""

MOST_LINE = 100_000
"""Characters of a line that are looked at."""

_INDENT = " " * 8
"""Before each recipient; a head line has less, so that it need not be looked for there."""

_FROZEN = "*** frozen ***"
_SHOWN = 200
_SAID = re.compile(r"(?:exim4?|mailq|sendmail): \S|LOG: |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
_HEAD = re.compile(
    rf"[ \t]*(?:(?P<age>\d{{1,9}}[mhdw])[ \t]+)?(?:(?P<size>\d{{1,9}}(?:\.\d{{1,9}})?[KMG]?)[ \t]+)?"
    rf"(?P<id>{PATTERN})(?:[ \t]+(?P<rest>.*)|[ \t]*)",
    re.ASCII,
)
_SPOOL_ERROR = re.compile(r"\*\*\* (?P<text>spool (?:format|read) error.*?) \*\*\*(?P<rest>.*)")
_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


class EximQueueReader:
    """Takes a listing line by line, as it arrives, and gives each message when it is complete.
    ``tell`` gets a sentence about each line that is no part of a listing."""

    def __init__(
        self,
        tell: Callable[[str], None],
        server: str | None = None,
        *,
        base: int = BASE_62,
    ) -> None:
        self._tell = tell
        self._server = server
        self._base = base
        self._open: _Open | None = None
        self._number = 0

    def feed(self, raw: bytes) -> QueueEntry | None:
        """One line; gives the message that it ends, if it ends one."""
        self._number += 1
        line = decode_line(raw[:MOST_LINE]).rstrip("\r\n")
        if not line.strip():
            return self.finish()
        if self._open is not None and self._open.takes(line):
            return None
        done = self.finish()
        if head := _HEAD.fullmatch(line):
            self._open = _Open(head)
        elif _SAID.match(line):
            self._tell(visible(line.strip(), _SHOWN))
        else:
            shown = visible(line.strip(), _SHOWN)
            self._tell(f"line {self._number} is no part of a listing: {shown}")
        return done

    def finish(self) -> QueueEntry | None:
        """The message that is still open at the end of the listing."""
        done, self._open = self._open, None
        return done.entry(self._server, self._base) if done else None


class _Open:
    """A message whose recipients are being read."""

    def __init__(self, head: re.Match[str]) -> None:
        self.queue_id = head["id"]
        self.size = size_of(head["size"])
        self.sender, self.login, self.frozen = _sender(head["rest"] or "")
        self.error = ""
        self.recipients: list[QueueRecipient] = []

    def takes(self, line: str) -> bool:
        """Whether the line belongs to this message: it is indented and no head of another one."""
        if not line[0].isspace():
            return False
        text = line.strip()
        if line.startswith(_INDENT) and not text.startswith("***"):
            self.recipients.append(_recipient(text))
            return True
        if error := _SPOOL_ERROR.fullmatch(text):
            self.error = error["text"]
            self.frozen = self.frozen or _FROZEN in error["rest"]
            return True
        head = _HEAD.fullmatch(line)
        if head is not None and (head["size"] or head["age"] or not head["rest"]):
            return False
        self.recipients.append(_recipient(text))
        return True

    def entry(self, server: str | None, base: int) -> QueueEntry:
        """The message as a row."""
        flags = (f"login:{self.login}",) if self.login else ()
        queue = UNREADABLE if self.error else FROZEN if self.frozen else WAITING
        return QueueEntry(
            self.queue_id,
            queue,
            arrival_of(self.queue_id, base),
            self.size,
            self.sender,
            tuple(self.recipients),
            server=server,
            frozen=self.frozen,
            flags=(*flags, self.error) if self.error else flags,
        )


def parse(
    lines: Iterable[bytes],
    _now: datetime,
    tell: Callable[[str], None],
    *,
    base: int = BASE_62,
) -> Iterator[QueueEntry]:
    """The entries; see :mod:`smtpadmin.formats.queue_listing`. No line at all is an empty queue."""
    reader = EximQueueReader(tell, base=base)
    for line in lines:
        if entry := reader.feed(line):
            yield entry
    if entry := reader.finish():
        yield entry


def looks_like(head: Sequence[bytes]) -> bool:
    """Whether these are lines of this listing, or what was said in its place."""
    return any(_is_head(decode_line(line[:1_000]).rstrip()) for line in head) or any(
        line.startswith((b"exim: ", b"exim4: ")) for line in head
    )


def _is_head(line: str) -> bool:
    head = _HEAD.fullmatch(line)
    return head is not None and bool(head["age"] or head["size"])


def size_of(text: str | None) -> int | None:
    """Octets of Exim's rounded size; None where it prints none (it does for an empty one).

    >>> size_of("1.4K"), size_of("417"), size_of("12M")
    (1434, 417, 12582912)
    """
    if not text:
        return None
    unit = _UNITS.get(text[-1], 1)
    return round(float(text.rstrip("KMG")) * unit)


def _sender(text: str) -> tuple[str, str, bool]:
    """Sender, login name of an untrusted local user, and whether the message is frozen.

    A sender may hold what looks like a mark (``<"x> *** frozen ***"@example.org>``): the line is
    read from its end, where only Exim writes.
    """
    frozen = text.endswith(_FROZEN)
    if frozen:
        text = text.removesuffix(_FROZEN)
    text = text.strip()
    if not text.startswith("<"):
        return text, "", frozen
    if text.endswith(">"):
        return text[1:-1], "", frozen
    sender, _, note = text[1:].rpartition(">")
    return sender, note.strip().removeprefix("(").removesuffix(")"), frozen


def _recipient(text: str) -> QueueRecipient:
    mark, _, address = text.partition(" ")
    if mark in ("D", "+D") and address.strip():
        return QueueRecipient(address.strip(), delivered=True)
    return QueueRecipient(text)
