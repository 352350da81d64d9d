"""A server whose certificate has a key of 512 bits, made by openssl: refused, and told when it was let pass."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smtpadmin.model.errors import UntrustedError
from smtpadmin.model.smtp_plan import SendPlan, Target, TlsPlan, TlsUse, Verify
from smtpadmin.transport.smtp_run import Secrets, run_plan

pytestmark = pytest.mark.live


@asynccontextmanager
async def weak_server(folder: Path) -> AsyncIterator[tuple[int, Path]]:
    """Port and certificate of a server that says yes to everything."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:512", "-nodes", "-sha256", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # a signature of TLS 1.3 does not fit the key
    context.load_cert_chain(certificate, key)

    async def agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 weak.example ESMTP\r\n")
        while await reader.readline():
            writer.write(b"250 ok\r\n")
        writer.close()

    async with await asyncio.start_server(agree, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1], certificate


async def test_it_is_refused_although_its_issuer_is_trusted(tmp_path: Path) -> None:
    async with weak_server(tmp_path) as (port, certificate):
        tls = TlsPlan(TlsUse.IMPLICIT, ca_file=str(certificate))
        result, error = await run_plan(
            SendPlan(Target("127.0.0.1", port), tls=tls), None, Secrets(), total_s=10
        )
    assert (result.result, str(result.stage)) == ("failed", "tls")
    assert isinstance(error, UntrustedError)
    assert "key too weak" in error.what


async def test_it_is_told_when_nothing_is_demanded(tmp_path: Path) -> None:
    async with weak_server(tmp_path) as (port, certificate):
        tls = TlsPlan(TlsUse.IMPLICIT, verify=Verify.NONE, ca_file=str(certificate))
        result, error = await run_plan(
            SendPlan(Target("127.0.0.1", port), tls=tls), None, Secrets(), total_s=10
        )
        await asyncio.sleep(0.1)  # the server's side ends, too
    assert error is None
    assert any("Its key is too short (RSA 512)" in line.line for line in result.transcript)
