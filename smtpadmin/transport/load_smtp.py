"""One connection of a load test: a lean SMTP client that sends message after message.

Setting up (greeting, EHLO, TLS, login) awaits each reply; sending is done in the callbacks of the
protocol alone, for a task that wakes at each reply would be most of the work.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from typing import Protocol

from smtpadmin.formats.load_script import LoadScript
from smtpadmin.model.errors import ServerRefusedError, UnreachableError
from smtpadmin.model.load import LoadPlan, LoadTarget
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.tls import check_pin
from smtpadmin.util.text import decode_line

MOST_REPLY = 64 * 1024
MOST_BLOCK = 128 * 1024
"""Octets of a message handed to the kernel at once; more waits until it has room."""
BUFFER = 8 * 1024


class LoadCounter(Protocol):
    """What a connection asks of the run and tells it."""

    @property
    def plan(self) -> LoadPlan:
        """What to send."""

    def next_message(self) -> tuple[int, float]:
        """The number of the next message and the seconds to wait before it; ``(-1, 0)`` when there is
        none left."""

    def accepted(self, seconds: float, octets: int) -> None:
        """A message was accepted, so long after MAIL."""

    def failed(self, stage: str, reply: str) -> None:
        """A message was not; an empty reply was told already, as that of its recipient."""

    def recipient_refused(self, reply: str) -> None:
        """One recipient of a message was not taken."""


class LoadConnection(asyncio.BufferedProtocol):
    """One connection. Await :meth:`prepare`, then :meth:`send_all`; :meth:`abort` ends it at once."""

    def __init__(self, counter: LoadCounter, script: LoadScript) -> None:
        self._counter = counter
        self._plan = counter.plan
        self._script = script
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray(BUFFER)
        self._rest = b""
        self._lines: list[bytes] = []
        self._on_reply: Callable[[bytes], None] = self._unasked
        self._answer: asyncio.Future[bytes] | None = None
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._pipelining = False
        self.stage = "banner"
        self._left = self._plan.per_connection or -1
        self._kept: list[bytes] = []
        self._first_refusal = b""
        self._sender_refused = False
        self._why = ""
        self._number = -1
        self._began = 0.0
        self._named = 0
        self._taken = 0
        self._waiting = 0
        self._to_send = memoryview(b"")
        self._paused = False
        self.asked_at = self._loop.time()
        self.address = ""

    # The protocol's callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        """A small one of our own: a plain protocol is given 256 KiB, made anew for each reply."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._buffer[:nbytes])
        if self._rest:
            data = self._rest + data
            self._rest = b""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            if data[start + 3 : start + 4] == b"-":
                if len(self._lines) < 100:
                    self._lines.append(data[start:end])
            else:
                self._on_reply(data[start:end])
                self._lines.clear()
            start = end + 1
        if start < len(data):
            self._rest = data[start:]
            if len(self._rest) > MOST_REPLY:
                self._end("the server's reply has no end")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._end("the connection was lost")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._pump()

    # Setting up.

    async def prepare(self, target: LoadTarget, password: str, tls: ssl.SSLContext | None) -> None:
        """Greeting, EHLO, and TLS and login as the target wants them. Raises SmtpadminError."""
        if target.tls is TlsMode.IMPLICIT:
            self._check_pin(target)
        await self._expect(None, b"250")
        extensions = self._extensions()
        if target.tls is TlsMode.STARTTLS:
            extensions = await self._starttls(target, tls, extensions)
        if target.user:
            self.stage = "auth"
            login = base64.b64encode(f"\0{target.user}\0{password}".encode())
            await self._expect(b"AUTH PLAIN " + login + b"\r\n", b"235")
        self._pipelining = self._plan.pipelining and b"PIPELINING" in extensions

    def _after_greeting(self, line: bytes) -> None:
        """EHLO at once: a task that wakes for the greeting alone is much of a short connection."""
        if line[:3] != b"220":
            self._answered(line)
            return
        self.stage = "ehlo"
        self._on_reply = self._answered
        self._write(self._script.ehlo)

    def _extensions(self) -> set[bytes]:
        return {line[4:].split(b" ")[0].strip().upper() for line in self._kept}

    async def _starttls(
        self, target: LoadTarget, tls: ssl.SSLContext | None, extensions: set[bytes]
    ) -> set[bytes]:
        self.stage = "starttls"
        if b"STARTTLS" not in extensions:
            raise ServerRefusedError("the server does not offer STARTTLS", where=target.host)
        await self._expect(b"STARTTLS\r\n", b"220")
        assert self._transport is not None
        assert tls is not None
        self.stage = "tls"
        self._rest = b""  # what came before TLS does not count as said under it
        upgraded = await self._loop.start_tls(
            self._transport, self, tls, server_hostname=target.host
        )
        if upgraded is None:
            raise UnreachableError("the connection was lost", where=target.host)
        self._transport = upgraded
        self._check_pin(target)
        self.stage = "ehlo"
        await self._expect(self._script.ehlo, b"250")
        return self._extensions()

    def _check_pin(self, target: LoadTarget) -> None:
        """With a fingerprint the chain was not verified: the certificate itself must be that one."""
        assert self._transport is not None
        tls = self._transport.get_extra_info("ssl_object")
        if target.fingerprint:
            certificate = tls.getpeercert(binary_form=True) if tls is not None else None
            check_pin(certificate, target.fingerprint, target.host)

    async def _expect(self, command: bytes | None, code: bytes) -> None:
        """Say it and await the reply; without a command await the greeting, then say EHLO."""
        if self._why:
            raise UnreachableError(self._why)
        self._answer = self._loop.create_future()
        if command is None:
            self._on_reply = self._after_greeting
        else:
            self._on_reply = self._answered
            self._write(command)
        timer = self._loop.call_later(self._plan.answer_s, self._too_slow)
        try:
            line = await self._answer
        finally:
            timer.cancel()
            self._answer = None
        if line[:3] != code:
            raise ServerRefusedError(decode_line(line[:500]).strip())

    def _answered(self, line: bytes) -> None:
        self._on_reply = self._unasked
        self._kept = [*self._lines, line]
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(line)

    # Sending.

    async def send_all(self) -> None:
        """Send messages until there is none left, the connection has had its share, or it is lost;
        then QUIT. What failed was counted. Raises UnreachableError when it is lost already."""
        if self._why:
            raise UnreachableError(self._why)
        self._next()
        await self._done

    def _next(self) -> None:
        if self._left == 0:
            self._quit()
            return
        number, wait_s = self._counter.next_message()
        if number < 0:
            self._quit()
            return
        self._left -= 1
        self._number = number
        self.stage = "mail"
        self.asked_at = self._loop.time() + wait_s
        if wait_s > 0:
            self._timer = self._loop.call_later(wait_s, self._begin)
        else:
            self._begin()

    def _begin(self) -> None:
        self._timer = None
        self._began = self._loop.time()
        self._named = self._taken = 0
        if self._pipelining:
            self._waiting = len(self._script.recipients) + 2
            self._on_reply = self._pipelined
            self._write(b"".join([self._script.mail, *self._script.recipients, b"DATA\r\n"]))
        else:
            self._on_reply = self._after_mail
            self._write(self._script.mail)

    def _after_mail(self, line: bytes) -> None:
        if line[0:1] != b"2":
            self._refused(line)
            return
        self.stage = "rcpt"
        self._on_reply = self._after_rcpt
        self._write(self._script.recipients[0])

    def _after_rcpt(self, line: bytes) -> None:
        self._named += 1
        self._count_recipient(line)
        if self._named < len(self._script.recipients):
            self._write(self._script.recipients[self._named])
        elif self._taken:
            self.stage = "data"
            self._on_reply = self._after_data
            self._write(b"DATA\r\n")
        else:
            self._refused(line, told=True)

    def _count_recipient(self, line: bytes) -> None:
        if line[0:1] == b"2":
            self._taken += 1
        else:
            self._counter.recipient_refused(_text(line))

    def _after_data(self, line: bytes) -> None:
        if line[0:1] != b"3":
            self._refused(line)
            return
        self._send_text()

    def _send_text(self) -> None:
        self.stage = "dot"
        self._on_reply = self._after_dot
        text = b"Message-ID: <load.%d@smtpadmin.invalid>\r\n" % self._number + self._script.text
        if len(text) <= MOST_BLOCK:
            self._write(text)
        else:
            self._to_send = memoryview(text)
            self._pump()

    def _after_dot(self, line: bytes) -> None:
        if line[0:1] == b"2":
            self._counter.accepted(self._loop.time() - self._began, len(self._script.text))
            self._next()
        else:
            self._refused(line)

    def _pipelined(self, line: bytes) -> None:
        """Replies to MAIL, each RCPT, and DATA, sent together."""
        self._waiting -= 1
        if self.stage == "mail":
            self.stage = "rcpt"
            self._first_refusal = line if line[0:1] != b"2" else b""
            self._sender_refused = bool(self._first_refusal)
        elif self._waiting:
            self._count_recipient(line)
            self._first_refusal = self._first_refusal or (line if line[0:1] != b"2" else b"")
        elif line[0:1] == b"3" and self._taken and self.stage == "rcpt":
            self._send_text()
        elif line[0:1] == b"3":
            # DATA was taken although nobody is to get it: end it with nothing (RFC 2920 section 3.1).
            self._on_reply = self._refused_together
            self._write(b".\r\n")
        else:
            self._refused_together(line)

    def _refused_together(self, line: bytes) -> None:
        recipient = bool(self._first_refusal) and not self._sender_refused
        self._refused(self._first_refusal or line, told=recipient)

    def _refused(self, line: bytes, *, told: bool = False) -> None:
        """Count it and begin anew; 421 ends the connection (RFC 5321 section 3.8). ``told``: the
        reply was counted already, as that of a recipient."""
        self._counter.failed(self.stage, "" if told else _text(line))
        self._number = -1
        if line[:3] == b"421":
            self._finish()
            return
        self.stage = "rset"
        self._on_reply = self._after_reset
        self._write(b"RSET\r\n")

    def _after_reset(self, line: bytes) -> None:
        self._next()

    def _quit(self) -> None:
        self._number = -1
        self.stage = "quit"
        self._on_reply = self._after_quit
        self._write(b"QUIT\r\n")

    def _after_quit(self, line: bytes) -> None:
        self._finish()

    def _unasked(self, line: bytes) -> None:
        self._end("the server said something unasked")

    # The connection.

    def _write(self, octets: bytes | memoryview) -> None:
        self.asked_at = self._loop.time()
        if self._transport is not None:
            self._transport.write(octets)

    def _pump(self) -> None:
        """Hand on what there is room for."""
        while self._to_send and not self._paused:
            block, self._to_send = self._to_send[:MOST_BLOCK], self._to_send[MOST_BLOCK:]
            self._write(block)

    def check_answer(self, now: float) -> None:
        """Give up when the server has not answered for too long."""
        if now - self.asked_at > self._plan.answer_s:
            self._too_slow()

    def _too_slow(self) -> None:
        self._end(f"no answer within {self._plan.answer_s:g} s")

    def _end(self, why: str) -> None:
        """The connection is of no more use."""
        self._why = self._why or why
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(UnreachableError(why))
        elif self._number >= 0:
            self._counter.failed(self.stage, why)
        self._number = -1
        self._finish()

    def _finish(self) -> None:
        self._on_reply = self._ignore
        self._to_send = memoryview(b"")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._done.done():
            self._done.set_result(None)
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def _ignore(self, line: bytes) -> None:
        """It is over."""

    def abort(self) -> None:
        """End it at once; nothing more is counted."""
        self._number = -1
        self._finish()


def _text(line: bytes) -> str:
    return decode_line(line[:500]).strip()
