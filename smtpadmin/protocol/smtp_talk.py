"""The turns of a session: say a command, wait for its reply, enter a stage, stop where it was asked for.

Steps are generators: they yield what is to be done (``smtp_outputs``) and :data:`REPLY` where they
need an answer, so that a whole session reads from top to bottom and yet does no I/O.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import TypeVar

from smtpadmin.formats.smtp_reply import enhanced_code
from smtpadmin.model.errors import ProtocolError, SmtpadminError
from smtpadmin.model.smtp import Reply, Stage
from smtpadmin.model.smtp_plan import Stop, StopHow, StopPoint
from smtpadmin.protocol.reply_reader import ReplyReader
from smtpadmin.protocol.smtp_failures import malformed, refusal
from smtpadmin.protocol.smtp_outputs import Enter, HangUp, Kind, Note, Output, StartTls, Write

CLOSING = 421
CHALLENGE = 334
MOST_TEXT = 16 * 1024
"""Characters kept of a reply."""


class Wait(enum.Enum):
    """What a step waits for."""

    REPLY = enum.auto()
    TLS = enum.auto()


REPLY = Wait.REPLY
Bindings = Mapping[str, bytes]
T = TypeVar("T")
Steps = Generator[Output | Wait, Reply | Bindings | None, T]


class StoppedEarly(Exception):  # noqa: N818 - it is no error
    """The session ends here because that was asked for; ``quit`` says goodbye first."""

    def __init__(self, *, quit: bool) -> None:
        super().__init__()
        self.quit = quit


class Talk:
    """What the steps share: where we are, and what the server has said that nobody asked for."""

    def __init__(self, where: str, stop: Stop | None, blot: Callable[[str], str]) -> None:
        self.where = where
        self.blot = blot
        self.stage = Stage.CONNECT
        self.detail = ""
        self.stopped = ""
        self.reply: Reply | None = None
        self.encrypted = False
        self.extensions: dict[str, str] = {}
        self.reader = ReplyReader()
        self.replies: deque[Reply] = deque()
        self._stop = stop

    def enter(self, stage: Stage, detail: str = "") -> Steps[None]:
        """The next stage begins."""
        self.detail = detail
        if stage is not self.stage:
            self.stage = stage
            yield Enter(stage)

    def command(
        self, line: bytes, point: StopPoint | None = None, *, shown: str = ""
    ) -> Steps[Reply]:
        """Say one command and give its reply."""
        yield from self.say(line, point, shown=shown)
        return (yield from self.answer())

    def say(
        self,
        octets: bytes,
        point: StopPoint | None = None,
        kind: Kind = Kind.COMMAND,
        *,
        shown: str = "",
        last: bool = False,
    ) -> Steps[None]:
        """Send, and hang up when the session is to end before the reply."""
        yield from self.drop_unasked()
        yield Write(octets, kind, shown, last)
        if self._ends_at(point) is StopHow.DROP_AFTER_SEND:
            yield from self._hang_up(point)

    def answer(self) -> Steps[Reply]:
        """The next reply. 421 ends the session wherever it comes (RFC 5321 section 3.8)."""
        reply = yield REPLY
        assert isinstance(reply, Reply)
        if reply.code == CLOSING:
            raise self.refused(reply)
        return reply

    def drop_unasked(self) -> Steps[None]:
        """Throw away what answers nothing. Kept, it would be taken for the answer to the next
        command, or, after STARTTLS, for something said under TLS (CVE-2011-0411)."""
        count = len(self.replies)
        while self.replies:
            reply = self.replies.popleft()
            if reply.code == CLOSING:
                raise self.refused(reply)
        octets = self.reader.drop()
        if count or octets:
            words = f"{count} replies" if count > 1 else "1 reply" if count else f"{octets} octets"
            yield Note(f"({words} to nothing that was asked: thrown away)")

    def reached(self, point: StopPoint) -> Steps[None]:
        """A step is done: end here if that was asked for."""
        how = self._ends_at(point)
        if how is StopHow.QUIT:
            self.stopped = point.value
            raise StoppedEarly(quit=True)
        if how is not None:
            yield from self._hang_up(point)

    def _ends_at(self, point: StopPoint | None) -> StopHow | None:
        return self._stop.how if self._stop is not None and self._stop.at is point else None

    def _hang_up(self, point: StopPoint | None) -> Steps[None]:
        self.stopped = point.value if point is not None else ""
        yield Note("the connection is closed here because that was asked for")
        yield HangUp()
        raise StoppedEarly(quit=False)

    def start_tls(self) -> Steps[Bindings]:
        """The handshake; gives the channel bindings."""
        yield from self.enter(Stage.TLS)
        yield StartTls()
        bindings = yield Wait.TLS
        assert bindings is not None
        assert not isinstance(bindings, Reply)
        self.encrypted = True
        return bindings

    def refused(self, reply: Reply) -> SmtpadminError:
        """The error to raise for a reply that ends the session."""
        self.reply = reply
        return refusal(reply, self.stage, self.where, self.detail.upper())

    def malformed(self, what: str) -> ProtocolError:
        """The error of an answer that is no SMTP, with where it happened."""
        return malformed(ProtocolError(self.blot(what)), self.stage, self.where)

    def take(self, octets: bytes) -> None:
        """What the server has said, without the secrets that it may repeat; a challenge stays whole.
        Raises ProtocolError for nonsense, after having taken what stands before it."""
        for reply in self.reader.feed(octets):
            if reply.code != CHALLENGE:
                text = self.blot(reply.text[:MOST_TEXT])
                if text != reply.text:
                    reply = Reply(reply.code, text, enhanced_code(text))
            self.replies.append(reply)
