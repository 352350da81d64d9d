"""What is taken, from whom, and what the log says of it."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from pathlib import Path

import pytest

from smtpadmin.builtin.config import Limits, NextHop
from smtpadmin.builtin.smtp_in import STORAGE_FULL
from smtpadmin.builtin.spool_records import NewMessage
from smtpadmin.model.errors import StorageError
from tests.support.builtin_server import (
    ANY,
    LOCAL,
    MESSAGE,
    entries,
    events,
    eventually,
    mailbox,
    running,
    send,
    with_client,
)

DEAD = {"far.example": NextHop("127.0.0.1", 1)}


async def test_an_accepted_message_is_logged_queued_and_traced(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        queue_id = await send(server, f"b@{LOCAL}", f"b@{LOCAL}", f"c@{LOCAL}")
        await eventually(server, lambda queue: not queue)
        assert [e["client_address"] for e in events(server, "client")] == ["127.0.0.1"]
        (named,) = events(server, "message-id")
        assert (named["message-id"], named["subject"]) == ("<1@test>", "hello")
        (queued,) = events(server, "queued")
        assert queued["queue_id"] == queue_id
        assert (queued["from"], queued["to"]) == (
            "a@local.example",
            ["b@local.example", "c@local.example"],
        )
        (raw,) = mailbox(server, "b")
        assert f"\tby mx.local.example (smtpadmin) with ESMTP id {queue_id};".encode() in raw
        assert queued["size"] > len(MESSAGE)


async def test_strangers_may_send_to_local_domains_only(tmp_path: Path) -> None:
    async with running(tmp_path, relay_networks=()) as server:

        def work(client: smtplib.SMTP) -> list[tuple[int, bytes]]:
            client.ehlo()
            client.mail("a@x.example")
            return [client.rcpt(f"b@{LOCAL}"), client.rcpt("b@far.example")]

        (taken, _), (refused, words) = await with_client(server, work)
        assert (taken, refused) == (250, 554)
        assert words.startswith(b"5.7.1 ")
        (reject,) = events(server, "reject")
        assert (reject["stage"], reject["to"], reject["from"]) == (
            "RCPT",
            "b@far.example",
            "a@x.example",
        )
        assert "queue_id" not in reject
        assert server.stats().totals["rejected"] == 1


async def test_our_own_network_may_relay(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        await send(server, "b@far.example")


async def test_the_limit_of_recipients(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(recipients=2, free_space=0)) as server:

        def work(client: smtplib.SMTP) -> tuple[int, bytes]:
            client.ehlo()
            client.mail("a@x.example")
            for n in range(2):
                client.rcpt(f"{n}@{LOCAL}")
            return client.rcpt(f"2@{LOCAL}")

        code, words = await with_client(server, work)
        assert (code, words[:5]) == (452, b"4.5.3")


@pytest.mark.parametrize(
    ("raw", "reply"),
    [
        (b"Received: x\r\n" * 51 + b"\r\n", b"5.4.6"),
        (b"A: b\r\n\r\na\0b\r\n", b"5.6.0"),
        (b"A: b\r\n" * 50_000 + b"\r\n", b"5.3.4"),
    ],
)
async def test_messages_that_are_refused(tmp_path: Path, raw: bytes, reply: bytes) -> None:
    async with running(tmp_path) as server:

        def work(client: smtplib.SMTP) -> tuple[int, bytes]:
            client.ehlo()
            client.mail("a@x.example")
            client.rcpt(f"b@{LOCAL}")
            return client.data(raw)

        code, words = await with_client(server, work)
        assert code in (552, 554)
        assert words.startswith(reply)
        assert await entries(server) == []
        (reject,) = events(server, "reject")
        assert reject["to"] == f"b@{LOCAL}"


async def test_held_senders_wait_for_release(tmp_path: Path) -> None:
    async with running(tmp_path, hold_senders=("*@held.example",)) as server:
        await send(server, f"b@{LOCAL}", sender="x@held.example")
        (entry,) = await entries(server)
        assert (entry.queue, entry.next_try) == ("hold", None)
        assert events(server, "queued")[0]["held"] is True


async def test_a_full_disk_is_452_and_the_next_message_goes_through(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        spool = server._spool
        accept = spool.accept

        async def full(new: NewMessage, queue_id: str | None = None) -> str:
            raise StorageError("the disk is full", where="here", detail="SQLITE_FULL")

        spool.accept = full  # type: ignore[method-assign]

        def work(client: smtplib.SMTP) -> str:
            with pytest.raises(smtplib.SMTPDataError) as caught:
                client.sendmail("a@x.example", [f"b@{LOCAL}"], MESSAGE)
            spool.accept = accept  # type: ignore[method-assign]
            client.sendmail("a@x.example", [f"b@{LOCAL}"], MESSAGE)
            return f"{caught.value.smtp_code} {bytes(caught.value.smtp_error).decode()}"

        assert await with_client(server, work) == STORAGE_FULL
        assert events(server, "error")[0]["message"] == "here: the disk is full"
        assert len(events(server, "queued")) == 1


async def test_too_many_connections(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(connections=1)) as server:
        _, first = await asyncio.open_connection(*server.smtp)
        async with asyncio.timeout(5):
            while not events(server, "connect"):
                await asyncio.sleep(0.01)
            reader, second = await asyncio.open_connection(*server.smtp)
            assert (await reader.read()).startswith(b"421 4.3.2 ")
        taken, refused = events(server, "connect")
        assert "reply" not in taken
        assert (refused["level"], refused["client_address"]) == ("warning", "127.0.0.1")
        first.close()
        second.close()


async def test_a_bug_is_a_temporary_failure_and_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("smtpadmin.builtin.policy.recipient_reply", broken)
    async with running(tmp_path) as server:

        def work(client: smtplib.SMTP) -> tuple[int, bytes]:
            client.ehlo()
            client.mail("a@x.example")
            return client.rcpt(f"b@{LOCAL}")

        code, words = await with_client(server, work)
        assert (code, words[:5]) == (451, b"4.3.0")
        assert "KeyError" in events(server, "error")[0]["message"]


async def test_a_client_that_leaves_during_the_commit_gets_its_log_lines(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        accept = server._spool.accept
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(new: NewMessage, queue_id: str | None = None) -> str:
            begun.set()
            await go_on.wait()
            return await accept(new, queue_id)

        server._spool.accept = slow  # type: ignore[method-assign]
        _, writer = await asyncio.open_connection(*server.smtp)
        writer.write(b"EHLO c\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@local.example>\r\nDATA\r\n")
        writer.write(MESSAGE + b".\r\n")
        async with asyncio.timeout(5):
            await begun.wait()
            writer.transport.abort()
            while not events(server, "disconnect"):
                await asyncio.sleep(0.01)
            go_on.set()
            while not events(server, "removed"):
                await asyncio.sleep(0.01)
        assert len(events(server, "queued")) == 1


async def test_stopping_says_goodbye_to_clients(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        reader, writer = await asyncio.open_connection(*server.smtp)
        await reader.readline()
        await server._intake.close()
        assert (await reader.read()).startswith(b"421 4.3.2 ")
        writer.close()


async def test_stopping_does_not_wait_for_a_client_that_never_says_goodbye_under_tls(
    tmp_path: Path,
) -> None:
    trusted = ssl.create_default_context()
    trusted.check_hostname, trusted.verify_mode = False, ssl.CERT_NONE

    def connect(address: tuple[str, int]) -> ssl.SSLSocket:
        secure = trusted.wrap_socket(socket.create_connection(address, timeout=10))
        secure.recv(1000)
        return secure

    async with running(tmp_path, submission=ANY) as server:
        assert server.submission is not None
        with await asyncio.to_thread(connect, server.submission) as client:
            async with asyncio.timeout(8):
                await server._intake.close()
            assert (await asyncio.to_thread(client.recv, 1000)).startswith(b"421 4.3.2 ")
        assert not server._intake._sessions
