"""The server as one object: start, stop, and what it answers."""

from __future__ import annotations

import asyncio
import shutil
import smtplib
import socket
from pathlib import Path

import pytest

from smtpadmin.builtin.config import Limits, NextHop
from smtpadmin.builtin.server import MailServer
from smtpadmin.builtin.smtp_in import STORAGE_FULL
from smtpadmin.builtin.spool_actions import ActionItem
from smtpadmin.model.errors import ServerRefusedError, StorageError, UsageError
from smtpadmin.model.queue import QueueAction
from tests.support.builtin_server import (
    ANY,
    MESSAGE,
    entries,
    events,
    eventually,
    mailbox,
    make_config,
    running,
    send,
    with_client,
)
from tests.support.small_disk import small_disk

DEAD = {"far.example": NextHop("127.0.0.1", 1)}


async def test_a_server_can_be_started_again(tmp_path: Path) -> None:
    for _ in range(2):
        async with running(tmp_path, submission=ANY, routes=DEAD) as server:
            assert server.smtp[1] > 0
            assert server.submission is not None
            assert server.submission[1] not in (0, server.smtp[1])
            await send(server, "b@far.example")
    async with running(tmp_path, routes=DEAD) as server:
        assert len(await entries(server)) == 2
        assert (await server.counts()).total == 2


async def test_a_second_server_on_the_same_folder_is_one_clear_error(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        with pytest.raises(StorageError, match="another smtpadmin server uses this spool"):
            await MailServer(server.config).start()
        await send(server, "b@local.example")


async def test_a_port_that_is_taken_is_one_clear_error_and_frees_the_spool(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port}: cannot listen there"):
            await MailServer(make_config(tmp_path, smtp=("127.0.0.1", port))).start()
    async with running(tmp_path):
        pass


async def test_entries_and_messages(tmp_path: Path) -> None:
    async with running(tmp_path, routes=DEAD) as server:
        queue_id = await send(server, "b@far.example", "c@local.example")
        await eventually(server, lambda queue: queue[0].queue == "deferred")
        entry = await server.entry(queue_id)
        assert entry == (await entries(server))[0]
        assert (entry.message_id, entry.subject, entry.client) == ("<1@test>", "hello", "127.0.0.1")
        assert entry.next_try is not None
        assert entry.expires is not None
        assert entry.tries == 1
        stored = await server.message(queue_id)
        assert stored.recipients == ("b@far.example",)
        assert stored.arrived == entry.arrived
        assert len(stored.raw) == entry.size
        assert stored.raw.startswith(b"Received: from ")


async def test_a_message_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        for question in (server.entry, server.message):
            with pytest.raises(ServerRefusedError, match="no longer in the queue"):
                await question("GONE")
        assert await server.attempts("GONE") == []


async def test_figures(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        await send(server, "b@local.example")
        await eventually(server, lambda queue: not queue)
        stats = server.stats()
        assert (stats.totals["accepted"], stats.totals["delivered"]) == (1, 1)
        assert stats.last_delivered is not None


async def test_a_full_disk_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """452 to the client, a line in the log, nothing lost, and on it goes when there is room."""
    monkeypatch.setattr("smtpadmin.builtin.spool.FREE_SPACE_KNOWN_S", 0)
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        filler = disk / "filler"
        limits = Limits(free_space=300_000)
        async with running(disk, routes=DEAD, limits=limits) as server:
            first = await send(server, "b@far.example")
            await eventually(server, lambda queue: queue[0].queue == "deferred")
            filler.write_bytes(b"x" * (shutil.disk_usage(disk).free - 200_000))

            def refused(client: smtplib.SMTP) -> str:
                with pytest.raises(smtplib.SMTPDataError) as caught:
                    client.sendmail("a@local.example", ["b@local.example"], MESSAGE)
                assert client.noop()[0] == 250
                return f"{caught.value.smtp_code} {bytes(caught.value.smtp_error).decode()}"

            assert await with_client(server, refused) == STORAGE_FULL
            assert "nearly full, no mail is taken" in events(server, "error")[0]["message"]
            assert (await server.act(QueueAction.HOLD, [ActionItem(first)]))[0].ok
            filler.unlink()
            await send(server, "b@local.example")
            await eventually(server, lambda queue: [e.queue_id for e in queue] == [first])
            assert len(mailbox(server, "b")) == 1


async def test_stopping_waits_for_what_is_being_written_down(tmp_path: Path) -> None:
    server = MailServer(make_config(tmp_path, routes=DEAD))
    await server.start()
    reader, writer = await asyncio.open_connection(*server.smtp)
    writer.write(b"EHLO c\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@far.example>\r\nDATA\r\n")
    writer.write(b"Subject: x\r\n\r\n.\r\n")
    async with asyncio.timeout(5):
        while not server._intake._accepting:
            await asyncio.sleep(0)
    await server.stop()
    said = await reader.read()
    writer.close()
    assert b"250 2.0.0 Ok: queued as" in said
    assert said.endswith(b"421 4.3.2 Service shutting down, closing connection\r\n")
    async with running(tmp_path, routes=DEAD) as again:
        assert len(await entries(again)) == 1
