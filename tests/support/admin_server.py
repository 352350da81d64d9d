"""A running built-in mail server with its admin API, for tests: real ports on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib

from smtpadmin.builtin.admin_api import AdminApi
from smtpadmin.builtin.config import NextHop, Schedule, ServerConfig
from smtpadmin.builtin.server import MailServer

FREE: tuple[str, int] = ("127.0.0.1", 0)
DEADLINE_S = 10.0


@dataclass
class RunningServer:
    """What a test needs of it. ``http`` carries the token."""

    server: MailServer
    api: AdminApi
    http: aiohttp.ClientSession

    async def send(
        self, *to: str, sender: str = "anna@acme.example", subject: str = "Lunch?"
    ) -> str:
        """Hand in a message over SMTP; gives its queue ID."""
        text = f"From: {sender}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nHi.\r\n"
        host, port = self.server.smtp
        async with aiosmtplib.SMTP(
            hostname=host, port=port, use_tls=False, start_tls=False
        ) as client:
            _, reply = await client.sendmail(sender, list(to), text)
        return reply.rsplit(" ", 1)[-1]

    async def get(self, path: str, **query: str) -> Any:
        """The JSON of an answer."""
        async with self.http.get(path, params=query) as answer:
            return await answer.json()

    async def lines(self, path: str, **query: str) -> list[Any]:
        """The objects of a stream that ends."""
        async with self.http.get(path, params=query) as answer:
            assert answer.status == 200, await answer.text()
            return [json.loads(line) async for line in answer.content]

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        async with self.http.post(path, json=body) as answer:
            return answer.status, await answer.json()

    async def entry(self, queue_id: str) -> Any:
        """The queue's entry of a message, or None."""
        entries = (await self.lines("/v1/queue"))[:-1]
        return next((entry for entry in entries if entry["queue_id"] == queue_id), None)

    async def until_queue(self, queue_id: str, queue: str | None) -> None:
        """Wait until a message is in a queue, or in none."""

        async def there() -> bool:
            found = await self.entry(queue_id)
            return (found and found["queue"]) == queue

        await until(there)

    async def send_deferred(self, **options: Any) -> str:
        """A message that waits in the queue: its next hop refuses connections."""
        queue_id = await self.send("ops@branch-7.example", **options)
        await self.until_queue(queue_id, "deferred")
        return queue_id


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition. Raises TimeoutError."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.02)


def make_config(data: Path, **changes: Any) -> ServerConfig:
    """acme.example is local, branch-7.example cannot be reached; nothing is tried twice."""
    options: dict[str, Any] = {
        "data": data,
        "smtp": FREE,
        "admin": FREE,
        "hostname": "mail.acme.example",
        "local_domains": {"acme.example": None},
        "routes": {"branch-7.example": NextHop("127.0.0.1", 1)},
        "schedule": Schedule(retry_s=(3600,)),
    }
    return ServerConfig(**{**options, **changes})


@contextlib.asynccontextmanager
async def running_server(data: Path, **changes: Any) -> AsyncIterator[RunningServer]:
    """Server and API, stopped at the end."""
    config = make_config(data, **changes)
    server = MailServer(config)
    await server.start()
    api = AdminApi(server)
    try:
        await api.start()
        token = config.token_path.read_text("ascii").strip()
        async with aiohttp.ClientSession(
            f"http://{api.address[0]}:{api.address[1]}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(DEADLINE_S),
        ) as http:
            yield RunningServer(server, api, http)
    finally:
        await api.stop()
        await server.stop()
