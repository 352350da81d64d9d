"""Looking at ports: what answers, what hangs, what talks nonsense."""

from __future__ import annotations

import asyncio
import gc
import ssl
from pathlib import Path

import pytest
import trustme

from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.smtp_probe import probe_port
from smtpadmin.transport.tls import names_of
from tests.support.odd_server import odd_server, script
from tests.support.rude_tls_server import rude_tls_server
from tests.support.smtp_script import server_context
from tests.support.smtp_server import real_server


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_banner_extensions_and_certificate(tls: ssl.SSLContext) -> None:
    async with real_server(tls) as (port, _):
        facts = await probe_port("127.0.0.1", port, TlsMode.STARTTLS)
    assert facts.banner.startswith("mx.example")
    assert "STARTTLS" in facts.extensions
    assert "certificate" in facts.trust_problem
    assert "trustme" in names_of(facts.certificate)[0]


async def test_a_closed_port_is_refused() -> None:
    with pytest.raises(ConnectionRefusedError):
        await probe_port("127.0.0.1", 9, TlsMode.NONE)


@pytest.mark.parametrize(
    "banner",
    [b"SSH-2.0-x\r\n", b"220-\r\n" * 100, b"220 " + b"x" * 20_000 + b"\r\n", b"\xff\x00\r\n"],
)
async def test_nonsense_is_a_protocol_error(banner: bytes) -> None:
    async with odd_server(script(banner, hang=True)) as port:
        with pytest.raises(ProtocolError):
            await probe_port("127.0.0.1", port, TlsMode.NONE)


def test_no_socket_is_left_when_the_server_does_not_say_goodbye(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = server_context(authority.issue_cert("127.0.0.1"))
    with rude_tls_server(context, [b"220 mx\r\n", b"250 mx\r\n"]) as port:
        facts = asyncio.run(
            probe_port("127.0.0.1", port, TlsMode.IMPLICIT, ca_file=str(tmp_path / "ca.pem"))
        )
        gc.collect()
    assert facts.trust_problem == ""
    assert "trustme" in names_of(facts.certificate)[0]
    assert [str(warning.message) for warning in recwarn] == []
