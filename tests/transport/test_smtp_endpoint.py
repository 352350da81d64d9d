"""Endpoints: as plans, sent to on a real server, and their login looked at."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
)
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import Envelope, SendResult, Stage, SubmissionEndpoint
from smtpadmin.model.smtp_plan import TlsUse
from smtpadmin.transport.smtp_endpoint import check_login, plan_of
from smtpadmin.transport.smtp_run import Secrets, run_plan
from tests.support.odd_server import odd_server, script
from tests.support.smtp_script import GOOD
from tests.support.smtp_server import PASSWORD, real_server

MAIL = Envelope(
    "a@b.example", ("c@d.example",), b"Subject: x\r\n\r\nhello\r\n.dot\r\n", "<1@b.example>"
)


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


async def send(
    endpoint: SubmissionEndpoint, password: str, mail: Envelope
) -> tuple[SendResult, SmtpadminError | None]:
    return await run_plan(plan_of(endpoint), mail, Secrets(password), total_s=20)


def test_an_endpoint_as_a_plan() -> None:
    endpoint = SubmissionEndpoint("mx", 587, TlsMode.STARTTLS, "u", ("PLAIN",), "ab", "ca.pem")
    plan = plan_of(endpoint)
    assert (plan.target.host, plan.target.port, plan.tls.use) == ("mx", 587, TlsUse.STARTTLS)
    assert (plan.tls.fingerprint, plan.tls.ca_file, plan.login.mechanisms) == (
        "ab",
        "ca.pem",
        ("PLAIN",),
    )


def test_without_a_user_there_is_no_login() -> None:
    plan = plan_of(SubmissionEndpoint("mx", 25, TlsMode.NONE, "", ("LOGIN",)))
    assert (plan.login.user, plan.login.mechanisms) == ("", ())


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
    assert "not for this host" in str(error)


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


# A look without a message.


async def test_check_login_tells_greeting_and_extensions(tls: ssl.SSLContext, ca_file: str) -> None:
    async with real_server(tls) as (port, handler):
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.STARTTLS, "user", ca_file=ca_file)
        found = await check_login(endpoint, PASSWORD)
    assert any(line.line.startswith("220 mx.example") for line in found.transcript)
    assert "SIZE" in found.extensions
    assert found.tls is not None
    assert found.tls.version.startswith("TLS")
    assert [line.line for line in found.transcript if line.direction == ">"][-1] == "QUIT"
    assert handler.received == []


async def test_check_login_ends_in_time() -> None:
    async with odd_server(script(*GOOD[:3], b"221 bye\r\n")) as port:
        endpoint = SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE, "user")
        found = await check_login(endpoint, PASSWORD)
    assert (found.extensions, found.tls) == ({"SIZE": "1000", "AUTH": "LOGIN PLAIN"}, None)
    async with odd_server(script(GOOD[0], hang=True)) as port:
        with pytest.raises(TotalDeadlineError):
            await check_login(SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE), "", total_s=0.2)


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), ProtocolError),
        ((b"554 5.7.1 go away\r\n",), ServerRefusedError),
        ((*GOOD[:2], b"535 5.7.8 wrong\r\n"), LoginError),
        ((), UnreachableError),
    ],
)
async def test_check_login_raises(replies: tuple[bytes, ...], kind: type[SmtpadminError]) -> None:
    async with odd_server(script(*replies, hang=bool(replies))) as port:
        with pytest.raises(kind):
            await check_login(SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE, "u"), "secret")


@pytest.mark.parametrize("mode", [TlsMode.STARTTLS, TlsMode.IMPLICIT])
async def test_check_login_asks_about_a_certificate_and_about_another_one(
    tls: ssl.SSLContext, mode: TlsMode
) -> None:
    async with real_server(tls, implicit=mode is TlsMode.IMPLICIT) as (port, _):
        with pytest.raises(UntrustedError) as asked:
            await check_login(SubmissionEndpoint("127.0.0.1", port, mode), "")
        accepted = asked.value.fingerprint
        pinned = SubmissionEndpoint("127.0.0.1", port, mode, fingerprint=accepted)
        found = await check_login(pinned, "")
        other = SubmissionEndpoint("127.0.0.1", port, mode, fingerprint="ab" * 32)
        with pytest.raises(UntrustedError) as changed:
            await check_login(other, "")
    assert found.tls is not None
    assert found.tls.fingerprint == accepted == changed.value.fingerprint
    assert (asked.value.changed, changed.value.changed) == (False, True)
    for error in (asked.value, changed.value):
        assert error.detail.startswith("subject ")
        assert "valid until" in error.detail
