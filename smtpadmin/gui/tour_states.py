"""Servers that the tour cannot reach, each in another way; all real connections on loopback."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType

from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode


def broken_profiles(workspace: Workspace) -> list[tuple[str, str, Profile, dict[str, str]]]:
    """Picture name, words, profile and secrets of each."""
    demo = workspace.demo
    assert demo is not None
    closed = Profile(
        str(uuid.uuid4()), "edge-dmz", "smtp", "127.0.0.1", 9, tls=TlsMode.STARTTLS,
        environment=Environment.PRODUCTION, safety=SafetyLevel.READ_ONLY,
    )  # fmt: skip
    no_login = replace(
        demo.profile, uuid=str(uuid.uuid4()), name="mail2.acme.example",
        environment=Environment.STAGING,
    )  # fmt: skip
    untrusted = replace(
        closed, uuid=str(uuid.uuid4()), name="relay-eu", host="127.0.0.1", port=demo.profile.port,
        settings=MappingProxyType({}), environment=Environment.STAGING,
    )  # fmt: skip
    return [
        ("offline", "Offline, a production server: the cause and Try now", closed, {}),
        ("login-failed", "The login was refused", no_login, {"token": "wrong"}),
        ("untrusted", "The certificate is not trusted: its fingerprint", untrusted, {}),
    ]


@asynccontextmanager
async def silent_server() -> AsyncIterator[Profile]:
    """A server that takes the connection and then says nothing; gives a profile of it."""
    writers: list[asyncio.StreamWriter] = []

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    try:
        yield Profile(
            str(uuid.uuid4()), "backup-mx", "smtp", "127.0.0.1",
            server.sockets[0].getsockname()[1], environment=Environment.STAGING,
        )  # fmt: skip
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
