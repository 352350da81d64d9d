"""Sending through real servers, good ones and very odd ones: right stage, one sentence, no secret."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosmtplib.smtp
import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from smtpadmin.model.errors import (
    LoginError,
    ServerRefusedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
)
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SendResult, Stage, SubmissionEndpoint
from smtpadmin.transport.smtp import Envelope, RecordingProtocol, check_login, send
from smtpadmin.transport.tls import fingerprint_of
from tests.support.odd_server import Talk, odd_server, script

PASSWORD = "correct horse battery"
MAIL = Envelope(
    "a@b.example", ("c@d.example",), b"Subject: x\r\n\r\nhello\r\n.dot\r\n", "<1@b.example>"
)


class Handler:
    def __init__(self) -> None:
        self.received: list[tuple[str, list[str], bytes]] = []

    async def handle_RCPT(
        self, server: SMTP, session: object, envelope: object, address: str, options: object
    ) -> str:
        if address.startswith("gone"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: object, envelope: object) -> str:
        e = envelope
        self.received.append((e.mail_from, e.rcpt_tos, e.content))  # type: ignore[attr-defined]
        return "250 2.0.0 Ok: queued as ABCDEF123456"


def authenticate(
    server: object, session: object, envelope: object, mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@asynccontextmanager
async def real_server(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False
) -> AsyncIterator[tuple[int, Handler]]:
    handler = Handler()
    loop = asyncio.get_running_loop()

    def factory() -> SMTP:
        return SMTP(
            handler, hostname="mx.example", loop=loop, enable_SMTPUTF8=True,
            tls_context=None if implicit else tls, authenticator=authenticate, auth_require_tls=False,
        )  # fmt: skip

    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=tls if implicit else None)
    try:
        yield server.sockets[0].getsockname()[1], handler
    finally:
        server.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def text(result: SendResult) -> str:
    return "\n".join(f"{line.direction} {line.line}" for line in result.transcript)


def test_the_seam_into_aiosmtplib_is_still_there() -> None:
    """The recorder replaces a module global that is not part of aiosmtplib's promises."""
    assert vars(aiosmtplib.smtp)["SMTPProtocol"] is RecordingProtocol


async def test_a_message_arrives_as_it_was_and_the_dialogue_is_there() -> None:
    async with real_server() as (port, handler):
        result, error = await send(SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE), "", MAIL)
    assert error is None
    assert (result.result, result.stage, result.queue_id) == ("accepted", Stage.DOT, "ABCDEF123456")
    assert handler.received == [("a@b.example", ["c@d.example"], MAIL.raw)]
    assert "> MAIL FROM:<a@b.example>" in text(result)
    assert "< 250 2.0.0 Ok: queued as ABCDEF123456" in text(result)
    assert {"resolve", "connect", "banner", "ehlo", "mail", "rcpt", "data"} <= set(
        result.timings_ms
    )


@pytest.mark.parametrize("mode", [TlsMode.STARTTLS, TlsMode.IMPLICIT])
@pytest.mark.parametrize("mechanism", [(), ("PLAIN",), ("LOGIN",)])
async def test_tls_and_login(
    tls: ssl.SSLContext, ca_file: str, mode: TlsMode, mechanism: tuple[str, ...]
) -> None:
    async with real_server(tls, implicit=mode is TlsMode.IMPLICIT) as (port, handler):
        endpoint = SubmissionEndpoint("127.0.0.1", port, mode, "user", mechanism, ca_file=ca_file)
        result, error = await send(endpoint, PASSWORD, MAIL)
    assert error is None
    assert len(handler.received) == 1
    assert result.tls is not None
    assert result.tls.verified
    assert PASSWORD not in text(result)
    assert "redacted" in text(result)


