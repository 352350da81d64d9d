"""A running catch server, clients of several makes, and a client that sends octets."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from smtpadmin.formats.catch_rules import read_rule
from smtpadmin.services.catch_server import CatchConfig, CatchServer

T = TypeVar("T")
ANY = ("127.0.0.1", 0)


@asynccontextmanager
async def catching(*rules: str, **options: Any) -> AsyncIterator[CatchServer]:
    """A catch server with two ports and these rules."""
    config = CatchConfig(
        **{
            "listen": ANY,
            "implicit": ANY,
            "rules": tuple(map(read_rule, rules)),
            "hostname": "catch.example",
            **options,
        }
    )
    async with CatchServer(config).running() as server:
        yield server


def trusting(server: CatchServer) -> ssl.SSLContext:
    """A client's context that trusts the server's authority."""
    return ssl.create_default_context(cafile=str(server.ca_file))


async def beside(function: Callable[..., T], *arguments: Any) -> T:
    """A blocking client, in a thread."""
    async with asyncio.timeout(20):
        return await asyncio.to_thread(function, *arguments)


def transcript(server: CatchServer, number: int = -1) -> str:
    """A session's transcript as text."""
    lines = server.store.sessions()[number].transcript
    return "\n".join(f"{line.direction} {line.line}" for line in lines)


@dataclass
class Wire:
    """A client that sends octets."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def reply(self) -> str:
        lines = []
        async with asyncio.timeout(10):
            while True:
                line = (await self.reader.readline()).decode()
                lines.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def say(self, octets: bytes) -> str:
        self.writer.write(octets + b"\r\n")
        return await self.reply()

    async def begin(self, *recipients: str) -> None:
        await self.say(b"EHLO client.example")
        assert (await self.say(b"MAIL FROM:<a@x.example>"))[:3] == "250"
        for recipient in recipients or ("b@y.example",):
            assert (await self.say(f"RCPT TO:<{recipient}>".encode()))[:3] == "250"
        assert (await self.say(b"DATA"))[:3] == "354"

    async def is_closed(self) -> bool:
        """Whether the server has closed; what it still says is thrown away."""
        try:
            async with asyncio.timeout(5):
                await self.reader.read(-1)
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def wire(server: CatchServer, *, greeted: bool = True) -> AsyncIterator[Wire]:
    assert server.address is not None
    reader, writer = await asyncio.open_connection(*server.address)
    client = Wire(reader, writer)
    if greeted:
        assert (await client.reply()).startswith("220 ")
    try:
        yield client
    finally:
        writer.close()


def program(name: str) -> Path:
    """A program that the test needs; skips without it, fails in CI."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return Path(found)
