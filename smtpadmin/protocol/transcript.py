"""Records a session line by line and redacts secrets in the same moment. Sans-I/O: octets and a clock
reading in, transcript lines out.

After ``AUTH`` every line of the client is a secret until the server says anything but 334
(RFC 4954). The message's body is folded after some lines. RFC 5321 sections 2.3.8, 4.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.util.text import decode_line

MOST_LINE = 2_000
MOST_LINES = 20_000
MOST_BODY_LINES = 200
_AUTH = re.compile(rb"(AUTH[ \t]+[A-Z0-9_-]+)(?:[ \t]+(.*))?", re.I | re.S)


class TranscriptRecorder:
    """Feed it what goes over the wire; ``emit`` gets each finished line."""

    def __init__(self, emit: Callable[[TranscriptLine], None]) -> None:
        self._emit = emit
        self._rest = {">": b"", "<": b""}
        self._secret = False
        self._in_data = False
        self._body_lines = 0
        self._body_octets = 0
        self._lines = 0
        self.tls = False

    def note(self, t_ms: float, words: str) -> None:
        """Something that is not on the wire: connected, TLS, closed."""
        self._put(t_ms, "*", words)

    def sent(self, t_ms: float, octets: bytes) -> None:
        """Octets of the client."""
        self._feed(t_ms, ">", octets)

    def received(self, t_ms: float, octets: bytes) -> None:
        """Octets of the server."""
        self._feed(t_ms, "<", octets)

    def end(self, t_ms: float) -> None:
        """Show what is left without a line end."""
        for direction in (">", "<"):
            rest, self._rest[direction] = self._rest[direction], b""
            if rest:
                self._line(t_ms, direction, rest)
                self._put(t_ms, "*", "(no line end)")

    def _feed(self, t_ms: float, direction: str, octets: bytes) -> None:
        *whole, rest = (self._rest[direction] + octets).split(b"\n")
        for line in whole:
            self._line(t_ms, direction, line.removesuffix(b"\r"))
        # A line without an end must not grow for ever: what is over the limit is cut in _put.
        self._rest[direction] = rest[: 64 * 1024]

    def _line(self, t_ms: float, direction: str, line: bytes) -> None:
        if direction == ">":
            self._client_line(t_ms, line)
        else:
            self._server_line(t_ms, line)

    def _client_line(self, t_ms: float, line: bytes) -> None:
        if self._in_data:
            self._body_line(t_ms, line)
            return
        if self._secret:
            shown = "*" if line == b"*" else f"<redacted {len(line)} octets>"
            self._put(t_ms, ">", shown)
            return
        found = _AUTH.match(line)
        if found:
            self._secret = True
            given = found[2]
            hidden = f" <redacted {len(given)} octets>" if given else ""
            self._put(t_ms, ">", decode_line(found[1]) + hidden)
            return
        self._put(t_ms, ">", decode_line(line))

    def _body_line(self, t_ms: float, line: bytes) -> None:
        if line == b".":
            self._in_data = False
            folded = self._body_lines - MOST_BODY_LINES
            if folded > 0:
                self._put(t_ms, "*", f"({folded} more lines; {self._body_octets} octets in all)")
            self._put(t_ms, ">", ".")
            return
        self._body_lines += 1
        self._body_octets += len(line) + 2
        if self._body_lines <= MOST_BODY_LINES:
            self._put(t_ms, ">", decode_line(line))

    def _server_line(self, t_ms: float, line: bytes) -> None:
        if self._secret and line.startswith(b"334"):
            shown = (
                decode_line(line)
                if line in _PROMPTS
                else f"334 <challenge, {len(line) - 4} octets>"
            )
            self._put(t_ms, "<", shown)
            return
        self._secret = False
        if line.startswith(b"354"):
            self._in_data, self._body_lines, self._body_octets = True, 0, 0
        self._put(t_ms, "<", decode_line(line))

    def _put(self, t_ms: float, direction: str, line: str) -> None:
        self._lines += 1
        if self._lines == MOST_LINES:
            self._emit(
                TranscriptLine(
                    t_ms, "*", "(the transcript is full; later lines are left out)", self.tls
                )
            )
        if self._lines >= MOST_LINES:
            return
        if len(line) > MOST_LINE:
            line = f"{line[:MOST_LINE]} … ({len(line) - MOST_LINE} more characters)"
        self._emit(TranscriptLine(t_ms, direction, line, self.tls))


_PROMPTS = (b"334 VXNlcm5hbWU6", b"334 UGFzc3dvcmQ6", b"334 ", b"334")
"""``Username:`` and ``Password:`` of AUTH LOGIN, and the empty challenge, tell nothing secret."""
