"""The two ends of a caught session's connection with every octet recorded where the session reads or
writes it, and an octet at a time for a tarpit.

They stand in for the stream reader and writer that aiosmtpd's protocol keeps. Commands are recorded
when the session takes them up, so that a dialogue reads in order even when the client did not wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.protocol.transcript import TranscriptRecorder

MOST_CHARACTERS = 512 * 1024
"""Of one transcript, with :data:`LINE_COST` for each line."""
LINE_COST = 40
COMMANDS = frozenset(
    (b"EHLO", b"HELO", b"STARTTLS", b"AUTH", b"MAIL", b"RCPT", b"DATA", b"RSET", b"NOOP", b"QUIT")
)
MOST_SLOW_OCTETS = 4_000
"""Of one reply sent an octet at a time; the rest follows at once."""


class CaughtWire:
    """The recorder of one session with its clock; ``lines`` are what it has recorded. ``on_line`` is
    told each."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._left = MOST_CHARACTERS
        self.lines: list[TranscriptLine] = []
        self.on_line: Callable[[TranscriptLine], None] = lambda _: None
        self.recorder = TranscriptRecorder(self._keep)

    def _keep(self, line: TranscriptLine) -> None:
        """Keep it while there is room: a session may last for days."""
        if self._left <= 0:
            return
        self._left -= len(line.line) + LINE_COST
        if self._left <= 0:
            line = replace(line, direction="*", line="(the transcript is full)")
        self.lines.append(line)
        self.on_line(line)

    def now(self) -> float:
        """Milliseconds since the client came."""
        return round((time.monotonic() - self._began) * 1000, 1)

    def note(self, words: str) -> None:
        """Record something that is not on the wire."""
        self.recorder.note(self.now(), words)

    def from_client(self, octets: bytes) -> None:
        """Record octets of the client."""
        self.recorder.sent(self.now(), octets)

    def to_client(self, octets: bytes) -> None:
        """Record octets of ours."""
        self.recorder.received(self.now(), octets)

    def end(self) -> None:
        """The connection is over."""
        self.recorder.end(self.now())
        self._left = max(self._left, 2 * LINE_COST)  # the end is always told
        self.note("(closed)")


class RecordingReader:
    """Reads like the stream beneath and records it. Inside a message ``in_data`` is set and the
    session itself says what belongs to it. After a refused AUTH ``login_refused`` is set: what a client
    that did not wait sent after it is its user and password, which then look like commands."""

    def __init__(self, stream: asyncio.StreamReader, wire: CaughtWire) -> None:
        self._stream = stream
        self._wire = wire
        self.in_data = False
        self.login_refused = False

    @property
    def _buffer(self) -> bytearray:
        """aiosmtpd empties it after STARTTLS (RFC 3207 section 4.2)."""
        found: bytearray = self._stream._buffer  # type: ignore[attr-defined]
        return found

    @property
    def waiting(self) -> int:
        """Octets that have come and are not read yet."""
        return len(self._buffer)

    def forget(self) -> None:
        """Throw away what has come and is not read yet."""
        self._buffer.clear()

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """As the stream's."""
        return self._recorded(await self._stream.readuntil(separator))

    async def readline(self) -> bytes:
        """A response in an AUTH dialogue; one that is too long is read to its end and counts as
        ``*``, which ends the dialogue (RFC 4954 section 4)."""
        too_long = False
        while True:
            try:
                line = await self.readuntil()
            except asyncio.LimitOverrunError as error:
                too_long = True
                await self.read(error.consumed)
            else:
                return b"*\r\n" if too_long else line

    async def read(self, most: int = -1) -> bytes:
        """As the stream's."""
        return self._recorded(await self._stream.read(most))

    def _recorded(self, octets: bytes) -> bytes:
        if self.in_data:
            return octets
        if self.login_refused and octets.split(b" ")[0].strip().upper() not in COMMANDS:
            self._wire.from_client(b"<redacted %d octets>\r\n" % len(octets))
            return octets
        self.login_refused = False
        self._wire.from_client(octets)
        return octets

    def __setattr__(self, name: str, value: object) -> None:
        # aiosmtpd gives the stream its new transport after STARTTLS.
        if name == "_transport":
            setattr(self._stream, name, value)
        else:
            super().__setattr__(name, value)


class RecordingWriter:
    """Writes like the stream beneath and records it; ``pause_s`` between octets when it is set."""

    def __init__(self, stream: asyncio.StreamWriter, wire: CaughtWire) -> None:
        self._stream = stream
        self._wire = wire
        self._slow = b""
        self.pause_s = 0.0

    def write(self, octets: bytes) -> None:
        """As the stream's; with a pause nothing leaves before :meth:`drain`."""
        self._wire.to_client(octets)
        if self.pause_s:
            self._slow += octets
        else:
            self._stream.write(octets)

    async def drain(self) -> None:
        """Wait until it has left, an octet at a time when that is wanted."""
        slow, self._slow = self._slow, b""
        for start in range(min(len(slow), MOST_SLOW_OCTETS)):
            self._stream.write(slow[start : start + 1])
            await asyncio.sleep(self.pause_s)
        self._stream.write(slow[MOST_SLOW_OCTETS:])
        await self._stream.drain()

    def close(self) -> None:
        """As the stream's."""
        self._stream.close()

    def __setattr__(self, name: str, value: object) -> None:
        if name == "_transport":
            setattr(self._stream, name, value)
        else:
            super().__setattr__(name, value)
