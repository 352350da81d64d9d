"""Looks at an SMTP port without sending mail: banner, EHLO, STARTTLS, certificate. For the wizard.

Certificates are fetched unverified on purpose: the wizard shows them and asks. Nothing secret is sent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from smtpadmin.formats.smtp_reply import read_reply
from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import Reply
from smtpadmin.transport.tls import client_context
from smtpadmin.util.text import visible

CONNECT_S = 5.0
REPLY_S = 8.0
MOST_REPLY = 16 * 1024
MOST_LINES = 60
MOST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class PortFacts:
    """What a port said. ``certificate`` is DER; ``trust_problem`` is empty when its chain and name
    are trusted by this machine."""

    banner: str
    extensions: tuple[str, ...] = ()
    certificate: bytes = b""
    tls_version: str = ""
    trust_problem: str = ""


async def probe_port(host: str, port: int, tls: TlsMode, *, ca_file: str = "") -> PortFacts:
    """Talk to one port; ``ca_file`` names the authority to trust instead of the machine's. Raises
    OSError, TimeoutError, ProtocolError, and StorageError for a CA file that cannot be read."""
    problem = ""
    try:
        return await _probe(host, port, tls, client_context(ca_file=ca_file))
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
    facts = await _probe(host, port, tls, _unverified())
    return PortFacts(facts.banner, facts.extensions, facts.certificate, facts.tls_version, problem)


async def _probe(host: str, port: int, tls: TlsMode, context: ssl.SSLContext) -> PortFacts:
    async with _connection(host, port, tls, context) as (reader, writer):
        banner = (await _reply(reader, 220)).text.replace("\n", " ")
        names = await _extensions(reader, writer)
        if tls is TlsMode.STARTTLS and "STARTTLS" in names:
            await _starttls(host, reader, writer, context)
            names = (*await _extensions(reader, writer), "STARTTLS")
        secure = writer.get_extra_info("ssl_object")
        version = secure.version() or "" if secure else ""
        writer.write(b"QUIT\r\n")
        return PortFacts(banner, names, _certificate(writer), version)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@asynccontextmanager
async def _connection(
    host: str, port: int, tls: TlsMode, context: ssl.SSLContext
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    implicit = context if tls is TlsMode.IMPLICIT else None
    async with asyncio.timeout(CONNECT_S):
        reader, writer = await asyncio.open_connection(host, port, ssl=implicit)
    try:
        yield reader, writer
    finally:
        writer.close()
        # Under TLS, close() waits for the server's goodbye, for which nobody stays.
        writer.transport.abort()


async def _starttls(
    host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext
) -> None:
    await _command(reader, writer, b"STARTTLS\r\n", 220)
    async with asyncio.timeout(CONNECT_S):
        await writer.start_tls(context, server_hostname=host)


def _certificate(writer: asyncio.StreamWriter) -> bytes:
    secure = writer.get_extra_info("ssl_object")
    return secure.getpeercert(binary_form=True) or b"" if secure else b""


async def _extensions(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, ...]:
    reply = await _command(reader, writer, b"EHLO smtpadmin.invalid\r\n", 250)
    return tuple(line.upper() for line in reply.text.split("\n")[1:])


async def _command(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes, wanted: int
) -> Reply:
    writer.write(line)
    async with asyncio.timeout(REPLY_S):
        await writer.drain()
    return await _reply(reader, wanted)


async def _reply(reader: asyncio.StreamReader, wanted: int) -> Reply:
    """What came with a reply but answers nothing is thrown away: after the 220 of STARTTLS it
    would be taken for something said under TLS."""
    received = b""
    async with asyncio.timeout(REPLY_S):
        while (found := read_reply(received)) is None:
            chunk = await reader.read(MOST_REPLY)
            if not chunk:
                raise ConnectionError("the server closed the connection")
            received += chunk
            if len(received) > MOST_REPLY or received.count(b"\n") > MOST_LINES:
                raise ProtocolError("the server sent too long a reply")
    reply = found[0]
    if reply.code != wanted:
        raise ProtocolError(f"the server said: {reply.code} {visible(reply.text, MOST_SHOWN)}")
    return reply
