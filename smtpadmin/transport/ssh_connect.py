"""One SSH connection, through jump hosts if need be: every key checked, one total deadline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import asyncssh

from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.transport.ssh_errors import as_ours
from smtpadmin.transport.ssh_login import Client, Credentials, login_arguments
from smtpadmin.transport.ssh_options import (
    MOST_JUMPS,
    Resolved,
    Target,
    config_files,
    resolve,
    typed,
)
from smtpadmin.transport.ssh_trust import HostKeyCheck

CONNECT_S = 30.0
"""Seconds for the whole way, jump hosts and logins together."""
KEEPALIVE_S, KEEPALIVES = 15.0, 3
"""A server that is silent for KEEPALIVES times KEEPALIVE_S seconds is gone."""
GOODBYE_S = 2.0

logging.getLogger("asyncssh").setLevel(logging.WARNING)


@dataclass(slots=True)
class SshLink:
    """An open connection. ``hops`` are the jump hosts' connections and, last, the server's."""

    hops: list[asyncssh.SSHClientConnection]
    where: str
    lost: bool = False

    @property
    def connection(self) -> asyncssh.SSHClientConnection:
        """To the server itself."""
        return self.hops[-1]

    async def close(self) -> None:
        """Take leave from the far end to the near one; not for longer than GOODBYE_S."""
        self.lost = True
        for hop in reversed(self.hops):
            hop.close()
            try:
                async with asyncio.timeout(GOODBYE_S):
                    await hop.wait_closed()
            except TimeoutError:
                hop.abort()


async def connect(
    target: Target,
    credentials: Credentials,
    trust: Mapping[str, str],
    *,
    jump: str = "",
    deadline: float = CONNECT_S,
) -> SshLink:
    """Connect and log in. Raises UnreachableError, UntrustedError, LoginError, UsageError."""
    link = SshLink([], f"ssh {target}")
    try:
        async with asyncio.timeout(deadline):
            way = await _way(target, jump)
            for resolved in way[:-1]:
                await _jump(link, resolved, credentials.for_jump(), trust)
            await _hop(link, way[-1], credentials, trust)
    except TimeoutError as error:
        await link.close()
        raise as_ours(error, link.where) from error
    except BaseException:
        await link.close()
        raise
    return link


async def _way(target: Target, jump: str, depth: int = 0) -> list[Resolved]:
    """Every hop; the first jump host may have one of its own in the configuration."""
    if depth > MOST_JUMPS:
        raise UsageError(
            f"the jump hosts of {target} go round in a circle",
            where="ProxyJump",
            remedy="Correct ~/.ssh/config.",
        )
    resolved = await resolve(target, jump)
    if not resolved.jumps:
        return [resolved]
    first, *others = resolved.jumps
    before = await _way(first, "", depth + 1)
    return [*before, *[await resolve(other, "none") for other in others], resolved]


async def _jump(
    link: SshLink, resolved: Resolved, credentials: Credentials, trust: Mapping[str, str]
) -> None:
    try:
        await _hop(link, resolved, credentials, trust)
    except SmtpadminError as error:
        error.what = f"the jump host failed: {error.what}"
        raise


async def _hop(
    link: SshLink, resolved: Resolved, credentials: Credentials, trust: Mapping[str, str]
) -> None:
    """Connect to one server through the hops before it."""
    link.where = resolved.where
    check = HostKeyCheck(resolved, trust)
    client = Client(check, credentials.password, lambda _: _mark_lost(link))
    via = link.hops[-1] if link.hops else None
    arguments = await login_arguments(credentials, resolved.where)
    if via is not None or not resolved.jumps:
        arguments["tunnel"] = via
    if via is not None:
        arguments["proxy_command"] = None
    if algorithms := check.algorithms():
        arguments["server_host_key_algs"] = algorithms
    try:
        connection = await asyncssh.connect(
            **typed(resolved.target),
            **arguments,
            config=config_files(),
            known_hosts=check.known,
            client_factory=lambda: client,
            keepalive_interval=KEEPALIVE_S,
            keepalive_count_max=KEEPALIVES,
            login_timeout=CONNECT_S,
        )
    except (asyncssh.Error, OSError, ValueError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise _words(error, resolved, check, client, via) from error
    link.hops.append(connection)


def _mark_lost(link: SshLink) -> None:
    link.lost = True


def _words(
    error: Exception,
    resolved: Resolved,
    check: HostKeyCheck,
    client: Client,
    via: asyncssh.SSHClientConnection | None,
) -> SmtpadminError:
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return check.refusal()
    if isinstance(error, asyncssh.PermissionDenied):
        return client.refusal(resolved.where, error)
    host = via.get_extra_info("host", "") if via is not None else ""
    return as_ours(error, resolved.where, via=f"the jump host {host}" if host else "")
