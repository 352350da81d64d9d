"""A session of a server as a script, to be cut short, spoilt or played to its end."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Sequence

import pytest
import trustme

from smtpadmin.model.smtp import Envelope, Stage
from tests.support.odd_server import Talk

PASSWORD = "hunter2 & hunter3"
SECRETS = [
    PASSWORD,
    base64.b64encode(PASSWORD.encode()).decode(),
    base64.b64encode(f"\0user\0{PASSWORD}".encode()).decode(),
]
MAIL = Envelope("a@b.example", ("c@d.example",), b"Subject: x\r\n\r\nhello\r\n", "<1@b.example>")
STEPS: tuple[tuple[Stage, bytes], ...] = (
    (Stage.BANNER, b"220 mx ESMTP\r\n"),
    (Stage.EHLO, b"250-mx\r\n250-SIZE 1000\r\n250 AUTH LOGIN PLAIN\r\n"),
    (Stage.AUTH, b"235 2.7.0 welcome\r\n"),
    (Stage.MAIL, b"250 2.1.0 ok\r\n"),
    (Stage.RCPT, b"250 2.1.5 ok\r\n"),
    (Stage.DATA, b"354 go on\r\n"),
    (Stage.DOT, b"250 2.0.0 Ok: queued as ABCDEF12\r\n"),
)
GOOD = [reply for _, reply in STEPS]
BODY_LINES = 4
TLS_OFFER = b"250-mx\r\n250 STARTTLS\r\n"
each_stage = pytest.mark.parametrize("stop", range(len(STEPS)), ids=[s.value for s, _ in STEPS])


def dialogue(replies: Sequence[bytes], *, hang: bool = False, pause: float = 0.0) -> Talk:
    """The first replies of a session, each after the client's line; the message is read whole."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, reply in enumerate(replies):
            if STEPS[min(number, len(STEPS) - 1)][0] is Stage.DOT:
                while await reader.readline() not in (b".\r\n", b""):
                    pass
            elif number:
                await reader.readline()
            for octet in [reply] if not pause else [bytes([o]) for o in reply]:
                writer.write(octet)
                await writer.drain()
                await asyncio.sleep(pause)
        if hang:
            await asyncio.sleep(30)
        # Wait for the client's next line: closing at once would reset it before it reads.
        await reader.readline()
        if len(replies) == len(STEPS):
            writer.write(b"221 2.0.0 bye\r\n")

    return talk


def half_then_close(stop: int, half: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in GOOD[:stop]:
            writer.write(reply)
            await writer.drain()
            await reader.readline()
        for _ in range(BODY_LINES - 1 if STEPS[stop][0] is Stage.DOT else 0):
            await reader.readline()
        writer.write(half)
        await writer.drain()

    return talk


def server_context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context
