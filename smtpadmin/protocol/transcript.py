"""Records a session line by line and redacts secrets in the same moment. Sans-I/O: octets and a clock
reading in, transcript lines out.

What a server says is hostile: control characters are made visible, a line without an end does not
grow, and a flood ends in one note. RFC 5321 sections 2.3.8, 4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.protocol.body_fold import MOST_BODY_LINES, MOST_OCTETS, BodyFold, show_headers
from smtpadmin.protocol.redaction import Redactor
from smtpadmin.util.text import visible

__all__ = ["MOST_BODY_LINES", "MOST_LINE", "MOST_LINES", "TranscriptRecorder"]

MOST_LINE = 2_000
"""Characters shown of one line."""
MOST_KEPT = 16 * 1024
"""Octets kept of a line that has no end yet; the rest is only counted."""
MOST_LINES = 5_000


class TranscriptRecorder:
    """Feed it what goes over the wire; ``emit`` gets each finished line. ``secrets`` are blotted
    out wherever they turn up."""

    def __init__(self, emit: Callable[[TranscriptLine], None], secrets: Sequence[str] = ()) -> None:
        self._emit = emit
        self._redactor = Redactor(secrets)
        self._rest = {">": b"", "<": b""}
        self._dropped = {">": 0, "<": 0}
        self._body: BodyFold | None = None
        self._data_asked = False
        self._lines = 0
        self._now = 0.0
        self.tls = False

    def blot(self, text: str) -> str:
        """A text of the server without the session's secrets."""
        return self._redactor.blot(text.encode("utf-8", "backslashreplace"))

    def note(self, t_ms: float, words: str) -> None:
        """Something that is not on the wire: connected, TLS, closed."""
        self._now = t_ms
        self._put("*", words)

    def sent(self, t_ms: float, octets: bytes) -> None:
        """Octets of the client."""
        self._now = t_ms
        self._feed(">", self._feed_body(octets))

    def sent_secret(self, t_ms: float, octets: bytes) -> None:
        """A response to a challenge, by those who know that it is one."""
        self._now = t_ms
        self._put(">", self._redactor.secret(octets.removesuffix(b"\r\n")))

    def sent_as(self, t_ms: float, words: str) -> None:
        """Octets of the client that are no text, or not to be shown as they are."""
        self._now = t_ms
        self._put(">", self.blot(words))

    def sent_body(self, t_ms: float, octets: bytes, *, fold: bool = False) -> None:
        """A message, or a part of one, by those who know where it ends; ``fold`` shows its headers
        alone."""
        self._now = t_ms
        if fold:
            show_headers(octets, self._body_line, self._body_note)
            return
        rest: bytes | None = octets
        if (
            len(octets) <= MOST_OCTETS
            and octets.count(b"\n") < MOST_BODY_LINES
            and octets.isascii()
        ):
            # What most test messages are: nothing of it will be folded.
            rest = None
            for line in self._redactor.blot(octets.removesuffix(b"\r\n")).split("\r\n"):
                self._put(">", line)
        while rest:
            body = BodyFold(self._body_line, self._body_note)
            rest = body.feed(rest)
            if rest is None:
                body.end()

    def received(self, t_ms: float, octets: bytes) -> None:
        """Octets of the server."""
        self._now = t_ms
        self._feed("<", octets)

    def end(self, t_ms: float) -> None:
        """Show what is left without a line end."""
        self._now = t_ms
        body, self._body = self._body, None
        if body is not None:
            body.end()
        for direction in (">", "<"):
            if self._rest[direction]:
                self._finish(direction, self._rest[direction])
                self._put("*", "(no line end)")

    def _feed_body(self, octets: bytes) -> bytes:
        """What of the client's octets is not part of a message."""
        if self._body is None:
            return octets
        after = self._body.feed(octets)
        if after is None:
            return b""
        self._body = None
        return after

    def _feed(self, direction: str, octets: bytes) -> None:
        start = 0
        while (end := octets.find(b"\n", start)) >= 0:
            if self._rest[direction] or end - start > MOST_KEPT:
                self._keep(direction, octets[start:end])
                line = self._rest[direction]
            else:
                line = octets[start:end]
            self._finish(direction, line.removesuffix(b"\r"))
            start = end + 1
        if start < len(octets):
            self._keep(direction, octets[start:])

    def _keep(self, direction: str, octets: bytes) -> None:
        room = MOST_KEPT - len(self._rest[direction])
        self._rest[direction] += octets[:room]
        self._dropped[direction] += max(0, len(octets) - room)

    def _finish(self, direction: str, line: bytes) -> None:
        dropped, self._dropped[direction] = self._dropped[direction], 0
        self._rest[direction] = b""
        shown = self._client_line(line) if direction == ">" else self._server_line(line)
        if dropped and self._redactor.longest:
            # The cut may have gone through a secret, whose head then stands at the end.
            shown = shown[: -self._redactor.longest]
        self._put(direction, shown, dropped)

    def _client_line(self, line: bytes) -> str:
        self._data_asked = line.strip().upper() == b"DATA"
        return self._redactor.client(line)

    def _server_line(self, line: bytes) -> str:
        # A 354 that nobody asked for must not make the client's next commands a message's body:
        # its AUTH would be shown.
        if self._data_asked and line[3:4] != b"-":
            self._data_asked = False
            if line.startswith(b"354"):
                self._body = BodyFold(self._body_line, self._body_note)
        return self._redactor.server(line)

    def _body_line(self, line: bytes) -> None:
        self._put(">", self._redactor.blot(line[:MOST_KEPT]))

    def _body_note(self, words: str) -> None:
        self._put("*", words)

    def _put(self, direction: str, line: str, dropped: int = 0) -> None:
        # Notes are ours and few: what became of the session is told after a flood, too.
        self._lines += direction != "*"
        if self._lines > MOST_LINES and direction != "*":
            return
        if self._lines == MOST_LINES and direction != "*":
            direction, line = "*", "(the transcript is full; later lines are left out)"
        if not dropped and len(line) <= MOST_LINE and line.isascii() and line.isprintable():
            pass
        elif dropped or len(line) > MOST_LINE:
            left_out = max(0, len(line) - MOST_LINE) + dropped
            line = f"{visible(line[:MOST_LINE])} … ({left_out} more characters)"
        else:
            line = visible(line)
        self._emit(TranscriptLine(self._now, direction, line, self.tls))