async def test_a_wrong_password_is_refused_at_auth(tls: ssl.SSLContext, ca_file: str) -> None:
    async with real_server(tls) as (port, _):
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.STARTTLS, "user", ca_file=ca_file)
        result, error = await send(endpoint, "a wrong secret", MAIL)
    assert isinstance(error, LoginError)
    assert (result.result, result.stage) == ("refused", Stage.AUTH)
    assert "535" in str(error)
    assert "a wrong secret" not in text(result)


async def test_some_recipients_refused_is_no_failure_of_all() -> None:
    mail = Envelope("a@b.example", ("gone@d.example", "c@d.example"), MAIL.raw, "<1@b.example>")
    async with real_server() as (port, handler):
        result, error = await send(SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE), "", mail)
    assert error is None
    assert [r.reply.code for r in result.recipients] == [550, 250]
    assert handler.received[0][1] == ["c@d.example"]


async def test_all_recipients_refused() -> None:
    mail = Envelope("a@b.example", ("gone@d.example",), MAIL.raw, "<1@b.example>")
    async with real_server() as (port, _):
        result, error = await send(SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE), "", mail)
    assert isinstance(error, ServerRefusedError)
    assert (result.result, result.stage) == ("refused", Stage.RCPT)
    assert "550 5.1.1 no such user" in str(error)


@pytest.mark.parametrize("mode", [TlsMode.STARTTLS, TlsMode.IMPLICIT])
async def test_an_unknown_authority_shows_the_fingerprint_and_a_pin_trusts_it(
    tls: ssl.SSLContext, mode: TlsMode
) -> None:
    async with real_server(tls, implicit=mode is TlsMode.IMPLICIT) as (port, _):
        endpoint = SubmissionEndpoint("127.0.0.1", port, mode)
        result, error = await send(endpoint, "", MAIL)
        assert isinstance(error, UntrustedError)
        assert (result.result, result.stage) == ("failed", Stage.TLS)
        assert len(error.fingerprint) == 64
        pinned = SubmissionEndpoint("127.0.0.1", port, mode, fingerprint=error.fingerprint)
        assert (await send(pinned, "", MAIL))[1] is None
        other = SubmissionEndpoint("127.0.0.1", port, mode, fingerprint="ab" * 32)
        _, changed = await send(other, "", MAIL)
    assert isinstance(changed, UntrustedError)
    assert changed.changed


async def test_a_wrong_name_is_not_trusted(authority: trustme.CA, ca_file: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(context)
    async with real_server(context) as (port, _):
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.STARTTLS, ca_file=ca_file)
        _, error = await send(endpoint, "", MAIL)
    assert isinstance(error, UntrustedError)
    assert "mismatch" in str(error)


async def test_starttls_that_is_not_offered_is_never_left_out() -> None:
    async with real_server() as (port, handler):
        result, error = await send(
            SubmissionEndpoint("127.0.0.1", port, TlsMode.STARTTLS), "", MAIL
        )
    assert isinstance(error, ServerRefusedError)
    assert result.stage is Stage.STARTTLS
    assert handler.received == []


async def test_a_closed_port() -> None:
    result, error = await send(SubmissionEndpoint("127.0.0.1", 9, TlsMode.NONE), "", MAIL)
    assert isinstance(error, UnreachableError)
    assert str(error).startswith("127.0.0.1:9: cannot connect (Connection refused).")
    assert (result.result, result.stage) == ("failed", Stage.CONNECT)


GOOD = (
    b"220 mx ESMTP\r\n",
    b"250-mx\r\n250 SIZE 1000\r\n",
    b"250 ok\r\n",
    b"250 ok\r\n",
    b"354 go\r\n",
)


@pytest.mark.parametrize("stop", range(len(GOOD)))
async def test_a_server_that_hangs_ends_at_the_total_deadline(stop: int) -> None:
    async with odd_server(script(*GOOD[:stop], hang=True)) as port:
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE)
        result, error = await send(endpoint, "", MAIL, total_s=0.3)
    assert isinstance(error, TotalDeadlineError)
    assert result.result == "failed"
    expected = [Stage.BANNER, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA][stop]
    assert result.stage is expected


