"""Commands on a server over SSH: one connection, shared, a channel for each command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import asyncssh

from smtpadmin.model.profile import Profile
from smtpadmin.transport.command_output import (
    CommandOutput,
    RunsToTheEnd,
    in_container,
    left_inside,
)
from smtpadmin.transport.privileges import Privileges, end_inside
from smtpadmin.transport.remote_line import enters_container, whole_command
from smtpadmin.transport.ssh_channels import START_S, Channels
from smtpadmin.transport.ssh_connect import SshLink, connect
from smtpadmin.transport.ssh_errors import as_ours
from smtpadmin.transport.ssh_keeper import LinkKeeper
from smtpadmin.transport.ssh_login import credentials_of
from smtpadmin.transport.ssh_options import target_of


class SshRunner(RunsToTheEnd):
    """Runs commands on the server of a profile, each behind ``prefix``. A :class:`CommandRunner`."""

    def __init__(
        self, profile: Profile, secrets: Mapping[str, str], prefix: Sequence[str] = ()
    ) -> None:
        self._prefix = tuple(prefix)
        self._container = enters_container(self._prefix)
        self._target = target_of(profile)
        self._credentials = credentials_of(profile, secrets)
        self._trust = dict(profile.trust)
        self._jump = profile.settings.get("jump", "")
        self._keeper = LinkKeeper(self._connect, f"ssh {self._target}")
        self._channels = Channels(self._keeper, self.where)
        self._privileges = Privileges(self._prefix)
        self._asked: SshLink | None = None

    @property
    def where(self) -> str:
        """``ssh USER@HOST``, and what commands go through."""
        return " ".join((f"ssh {self._target}", *self._prefix))

    @contextlib.asynccontextmanager
    async def start(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float | None = None,
        privileged: bool = False,
    ) -> AsyncIterator[CommandOutput]:
        """See :class:`CommandRunner`. Without input it goes through a standing shell, where a
        status above 128 counts as the signal that sh(1) means by it."""
        until = None if deadline is None else asyncio.get_running_loop().time() + deadline
        command = await self._whole(argv, privileged, until)
        link, channel = await self._channels.begin(command, stdin, until)
        output = in_container(channel.output) if self._container else channel.output
        try:
            yield output
        finally:
            left = left_inside(output)
            await self._channels.end(link, channel)
            if left is not None:
                await end_inside(self.run, left)

    async def open_connection(
        self, host: str, port: int, *, deadline: float = START_S
    ) -> tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]:
        """A TCP connection from the server to ``host`` and ``port`` (direct-tcpip, RFC 4254, 7.2).
        Raises UnreachableError."""
        try:
            async with asyncio.timeout(deadline):
                link = await self._keeper.link()
                return await link.connection.open_connection(host, port, encoding=None)
        except (asyncssh.Error, OSError) as error:
            raise as_ours(error, f"{host}:{port}", via=self.where) from error

    async def close(self) -> None:
        """Give up the connection; may be called twice."""
        await self._keeper.close()

    async def _connect(self) -> SshLink:
        return await connect(self._target, self._credentials, self._trust, jump=self._jump)

    async def _whole(self, argv: Sequence[str], privileged: bool, until: float | None) -> list[str]:
        sudo = privileged and await self._needs_sudo(until)
        return whole_command(argv, self._prefix, sudo=sudo)

    async def _needs_sudo(self, until: float | None) -> bool:
        link = await self._channels.link(until)
        if link is not self._asked:
            self._privileges.forget()
        needed = await self._channels.in_time(self._privileges.need_sudo(self.run), until)
        self._asked = link
        return needed
