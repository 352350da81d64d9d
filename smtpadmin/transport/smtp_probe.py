"""Looks at an SMTP port without sending mail: banner, EHLO, STARTTLS, certificate. For the wizard.

Certificates are fetched unverified on purpose: the wizard shows them and asks. Nothing secret is sent.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.profile import TlsMode
from smtpadmin.util.text import decode_line

CONNECT_S = 5.0
REPLY_S = 8.0
MOST_LINE = 8 * 1024
MOST_LINES = 60


@dataclass(frozen=True, slots=True)
class PortFacts:
    """What a port said. ``certificate`` is DER; ``trust_problem`` is empty when its chain and name
    are trusted by this machine."""

    banner: str
    extensions: tuple[str, ...] = ()
    certificate: bytes = b""
    tls_version: str = ""
    trust_problem: str = ""


async def probe_port(host: str, port: int, tls: TlsMode) -> PortFacts:
    """Talk to one port. Raises OSError, TimeoutError and ProtocolError."""
    problem = ""
    try:
        return await _probe(host, port, tls, verify=True)
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
    facts = await _probe(host, port, tls, verify=False)
    return PortFacts(facts.banner, facts.extensions, facts.certificate, facts.tls_version, problem)


async def fetch_certificate(host: str, port: int, tls: TlsMode) -> bytes:
    """The certificate that a port shows (DER), or nothing when it shows none."""
    try:
        return (await _probe(host, port, tls, verify=False)).certificate
    except (OSError, ProtocolError):
        return b""


async def _probe(host: str, port: int, tls: TlsMode, *, verify: bool) -> PortFacts:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    implicit = context if tls is TlsMode.IMPLICIT else None
    async with asyncio.timeout(CONNECT_S):
        reader, writer = await asyncio.open_connection(host, port, ssl=implicit, limit=MOST_LINE)
    try:
        return await _look(host, reader, writer, context, tls)
    finally:
        writer.close()


async def _look(
    host: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    context: ssl.SSLContext,
    tls: TlsMode,
) -> PortFacts:
    banner = " ".join(await _reply(reader, "220"))
    extensions = await _command(reader, writer, b"EHLO smtpadmin.invalid\r\n", "250")
    names = tuple(line.upper() for line in extensions[1:])
    if tls is TlsMode.STARTTLS and "STARTTLS" in names:
        await _command(reader, writer, b"STARTTLS\r\n", "220")
        async with asyncio.timeout(CONNECT_S):
            await writer.start_tls(context, server_hostname=host)
        encrypted = await _command(reader, writer, b"EHLO smtpadmin.invalid\r\n", "250")
        names = (*(line.upper() for line in encrypted[1:]), "STARTTLS")
    secure = writer.get_extra_info("ssl_object")
    certificate = secure.getpeercert(binary_form=True) or b"" if secure else b""
    version = secure.version() or "" if secure else ""
    writer.write(b"QUIT\r\n")
    return PortFacts(banner, names, certificate, version)


async def _command(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes, wanted: str
) -> list[str]:
    writer.write(line)
    async with asyncio.timeout(REPLY_S):
        await writer.drain()
    return await _reply(reader, wanted)


async def _reply(reader: asyncio.StreamReader, wanted: str) -> list[str]:
    lines: list[str] = []
    async with asyncio.timeout(REPLY_S):
        while len(lines) < MOST_LINES:
            try:
                raw = await reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as error:
                raise ProtocolError("the server sent too long a line") from error
            except asyncio.IncompleteReadError as error:
                raise ConnectionError("the server closed the connection") from error
            line = decode_line(raw.rstrip(b"\r\n"))
            if line[:3] != wanted or line[3:4] not in ("", " ", "-"):
                raise ProtocolError(f"the server said: {line[:120]}")
            lines.append(line[4:])
            if line[3:4] != "-":
                return lines
    raise ProtocolError("the server sent an endless reply")
