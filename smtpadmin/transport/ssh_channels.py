"""Channels of one server's connection: opened within its limits, ended for good on the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import asyncssh

from smtpadmin.model.errors import SmtpadminError
from smtpadmin.transport.command_output import out_of_time
from smtpadmin.transport.remote_line import SHELL_LINE, kill_line, remote_line
from smtpadmin.transport.ssh_channel import CommandChannel
from smtpadmin.transport.ssh_connect import SshLink
from smtpadmin.transport.ssh_errors import as_ours, why
from smtpadmin.transport.ssh_gate import Gate
from smtpadmin.transport.ssh_keeper import LinkKeeper
from smtpadmin.transport.ssh_shell import ShellChannel

START_S = 30.0
"""Seconds in which a command without a deadline must at least begin."""
TERM_S, KILL_S = 1.0, 2.0
"""Seconds that a command has to be gone after SIGTERM, and after SIGKILL."""
MOST_IDLE = 3
"""Standing shells that wait for a command; each is one of the server's sessions."""
_RELEASE_S = (0.1, 0.02)
"""Waits before a refusal is believed, the last first: sshd frees a session a moment after it has
closed the channel."""

C = TypeVar("C", bound=CommandChannel)
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Tries:
    """What was tried to open one channel."""

    waits: list[float] = field(default_factory=lambda: list(_RELEASE_S))
    lost: bool = False


class Channels:
    """Opens channels over the link that ``keeper`` keeps. ``where`` is for errors."""

    def __init__(self, keeper: LinkKeeper, where: str) -> None:
        self._keeper = keeper
        self._where = where
        self._gate = Gate()
        self._killing = asyncio.Lock()
        self._idle: list[tuple[SshLink, ShellChannel]] = []

    async def link(self, until: float | None) -> SshLink:
        """The open link, before ``until`` by the loop's clock."""
        return await self.in_time(self._keeper.link(), until)

    async def begin(
        self, command: Sequence[str], stdin: bytes, until: float | None
    ) -> tuple[SshLink, CommandChannel]:
        """Run a command, without input in a standing shell; :meth:`end` it afterwards."""
        if not stdin:
            return await self._begin_in_shell(command, until)
        line = remote_line(command)
        link, channel = await self._open(lambda: CommandChannel(self._where, until), line, until)
        channel.feed(stdin)
        return link, channel

    async def _begin_in_shell(
        self, command: Sequence[str], until: float | None
    ) -> tuple[SshLink, ShellChannel]:
        link, shell = await self._open(
            lambda: ShellChannel(self._where, until), SHELL_LINE, until, reuse=self._waiting_shell
        )
        try:
            shell.begin(command, until)
        except BaseException:
            await self.end(link, shell)
            raise
        return link, shell

    async def end(self, link: SshLink | None, channel: CommandChannel) -> None:
        """See to it that the command has ended on the server, and give its place back. A shell
        whose command is done waits for the next."""
        try:
            if link is None or not channel.opened:
                return
            if isinstance(channel, ShellChannel) and channel.idle and not link.lost:
                channel.output.drop()
                self._idle.append((link, channel))
                await self._thin_out(MOST_IDLE)
                return
            if not channel.output.ended:
                channel.output.drop()
                await self._kill(link, channel)
            channel.close()
        finally:
            self._gate.leave()

    async def in_time(self, work: Awaitable[T], until: float | None) -> T:
        """Wait for ``work``; raises TotalDeadlineError when time is up."""
        try:
            async with asyncio.timeout_at(until):
                return await work
        except TimeoutError as error:
            if isinstance(error, SmtpadminError):
                raise
            raise out_of_time(self._where) from error

    async def _open(
        self,
        make: Callable[[], C],
        line: bytes,
        until: float | None,
        reuse: Callable[[SshLink], C | None] = lambda _: None,
    ) -> tuple[SshLink, C]:
        """A channel that runs ``line``, or one to be used again. When the server has no more
        sessions to give: after another command has ended."""
        soon = asyncio.get_running_loop().time() + START_S if until is None else until
        tries = _Tries()
        while True:
            await self.in_time(self._gate.enter(), soon)
            channel, link = make(), None
            try:
                link = await self.link(soon)
                if (waiting := reuse(link)) is not None:
                    return link, waiting
                await self._thin_out(self._gate.limit - self._gate.inside)
                await self.in_time(_start(link, channel, line), soon)
                return link, channel
            except BaseException as error:
                others = len(self._idle)
                await self.end(link, channel)
                if not isinstance(error, asyncssh.Error | OSError):
                    raise
                if isinstance(error, SmtpadminError) or link is None:
                    raise
                if not await self._again(error, link, channel, tries, others):
                    raise as_ours(error, self._where) from error

    async def _again(
        self, error: Exception, link: SshLink, channel: CommandChannel, tries: _Tries, others: int
    ) -> bool:
        """Whether to try once more, after the wait that it takes."""
        if link.lost or link.connection.is_closed():
            link.lost = True
            # It broke unnoticed, and the command was not begun: once, on a new connection.
            first, tries.lost = not tries.lost, True
            return first and not channel.opened
        if not isinstance(error, asyncssh.ChannelOpenError):
            return False
        if tries.waits:
            await asyncio.sleep(tries.waits.pop())
            return True
        return self._gate.refused(others)

    def _waiting_shell(self, link: SshLink) -> ShellChannel | None:
        while self._idle:
            of, shell = self._idle.pop()
            if of is link and shell.idle:
                return shell
            shell.close()
        return None

    async def _thin_out(self, most: int) -> None:
        """End waiting shells, the one that waited longest first, until ``most`` are left."""
        while self._idle and len(self._idle) > most:
            _, shell = self._idle.pop(0)
            shell.close()
            await _within(TERM_S, shell.closed.wait())

    async def _kill(self, link: SshLink, channel: CommandChannel) -> None:
        """SIGTERM to the process group, then SIGKILL. What runs as root through sudo may not be
        signalled by the account: it ends when it next writes, to a closed channel."""
        await _within(TERM_S, channel.known.wait())
        if channel.group is None:
            return
        for name, patience in (("TERM", TERM_S), ("KILL", KILL_S)):
            if link.lost or not await self._signal(link, channel.group, name):
                return
            if await _within(patience, channel.closed.wait()):
                return

    async def _signal(self, link: SshLink, group: int, name: str) -> bool:
        """Whether the process group took the signal. One at a time: each needs a session, if need
        be that of a waiting shell."""
        try:
            async with self._killing, asyncio.timeout(KILL_S):
                return await self._run_kill(link, kill_line(group, name))
        except (asyncssh.Error, OSError) as error:
            log.debug("SIG%s did not reach group %d: %s", name, group, why(error))
            return False

    async def _run_kill(self, link: SshLink, line: bytes) -> bool:
        killer = CommandChannel(self._where, None)
        try:
            await _start(link, killer, line)
            return (await killer.output.finish()).status == 0
        except asyncssh.ChannelOpenError:
            if link.lost or not self._idle:
                raise
            await self._thin_out(len(self._idle) - 1)
            return await self._run_kill(link, line)
        finally:
            killer.close()


async def _start(link: SshLink, channel: CommandChannel, line: bytes) -> None:
    await link.connection.create_session(
        lambda: channel,
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
