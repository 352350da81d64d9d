"""aiosmtplib's protocol with every octet recorded and every reply read strictly.

aiosmtplib offers no hook: its ``SMTP`` makes the module global ``SMTPProtocol``, which this module
replaces once, and asks ``_read_response_from_buffer`` for each reply. Both are private seams; a test
guards them. The connecting task names its :class:`Wire` in a context variable, so that sessions side
by side stay apart.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import aiosmtplib
import aiosmtplib.smtp
from aiosmtplib.protocol import SMTPProtocol

from smtpadmin.formats.smtp_reply import read_reply
from smtpadmin.transport.smtp_wire import Wire

wire_in_use: contextvars.ContextVar[Wire | None] = contextvars.ContextVar("wire", default=None)


class RecordingProtocol(SMTPProtocol):
    """After STARTTLS the same object gets what was decrypted, so it sees clear text all along."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wire = wire_in_use.get()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._wire is not None:
            self._wire.on_made()

    def write(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.recorder.sent(self._wire.now(), data)
        super().write(data)

    def data_received(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.recorder.received(self._wire.now(), data)
        super().data_received(data)

    def _read_response_from_buffer(self) -> aiosmtplib.SMTPResponse | None:
        if self._wire is None:
            return super()._read_response_from_buffer()
        found = read_reply(bytes(self._buffer))
        if found is None:
            return None
        reply, used = found
        left = len(self._buffer) - used
        # Nothing is pipelined: what follows a reply answers no command. Kept, it would be taken for
        # the answer to the next one, or, after STARTTLS, for something said under TLS.
        del self._buffer[:]
        if left:
            self._wire.note(f"({left} octets that answer nothing were thrown away)")
        self._wire.on_reply(reply)
        return aiosmtplib.SMTPResponse(reply.code, reply.text)


def install_recorder() -> None:
    """Have aiosmtplib make our protocol; done once when this module is loaded."""
    setattr(aiosmtplib.smtp, "SMTPProtocol", RecordingProtocol)  # noqa: B010 - private seam


install_recorder()