@pytest.mark.parametrize("stop", range(len(GOOD)))
async def test_a_server_that_drops_says_where(stop: int) -> None:
    async with odd_server(script(*GOOD[:stop])) as port:
        result, error = await send(
            SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE), "", MAIL, total_s=5
        )
    assert isinstance(error, UnreachableError)
    assert result.result == "failed"


@pytest.mark.parametrize("stop", range(len(GOOD)))
async def test_421_at_every_stage(stop: int) -> None:
    steps = (*GOOD[:stop], b"421 4.3.2 shutting down\r\n")
    async with odd_server(script(*steps)) as port:
        result, error = await send(
            SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE), "", MAIL, total_s=5
        )
    assert isinstance(error, SmtpadminError)
    assert result.result in ("refused", "failed")
    assert "421" in text(result)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-again\r\n" * 1_000)
        await writer.drain()


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for octet in b"220 a very slow server\r\n":
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(script(b"SSH-2.0-OpenSSH_9.2\r\n", hang=True), id="nonsense"),
        pytest.param(script(b"220 \x00\x00 nul\xff\xfe\r\n", b"250-a\r\n251 b\r\n", hang=True), id="code changes"),
        pytest.param(script(b"220 " + b"x" * 1_000_000 + b"\r\n", hang=True), id="a megabyte"),
        pytest.param(script(b"\x00\x01\x02" * 500, hang=True), id="binary"),
        pytest.param(endless, id="endless reply"),
        pytest.param(slow, id="one octet at a time"),
    ],
)  # fmt: skip
async def test_odd_servers_end_in_one_sentence(talk: Talk) -> None:
    async with odd_server(talk) as port:
        result, error = await send(
            SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE), "", MAIL, total_s=1.0
        )
    assert isinstance(error, SmtpadminError)
    assert result.result == "failed"
    assert "\n" not in str(error).strip()
    assert len(text(result)) < 2_000_000


async def test_octets_after_the_220_of_starttls_are_not_taken_for_tls(
    tls: ssl.SSLContext, ca_file: str
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        await reader.readline()
        writer.write(b"250-mx\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n")
        await writer.drain()
        try:
            await writer.start_tls(tls)
        except (OSError, ssl.SSLError):
            return
        await reader.readline()
        writer.write(b"250 mx over TLS\r\n")
        await writer.drain()
        await asyncio.sleep(5)

    async with odd_server(talk) as port:
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.STARTTLS, "user", ca_file=ca_file)
        result, error = await send(endpoint, PASSWORD, MAIL, total_s=2.0)
    assert error is not None
    assert PASSWORD not in text(result)
    assert "AUTH PLAIN <redacted" not in text(result)


async def test_check_login_gives_banner_and_capabilities(tls: ssl.SSLContext, ca_file: str) -> None:
    async with real_server(tls) as (port, handler):
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.STARTTLS, "user", ca_file=ca_file)
        banner, capabilities, facts = await check_login(endpoint, PASSWORD)
    assert banner.startswith("220 mx.example")
    assert "size" in capabilities
    assert facts is not None
    assert facts.version.startswith("TLS")
    assert handler.received == []


async def test_twenty_sessions_at_once_keep_their_transcripts_apart() -> None:
    async with real_server() as (port, _):
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE)
        mails = [
            Envelope(f"s{n}@b.example", ("c@d.example",), MAIL.raw, f"<{n}@b>") for n in range(20)
        ]
        results = await asyncio.gather(*(send(endpoint, "", mail) for mail in mails))
    for number, (result, error) in enumerate(results):
        assert error is None
        senders = [line.line for line in result.transcript if line.line.startswith("MAIL FROM")]
        assert len(senders) == 1
        assert f"<s{number}@b.example>" in senders[0]


def test_fingerprints_are_sha_256() -> None:
    assert fingerprint_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
