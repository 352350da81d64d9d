"""Replies out of a stream of octets, however it is cut. Sans-I/O; RFC 5321 sections 4.2, 4.5.3.1.5.

>>> reader = ReplyReader()
>>> list(reader.feed(b"250-mx.example.org\\r\\n250 SI"))
[]
>>> next(reader.feed(b"ZE 1000\\r\\n")).text
'mx.example.org\\nSIZE 1000'
"""

from __future__ import annotations

from collections.abc import Iterator

from smtpadmin.formats.smtp_reply import is_last, parse_reply
from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.smtp import Reply
from smtpadmin.util.text import decode_line, visible

MOST_REPLY = 64 * 1024
"""Octets of one reply."""
MOST_LINES = 500
MOST_SHOWN = 80


class ReplyReader:
    """Feed it what arrives; it gives the replies that are whole. Each octet is looked at once."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._lines: list[bytes] = []
        self._octets = 0

    @property
    def halfway(self) -> bool:
        """Whether the server has begun a line and not ended it."""
        return bool(self._line)

    def feed(self, octets: bytes) -> Iterator[Reply]:
        """To be read to its end. Raises ProtocolError for what cannot become a reply, as soon as
        that is known."""
        start = 0
        while (end := octets.find(b"\n", start)) >= 0:
            self._keep(octets[start:end])
            start = end + 1
            reply = self._finish()
            if reply is not None:
                yield reply
        self._keep(octets[start:])

    def drop(self) -> int:
        """Forget what has been begun; gives the number of octets."""
        left = len(self._line) + sum(map(len, self._lines))
        self._line.clear()
        self._lines, self._octets = [], 0
        return left

    def _keep(self, octets: bytes) -> None:
        self._octets += len(octets)
        if self._octets > MOST_REPLY:
            raise ProtocolError("the server's reply is too long")
        self._line += octets

    def _finish(self) -> Reply | None:
        line = bytes(self._line)
        self._line.clear()
        if not line.endswith(b"\r"):
            raise ProtocolError(f"a line of the server ends without CR: {_shown(line)}")
        line = line[:-1]
        self._lines.append(line)
        if len(self._lines) == 1 and line[3:4] != b"-":
            self._lines, self._octets = [], 0
            return parse_reply((line,))
        last = is_last(line)
        if line[:3] != self._lines[0][:3]:
            parse_reply(self._lines)  # raises: the code changes
        if last:
            lines, self._lines, self._octets = self._lines, [], 0
            return parse_reply(lines)
        if len(self._lines) >= MOST_LINES:
            raise ProtocolError("the server's reply is too long")
        return None


def _shown(line: bytes) -> str:
    return visible(decode_line(line[: 4 * MOST_SHOWN]), MOST_SHOWN) or "(an empty line)"
