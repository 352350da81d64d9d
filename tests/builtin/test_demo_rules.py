"""Each host of the outside world has its one habit. (That they speak SMTP: ``test_demo_world``.)"""

from __future__ import annotations

import asyncio

from smtpadmin.builtin import demo_rules
from smtpadmin.builtin.demo_rules import Friendly, Greylisting, Partner, Strict


def test_a_friendly_host_takes_everybody() -> None:
    assert Friendly().recipient_reply("a@x", "b@y") is None


def test_the_partner_has_a_full_mailbox_and_people_who_left() -> None:
    partner = Partner()
    assert partner.recipient_reply("a@x", "finance@partner.example") == "452 4.2.2 mailbox full"
    left = partner.recipient_reply("a@x", "gone@partner.example")
    assert left == "550 5.1.1 <gone@partner.example>: no such user here"
    assert partner.recipient_reply("a@x", "orders@partner.example") is None


def test_greylisting_ends_after_its_time_for_each_pair() -> None:
    now = [100.0]
    host = Greylisting(lambda: now[0])
    assert host.recipient_reply("a@x", "b@y") == "450 4.7.1 greylisted, try again in 26 s"
    now[0] += demo_rules.GREYLIST_S - 1
    assert host.recipient_reply("a@x", "b@y") == "450 4.7.1 greylisted, try again in 2 s"
    assert host.recipient_reply("c@x", "b@y") == "450 4.7.1 greylisted, try again in 26 s"
    now[0] += 1
    assert host.recipient_reply("a@x", "b@y") is None


def test_the_strict_host_wants_no_newsletters() -> None:
    reply = Strict().recipient_reply("newsletter@acme.example", "kim@strict.example")
    assert reply is not None
    assert reply.startswith("554 5.7.1 ")
    assert Strict().recipient_reply("anna@acme.example", "kim@strict.example") is None


async def test_the_busy_host_says_so_and_closes() -> None:
    server = await asyncio.get_running_loop().create_server(demo_rules.Busy, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    async with asyncio.timeout(5):
        assert await reader.read() == demo_rules.BUSY
    writer.close()
    await writer.wait_closed()
    server.close()


async def test_the_silent_host_never_answers() -> None:
    server = await asyncio.get_running_loop().create_server(demo_rules.Silent, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"EHLO x\r\n")
    writer.write_eof()
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    server.close()
