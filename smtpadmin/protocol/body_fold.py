"""Folds a message's body in a transcript: its first lines, then how much was left out. Sans-I/O.

Headers are shown in full up to a limit. RFC 5321 sections 4.1.1.4 and 4.5.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

MOST_BODY_LINES = 200
MOST_OCTETS = 16 * 1024
_END = b"\r\n.\r\n"


def show_headers(octets: bytes, show: Callable[[bytes], None], note: Callable[[str], None]) -> None:
    """A whole message whose text must not stand in a transcript: a virus scanner would find there
    what it is meant to find in the message."""
    headers, empty, _ = octets[:MOST_OCTETS].partition(b"\r\n\r\n")
    for line in headers.split(b"\r\n") if empty else ():
        show(line)
    hidden = len(octets) - (len(headers) if empty else 0)
    digest = hashlib.sha256(octets).hexdigest()
    note(f"({hidden} octets are not shown; the SHA-256 of all {len(octets)} is {digest})")
    if octets.endswith(b"\r\n.\r\n"):
        show(b".")


class BodyFold:
    """Feed it what the client sends after 354; ``show`` gets each shown line, ``note`` the count."""

    def __init__(self, show: Callable[[bytes], None], note: Callable[[str], None]) -> None:
        self._show = show
        self._note = note
        self._rest = b""
        self._lines = 0
        self._octets = 0
        self._hidden = 0
        self._folded = False

    def feed(self, octets: bytes) -> bytes | None:
        """None while the body lasts; what follows its end, once it has ended."""
        data = self._rest + octets
        self._rest = b""
        return self._fold(data) if self._folded else self._shown(data)

    def end(self) -> None:
        """The session broke off inside the body."""
        if self._folded:
            self._hidden += self._rest.count(b"\n")
            self._octets += len(self._rest)
            self._say_hidden()
        elif self._rest:
            self._show(self._rest)

    def _shown(self, data: bytes) -> bytes | None:
        start = 0
        while self._lines < MOST_BODY_LINES and self._octets < MOST_OCTETS:
            end = data.find(b"\n", start)
            if end < 0 and len(data) - start <= MOST_OCTETS:
                self._rest = data[start:]
                return None
            end = len(data) - 1 if end < 0 else end
            line = data[start : end + 1].removesuffix(b"\n").removesuffix(b"\r")
            self._show(line)
            if line == b".":
                return data[end + 1 :]
            self._lines += 1
            self._octets += end + 1 - start
            start = end + 1
        self._folded = True
        # The line end before the rest is already counted and shown, but it belongs to the end mark.
        self._octets -= 2
        self._hidden -= 1
        return self._fold(b"\r\n" + data[start:])

    def _fold(self, data: bytes) -> bytes | None:
        end = data.find(_END)
        if end < 0:
            cut = max(0, len(data) - len(_END) + 1)
            self._count(data[:cut])
            self._rest = data[cut:]
            return None
        self._count(data[: end + 2])
        self._say_hidden()
        self._show(b".")
        return data[end + len(_END) :]

    def _count(self, data: bytes) -> None:
        self._hidden += data.count(b"\n")
        self._octets += len(data)

    def _say_hidden(self) -> None:
        if self._hidden > 0:
            self._note(f"({self._hidden} more lines; {self._octets} octets in all)")
