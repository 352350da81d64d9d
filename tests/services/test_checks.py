"""Checks of a host: each with its result, none blocking the others."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from smtpadmin.model.dns import NameServer
from smtpadmin.model.profile import TlsMode
from smtpadmin.services.checks import Check, CheckResult, Trust, check_host
from smtpadmin.transport.dns import Resolver
from tests.support.dns_server import real_name_server
from tests.support.odd_server import odd_server, script
from tests.support.smtp_server import real_server


async def run(*ports: tuple[int, TlsMode], host: str = "127.0.0.1") -> list[Check]:
    return [check async for check in check_host(host, ports)]


async def test_a_server_with_its_own_authority() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with real_server(context) as (port, _):
        checks = await run((port, TlsMode.STARTTLS))
    results = {check.name: check.result for check in checks}
    assert results["address"] is CheckResult.PASS
    assert results[f"port {port}"] is CheckResult.PASS
    assert results["certificate"] is CheckResult.FAIL
    assert all(len(c.fingerprint) == 64 for c in checks if c.name == "certificate")


async def test_what_the_profile_trusts_is_trusted(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(file)

    async def certificate(port: int, trust: Trust) -> Check:
        found = check_host("127.0.0.1", [(port, TlsMode.STARTTLS)], trust=trust)
        return await anext(check async for check in found if check.name == "certificate")

    async with real_server(context) as (port, _):
        refused = await certificate(port, Trust(accepted={f"tls:127.0.0.1:{port}": "0" * 64}))
        pinned = Trust(accepted={f"tls:127.0.0.1:{port}": refused.fingerprint})
        assert refused.result is CheckResult.FAIL
        assert (await certificate(port, Trust(str(file)))).result is CheckResult.PASS
        accepted = await certificate(port, pinned)
    assert accepted.result is CheckResult.PASS
    assert accepted.detail.startswith("accepted for this server")


async def test_clear_text_is_a_warning() -> None:
    async with real_server() as (port, _):
        checks = await run((port, TlsMode.STARTTLS))
    found = {check.name: check for check in checks}
    assert found["encryption"].result is CheckResult.WARN
    assert found[f"port {port}"].tls is TlsMode.NONE
    assert found["login"].detail.startswith("offers")


async def test_closed_and_nonsense_do_not_stop_the_others() -> None:
    async with real_server() as (good, _), odd_server(script(b"SSH-2.0\r\n", hang=True)) as odd:
        checks = await run((9, TlsMode.NONE), (odd, TlsMode.NONE), (good, TlsMode.NONE))
    results = {check.name: check.result for check in checks}
    assert results["port 9"] is CheckResult.INFO
    assert results[f"port {odd}"] is CheckResult.FAIL
    assert results[f"port {good}"] is CheckResult.PASS


async def test_a_name_that_does_not_resolve_leaves_the_rest_untested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_such_name(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("smtpadmin.services.checks.socket.getaddrinfo", no_such_name)
    checks = await run((25, TlsMode.NONE), host="mx.example.invalid")
    assert [c.result for c in checks] == [CheckResult.FAIL, CheckResult.UNTESTED]


def named(*addresses: str) -> Callable[..., list[tuple[object, ...]]]:
    """The operating system's answer, whatever name it is asked for."""

    def getaddrinfo(*_: object) -> list[tuple[object, ...]]:
        if not addresses:
            raise socket.gaierror(-5, "No address associated with hostname")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 25)) for a in addresses]

    return getaddrinfo


@pytest.fixture(scope="module")
def name_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    with real_name_server(tmp_path_factory.mktemp("zones")) as found:
        yield found


async def with_dns(host: str, server: NameServer) -> list[Check]:
    resolver = Resolver([server], deadline_s=60.0, try_s=60.0)
    return [check async for check in check_host(host, [(9, TlsMode.NONE)], resolver)]


async def test_a_resolver_adds_what_the_dns_says(name_server: NameServer) -> None:
    checks = await with_dns("127.0.0.1", name_server)
    assert checks[0].name == "address"
    assert {check.name for check in checks} == {"address", "port 9", "reverse"}


async def test_a_mail_domain_needs_no_address(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtpadmin.services.checks.socket.getaddrinfo", named())
    checks = await with_dns("mail.test", name_server)
    assert (checks[0].name, checks[0].result) == ("address", CheckResult.INFO)
    assert "its mail goes to its MX hosts" in checks[0].detail
    assert (checks[1].name, checks[1].result) == ("mx", CheckResult.PASS)
    assert (checks[-1].name, checks[-1].result) == ("port 9", CheckResult.UNTESTED)


@pytest.mark.parametrize("domain", ["nosuch.mail.test", "bare.mail.test", "null.mail.test"])
async def test_without_mail_hosts_the_missing_address_stays_a_failure(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    monkeypatch.setattr("smtpadmin.services.checks.socket.getaddrinfo", named())
    checks = await with_dns(domain, name_server)
    assert (checks[0].name, checks[0].result) == ("address", CheckResult.FAIL)
    assert checks[1].name == "mx"


async def test_a_dns_that_refuses_stops_no_other_check(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtpadmin.services.checks.socket.getaddrinfo", named("127.0.0.1"))
    results = {c.name: c.result for c in await with_dns("mx.example.org", name_server)}
    assert results["address"] is CheckResult.PASS
    assert results["mx"] is CheckResult.UNTESTED
    assert results["port 9"] is CheckResult.INFO
