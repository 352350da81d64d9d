"""The generic SMTP connector: endpoint from the profile, probe, software."""

from __future__ import annotations

from types import MappingProxyType

import pytest
import trustme

from smtpadmin.connectors.smtp import SmtpServer, software_of
from smtpadmin.model.errors import LoginError, UnreachableError, UntrustedError
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.services.trust import with_trust
from tests.support.smtp_script import server_context
from tests.support.smtp_server import PASSWORD, real_server


def profile(port: int | None, **changes: object) -> Profile:
    values: dict[str, object] = {"host": "127.0.0.1", "port": port, "tls": TlsMode.NONE} | changes
    return Profile("u", "relay", "smtp", **values)  # type: ignore[arg-type]


def test_the_endpoint_is_what_the_profile_says() -> None:
    trust = MappingProxyType({"tls:127.0.0.1:465": "ab"})
    settings = MappingProxyType({"auth": "LOGIN"})
    server = SmtpServer(
        profile(None, tls=TlsMode.IMPLICIT, user="u", trust=trust, settings=settings),
        {"password": "p"},
    )
    (endpoint,) = server.submission_endpoints()
    assert (endpoint.port, endpoint.mechanisms, endpoint.fingerprint) == (465, ("LOGIN",), "ab")
    assert server.submission_password() == "p"


async def test_a_probe_logs_in_and_tells_the_extensions() -> None:
    async with real_server() as (port, _):
        found = await SmtpServer(profile(port, user="u"), {"password": PASSWORD}).probe()
    assert found.software == "SMTP server"
    assert "SIZE" in found.facts["Extensions"]
    assert found.path.endswith("(clear text)")


async def test_a_wrong_password_is_a_login_error() -> None:
    async with real_server() as (port, _):
        with pytest.raises(LoginError):
            await SmtpServer(profile(port, user="u"), {"password": "wrong"}).probe()


@pytest.mark.parametrize("mode", [TlsMode.STARTTLS, TlsMode.IMPLICIT])
async def test_a_certificate_is_asked_about_and_then_accepted(mode: TlsMode) -> None:
    context = server_context(trustme.CA().issue_cert("127.0.0.1"))
    async with real_server(context, implicit=mode is TlsMode.IMPLICIT) as (port, _):
        asked_for = profile(port, tls=mode)
        with pytest.raises(UntrustedError) as asked:
            await SmtpServer(asked_for, {}).probe()
        accepted = with_trust(asked_for, asked.value.fingerprint)
        found = await SmtpServer(accepted, {}).probe()
    assert found.facts["Fingerprint"] == asked.value.fingerprint
    assert found.path.endswith("(TLS)")


async def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(UnreachableError):
        await SmtpServer(profile(9), {}).probe()


@pytest.mark.parametrize(
    ("greeting", "extensions", "found"),
    [
        ("220 mx ESMTP Postfix (Debian)", (), ("Postfix", "")),
        ("220 mx ESMTP Exim 4.96.2 Tue", (), ("Exim", "4.96.2")),
        ("220 mx ESMTP Sendmail 8.17.1/8.17.1", (), ("Sendmail", "8.17.1")),
        ("220 mx ESMTP Haraka/3.0.3 ready", (), ("Haraka", "3.0.3")),
        ("220 mx ESMTP ab1-2 - gsmtp", (), ("Google", "")),
        ("220 mx Microsoft ESMTP MAIL Service ready", (), ("Microsoft Exchange", "")),
        ("220 hello", ("SIZE 1", "X-EXPS GSSAPI NTLM"), ("Microsoft Exchange", "")),
        ("220 hello", ("SIZE 1",), ("SMTP server", "")),
    ],
)
def test_software_by_greeting_and_extensions(
    greeting: str, extensions: tuple[str, ...], found: tuple[str, str]
) -> None:
    assert software_of(greeting, extensions) == found
