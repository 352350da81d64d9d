"""Checks of a host: each with its result, none blocking the others."""

from __future__ import annotations

import ssl

import pytest
import trustme

from smtpadmin.model.profile import TlsMode
from smtpadmin.services.checks import Check, CheckResult, check_host
from tests.support.odd_server import odd_server, script
from tests.transport.test_smtp import real_server


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
    import socket

    def no_such_name(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("smtpadmin.services.checks.socket.getaddrinfo", no_such_name)
    checks = await run((25, TlsMode.NONE), host="mx.example.invalid")
    assert [c.result for c in checks] == [CheckResult.FAIL, CheckResult.UNTESTED]
