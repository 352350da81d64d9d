"""Commands on a server over SSH: one connection, shared, a channel for each command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import TypeVar

import asyncssh

from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.profile import Profile
from smtpadmin.transport.command import MOST_OUTPUT, RUN_DEADLINE, CommandResult
from smtpadmin.transport.command_output import CommandOutput, collect, out_of_time
from smtpadmin.transport.privileges import Privileges
from smtpadmin.transport.remote_line import kill_line, remote_line, whole_command
from smtpadmin.transport.ssh_channel import CommandChannel
from smtpadmin.transport.ssh_connect import SshLink, connect
from smtpadmin.transport.ssh_errors import as_ours, why
from smtpadmin.transport.ssh_gate import Gate
from smtpadmin.transport.ssh_keeper import LinkKeeper
from smtpadmin.transport.ssh_login import credentials_of
from smtpadmin.transport.ssh_options import target_of

START_S = 30.0
"""Seconds in which a command without a deadline must at least begin."""
TERM_S = 1.0
"""Seconds that a command has to end by SIGTERM before SIGKILL."""
KILL_S = 2.0
_LOWEST_GROUP = 2
"""A process group of 0 or 1 in kill(1) is not one group: the number comes from the server."""

T = TypeVar("T")
log = logging.getLogger(__name__)


class SshRunner:
    """Runs commands on the server of a profile, each behind ``prefix``. A :class:`CommandRunner`."""

    def __init__(
        self, profile: Profile, secrets: Mapping[str, str], prefix: Sequence[str] = ()
    ) -> None:
        self._prefix = tuple(prefix)
        self._target = target_of(profile)
        self._credentials = credentials_of(profile, secrets)
        self._trust = dict(profile.trust)
        self._jump = profile.settings.get("jump", "")
        self._keeper = LinkKeeper(self._connect, f"ssh {self._target}")
        self._gate = Gate()
        self._killing = asyncio.Lock()
        self._privileges = Privileges(self._prefix)
        self._asked: SshLink | None = None

    @property
    def where(self) -> str:
        """``ssh USER@HOST``, and what commands go through."""
        return " ".join((f"ssh {self._target}", *self._prefix))

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float = RUN_DEADLINE,
        privileged: bool = False,
        most: int = MOST_OUTPUT,
    ) -> CommandResult:
        """See :class:`CommandRunner`."""
        async with self.start(
            argv, stdin=stdin, deadline=deadline, privileged=privileged
        ) as running:
            return await collect(running, self.where, most)

    @contextlib.asynccontextmanager
    async def start(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float | None = None,
        privileged: bool = False,
    ) -> AsyncIterator[CommandOutput]:
        """See :class:`CommandRunner`."""
        until = None if deadline is None else asyncio.get_running_loop().time() + deadline
        sudo = privileged and await self._needs_sudo(until)
        line = remote_line(whole_command(argv, self._prefix, sudo=sudo))
        link, command = await self._begin(line, until)
        try:
            command.feed(stdin)
            yield command.output
        finally:
            await self._end(link, command)

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

    async def _needs_sudo(self, until: float | None) -> bool:
        link = await self._in_time(self._keeper.link(), until)
        if link is not self._asked:
            self._privileges.forget()
        needed = await self._privileges.need_sudo(self.run)
        self._asked = link
        return needed

    async def _begin(self, line: bytes, until: float | None) -> tuple[SshLink, CommandChannel]:
        """Run ``line`` in a channel of its own; the caller ends it. When the server has no more
        sessions to give, after another command has ended."""
        soon = asyncio.get_running_loop().time() + START_S if until is None else until
        while True:
            await self._in_time(self._gate.enter(), soon)
            command = CommandChannel(self.where, until)
            link = None
            try:
                link = await self._in_time(self._keeper.link(), soon)
                await self._in_time(_open(link, command, line), soon)
            except asyncssh.ChannelOpenError as error:
                waits = link is not None and not link.lost and self._gate.refused()
                self._gate.leave()
                if not waits:
                    raise as_ours(error, self.where) from error
            except BaseException as error:
                await self._end(link, command)
                foreign = isinstance(error, (asyncssh.Error, OSError))
                if foreign and not isinstance(error, SmtpadminError):
                    raise as_ours(error, self.where) from error
                raise
            else:
                return link, command

    async def _end(self, link: SshLink | None, command: CommandChannel) -> None:
        """See to it that the command has ended on the server, and give its place back."""
        try:
            if link is not None and command.opened and not command.output.ended:
                command.output.drop()
                await self._kill(link, command)
        finally:
            command.close()
            self._gate.leave()

    async def _kill(self, link: SshLink, command: CommandChannel) -> None:
        """SIGTERM to the process group, then SIGKILL. What runs as root through sudo may not be
        signalled by the account: it ends when it next writes, to a closed channel."""
        await _within(TERM_S, command.known.wait())
        if command.group is None or command.group < _LOWEST_GROUP:
            return
        for name, patience in (("TERM", TERM_S), ("KILL", KILL_S)):
            if link.lost or not await self._signal(link, command.group, name):
                return
            if await _within(patience, command.closed.wait()):
                return

    async def _signal(self, link: SshLink, group: int, name: str) -> bool:
        """Whether the process group took the signal. One at a time: each needs a session."""
        killer = CommandChannel(self.where, asyncio.get_running_loop().time() + KILL_S)
        try:
            async with self._killing, asyncio.timeout(KILL_S):
                await _open(link, killer, kill_line(group, name))
                return (await killer.output.finish()).status == 0
        except (asyncssh.Error, OSError) as error:
            log.debug("SIG%s did not reach group %d: %s", name, group, why(error))
            return False
        finally:
            killer.close()

    async def _in_time(self, work: Awaitable[T], until: float | None) -> T:
        try:
            async with asyncio.timeout_at(until):
                return await work
        except TimeoutError as error:
            if isinstance(error, SmtpadminError):
                raise
            raise out_of_time(self.where) from error


async def _open(link: SshLink, command: CommandChannel, line: bytes | str) -> None:
    await link.connection.create_session(
        lambda: command,
        line,  # type: ignore[arg-type] # octets go out as they are
        encoding=None,
        env={},
        send_env=(),
        request_pty=False,
        x11_forwarding=False,
    )


async def _within(seconds: float, work: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
