"""Every host of the outside world is a real server that behaves as its rules say."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib
import pytest

from smtpadmin.builtin import demo_rules, demo_world
from smtpadmin.builtin.demo_world import PLACES, DemoWorld
from smtpadmin.settings.server_tls import ca_path, server_context

TEXT = "Subject: x\r\n\r\nHi.\r\n"


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DemoWorld]:
    monkeypatch.setattr(demo_rules, "SLOW_S", 0.05)
    monkeypatch.setattr(demo_rules, "TARPIT_S", 0.05)
    world = DemoWorld()
    await world.start(server_context(tmp_path, "mail.acme.example"))
    yield world
    await world.stop()


def client_of(world: DemoWorld, domain: str, folder: Path | None = None) -> aiosmtplib.SMTP:
    hop = world.routes[domain]
    trusting = ssl.create_default_context(cafile=str(ca_path(folder))) if folder else None
    return aiosmtplib.SMTP(
        hostname=hop.host,
        port=hop.port,
        start_tls=folder is not None,
        tls_context=trusting,
        timeout=5,
    )


async def send(world: DemoWorld, to: str, folder: Path | None = None) -> str:
    async with client_of(world, to.partition("@")[2], folder) as client:
        _, reply = await client.sendmail("anna@acme.example", [to], TEXT)
    return reply


@pytest.mark.parametrize("domain", ["shop.example", "bigmail.example", "university.example"])
async def test_these_take_a_message(world: DemoWorld, domain: str) -> None:
    assert "queued as W0000001" in await send(world, f"desk@{domain}")
    assert world.rules[domain].received == 1


@pytest.mark.parametrize("place", [p for p in PLACES if p.offers_tls], ids=lambda p: p.domain)
async def test_tls_is_offered_with_the_authoritys_certificate(
    world: DemoWorld, tmp_path: Path, place: demo_world.Place
) -> None:
    async with client_of(world, place.domain, tmp_path) as client:
        assert client.get_transport_info("ssl_object")


async def test_the_bank_wants_tls(world: DemoWorld, tmp_path: Path) -> None:
    with pytest.raises(aiosmtplib.SMTPException) as refused:
        await send(world, "desk@bank.example")
    assert refused.value.code == 530  # type: ignore[attr-defined]
    assert "queued" in await send(world, "desk@bank.example", tmp_path)


async def test_oldtls_offers_none_and_we_insist(world: DemoWorld) -> None:
    async with client_of(world, "oldtls.example") as client:
        await client.ehlo()
        assert not client.supports_extension("starttls")
    assert world.routes["oldtls.example"].require_tls


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("finance@partner.example", 452),
        ("gone@partner.example", 550),
        ("j.ortiz@mailhost.example", 450),
    ],
)
async def test_these_refuse_a_recipient(world: DemoWorld, address: str, code: int) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await send(world, address)
    assert refused.value.recipients[0].code == code


async def test_flaky_loses_the_first_message_to_each_recipient(world: DemoWorld) -> None:
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(world, "wei@flaky.example")
    assert "queued" in await send(world, "wei@flaky.example")
    assert world.rules["flaky.example"].received == 1


async def test_pager_is_busy(world: DemoWorld) -> None:
    with pytest.raises(aiosmtplib.SMTPConnectError) as refused:
        await send(world, "duty@pager.example")
    assert "421" in str(refused.value)


async def test_the_branch_refuses_connections(world: DemoWorld) -> None:
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", world.routes["branch-7.example"].port)


async def test_stopping_ends_sessions_that_are_open(world: DemoWorld) -> None:
    readers = []
    for domain in ("archive.example", "shop.example"):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.routes[domain].port)
        readers.append((reader, writer))
    await readers[1][0].readline()
    await world.stop()
    for reader, writer in readers:
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(5):
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_world_that_never_started_can_be_stopped() -> None:
    await DemoWorld().stop()
