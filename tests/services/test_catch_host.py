"""The catch server as a server of the window: start, stop, set-up, what it keeps."""

from __future__ import annotations

import asyncio
import smtplib
import socket

import pytest

from smtpadmin.connectors.api import abilities_of
from smtpadmin.formats.catch_rules import read_rule
from smtpadmin.model.errors import NotPermittedError, UsageError
from smtpadmin.model.profile import TlsMode
from smtpadmin.services.catch_host import (
    CatchHost,
    CatchSetup,
    LoginRule,
    profile_of,
    setup_from,
    setup_record,
)
from smtpadmin.services.session import GivenUpError, ServerSession, SessionState

RULE = read_rule('rcpt recipient=full@* reply="452 4.2.2 full"')
MAIL = "Subject: hello\r\n\r\nhello\r\n"


def host(setup: CatchSetup | None = None) -> CatchHost:
    return CatchHost(profile_of(setup or CatchSetup()), {})


async def send(to: CatchHost, recipient: str = "b@y.example", login: bool = False) -> None:
    assert to.address is not None
    address = to.address

    def blocking() -> None:
        with smtplib.SMTP(*address, "client.example", timeout=10) as client:
            if login:
                client.login("anyone", "anything")
            client.sendmail("a@x.example", [recipient], MAIL)

    async with asyncio.timeout(20):
        await asyncio.to_thread(blocking)


async def test_probing_starts_it_and_a_session_goes_through_stop_and_start() -> None:
    profile = profile_of(CatchSetup())
    session = ServerSession(profile, {}, CatchHost)
    catch = session.connector
    assert isinstance(catch, CatchHost)
    session.start()
    async with asyncio.timeout(10):
        await session.wait_for(SessionState.CONNECTED)
        await send(catch)
        port = catch.setup.port
        assert port > 0
        await catch.stop_catching()
        session.report(GivenUpError("stopped"))
        await session.wait_for(SessionState.OFFLINE)
        assert len(catch.store) == 1
        with pytest.raises(GivenUpError):
            await catch.probe()
        await catch.start_catching()
        session.retry_now()
        await session.wait_for(SessionState.CONNECTED)
    assert catch.setup.port == port
    await send(catch)
    assert len(catch.store) == 2
    await session.close()
    assert catch.address is None


async def test_a_taken_port_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        catch = host(CatchSetup(port=other.getsockname()[1]))
        with pytest.raises(UsageError, match="Address already in use"):
            await catch.probe()
    await catch.close()


async def test_an_outside_address_needs_consent() -> None:
    catch = host()
    with pytest.raises(NotPermittedError):
        await catch.set_up(CatchSetup(host="0.0.0.0"))
    await catch.set_up(CatchSetup(host="0.0.0.0", outside=True, tls=TlsMode.NONE))
    (endpoint,) = catch.submission_endpoints()
    assert (endpoint.host, endpoint.port) == ("127.0.0.1", catch.setup.port)
    await catch.close()


async def test_rules_are_in_force_at_once_and_are_counted() -> None:
    catch = host(CatchSetup(login=LoginRule.REQUIRED))
    await catch.probe()
    await send(catch, "full@y.example", login=True)
    await catch.set_rules([RULE])
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="452"):
        await send(catch, "full@y.example", login=True)
    assert catch.rules_acted() == (1,)
    await catch.close()
    assert catch.rules_acted() == (0,)


async def test_logins_are_required_or_refused_as_set_up() -> None:
    catch = host(CatchSetup(login=LoginRule.REQUIRED, tls=TlsMode.NONE))
    await catch.probe()
    with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
        await send(catch)
    await send(catch, login=True)
    assert catch.submission_endpoints()[0].user
    assert catch.submission_password()
    await catch.set_up(CatchSetup(login=LoginRule.REFUSED, tls=TlsMode.NONE))
    with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
        await send(catch, login=True)
    await send(catch)
    await catch.close()
    assert not catch.submission_endpoints()


async def test_the_transcript_of_a_session_is_there_while_it_lasts_and_after() -> None:
    catch = host(CatchSetup(tls=TlsMode.NONE))
    await catch.probe()
    assert catch.address is not None
    reader, writer = await asyncio.open_connection(*catch.address)
    await reader.readline()
    writer.write(b"EHLO here\r\n")
    await reader.readuntil(b"250 ")
    (session_id,) = catch._live
    assert any("EHLO here" in line.line for line in catch.transcript_of(session_id))
    ended: list[str] = []
    catch.session_ended.connect(lambda session: ended.append(session.session_id))
    writer.write(b"QUIT\r\n")
    async with asyncio.timeout(10):
        while not ended:
            await asyncio.sleep(0.01)
    assert not catch._live
    assert any("QUIT" in line.line for line in catch.transcript_of(session_id))
    assert catch.transcript_of("nobody") == ()
    writer.close()
    await catch.close()


def test_a_set_up_is_kept_but_for_an_outside_address() -> None:
    setup = CatchSetup("::1", 2525, TlsMode.IMPLICIT, LoginRule.REFUSED, rules=(RULE,))
    assert setup_from(setup_record(setup)) == setup
    outside = setup_from(setup_record(CatchSetup("0.0.0.0", 25, outside=True)))
    assert (outside.host, outside.port, outside.outside) == ("127.0.0.1", 0, False)


@pytest.mark.parametrize("record", [{}, {"host": "x"}, setup_record(CatchSetup()) | {"rules": "no"},
                                    setup_record(CatchSetup()) | {"port": "many"}])  # fmt: skip
def test_a_damaged_record_is_none(record: dict[str, object]) -> None:
    assert setup_from(record) == CatchSetup()


def test_names_differ_and_it_is_a_catcher() -> None:
    assert profile_of(CatchSetup(), ["Catch server"]).name == "Catch server (2)"
    assert set(abilities_of(CatchHost)) == {"catch", "submission"}
