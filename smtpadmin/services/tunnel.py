"""Connections that begin on a server itself: a test from where its own mail goes out, over its SSH."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from smtpadmin.connectors import registry
from smtpadmin.model.profile import Profile
from smtpadmin.transport.open_runner import is_local
from smtpadmin.transport.smtp_route import Opener


def can_tunnel(profile: Profile) -> bool:
    """Whether the server is reached over SSH."""
    kind = registry.connectors().get(profile.kind)
    by_commands = kind is not None and any(field.name == "access" for field in kind.settings)
    return by_commands and not is_local(profile)


@asynccontextmanager
async def tunnel(profile: Profile, secrets: Mapping[str, str]) -> AsyncIterator[Opener]:
    """What opens a TCP connection from there; it connects when it is first used, and its errors are
    UnreachableError, LoginError, UntrustedError."""
    from smtpadmin.transport.ssh import SshRunner

    runner = SshRunner(profile, secrets)
    try:
        yield runner.open_connection
    finally:
        await runner.close()
