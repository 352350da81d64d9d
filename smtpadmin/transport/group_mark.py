"""The line by which a command on a server first tells its process group, so that it can be ended."""

from __future__ import annotations

import re

GROUP_MARK = b"smtpadmin-group "
"""With the number of the process group, what stands before the command's own output on standard
output and on standard error: what comes before it is of the account's start-up files."""

INSIDE_MARK = b"smtpadmin-inside "
"""The same, told from inside a container, on standard error alone."""

LOWEST_GROUP = 2
"""A process group of 0 or 1 in kill(1) is not one group, and the number comes from a server."""

MOST_BEFORE_MARK = 64 * 1024
"""Octets of talkative start-up files before the mark is no longer expected."""


class Mark:
    """Takes a mark, and what stands before it, out of a stream. When it does not come all of the
    stream is the command's."""

    def __init__(self, mark: bytes = GROUP_MARK) -> None:
        self.group: int | None = None
        self.passed = False
        self._line = re.compile(re.escape(mark) + rb"([0-9]{1,10})\n")
        self._held = bytearray()

    def strip(self, data: bytes, *, last: bool = False) -> bytes:
        """What of ``data`` and of what was held back is the command's."""
        if self.passed:
            return data
        self._held += data
        found = self._line.search(self._held)
        if found is not None:
            number = int(found[1])
            self.group = number if number >= LOWEST_GROUP else None
            del self._held[: found.end()]
        self.passed = found is not None or last or len(self._held) > MOST_BEFORE_MARK
        if not self.passed:
            return b""
        own = bytes(self._held)
        self._held.clear()
        return own
