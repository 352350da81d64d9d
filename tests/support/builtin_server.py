"""The built-in mail server in the test's own loop, and real clients in threads."""

from __future__ import annotations

import asyncio
import json
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from smtpadmin.builtin.config import Limits, Schedule, ServerConfig
from smtpadmin.builtin.server import MailServer
from smtpadmin.model.queue import QueueEntry

T = TypeVar("T")
LOCAL = "local.example"
ANY = ("127.0.0.1", 0)
SCHEDULE = Schedule(retry_s=(3600,), expire_s=86400, delay_notice_s=0)
MESSAGE = b"From: a@local.example\r\nSubject: hello\r\nMessage-ID: <1@test>\r\n\r\nbody\r\n"


def make_config(folder: Path, **changes: Any) -> ServerConfig:
    """A server for ``local.example`` on free ports, that tries again after an hour."""
    settings: dict[str, Any] = {
        "data": folder / "data",
        "smtp": ANY,
        "admin": ANY,
        "hostname": "mx.local.example",
        "local_domains": {LOCAL: None},
        "schedule": SCHEDULE,
        "limits": Limits(free_space=0),
        "dns_servers": (("127.0.0.1", 1),),
    }
    return ServerConfig(**settings | changes)


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[MailServer]:
    """A started server, stopped at the end."""
    server = MailServer(make_config(folder, **changes))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def with_client(server: MailServer, work: Callable[[smtplib.SMTP], T]) -> T:
    """Run ``work`` with a connected ``smtplib`` client, in a thread."""

    def run() -> T:
        with smtplib.SMTP(*server.smtp, timeout=10) as client:
            return work(client)

    return await asyncio.to_thread(run)


async def send(
    server: MailServer, *recipients: str, sender: str = "a@local.example", raw: bytes = MESSAGE
) -> str:
    """Send a message; gives the queue ID."""

    def work(client: smtplib.SMTP) -> str:
        client.ehlo()
        client.mail(sender)
        for recipient in recipients:
            code, reply = client.rcpt(recipient)
            assert code == 250, reply
        code, reply = client.data(raw)
        assert code == 250, reply
        return reply.decode().rpartition(" ")[2]

    return await with_client(server, work)


async def entries(server: MailServer) -> list[QueueEntry]:
    """The queue."""
    return [entry async for page in server.list_queue() for entry in page]


async def eventually(server: MailServer, condition: Callable[[list[QueueEntry]], object]) -> None:
    """Wait until the queue fulfils a condition."""
    async with asyncio.timeout(10):
        while not condition(await entries(server)):
            await asyncio.sleep(0.01)


def mailbox(server: MailServer, local_part: str) -> list[bytes]:
    """The messages in a local mailbox, in the order of arrival."""
    folder = server.config.mailbox_path / LOCAL / local_part / "new"
    return [file.read_bytes() for file in sorted(folder.glob("*"))]


def events(server: MailServer, name: str) -> list[dict[str, Any]]:
    """The log's events of one name."""
    server.log.flush()
    lines = server.config.log_path.read_text("utf-8").splitlines()
    return [found for found in map(json.loads, lines) if found["event"] == name]
