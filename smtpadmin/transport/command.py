"""How a command is run on a server: the one interface of ``local``, ``ssh`` and ``scripted``.

A runner takes arguments, never a shell line, so that a queue ID or an address can not become a
command. What the profile puts before every command (``docker exec mail``, ``ip netns exec x``) is
the runner's business, and so is ``sudo -n`` for what needs more than the account may do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

MOST_OUTPUT = 64 * 1024 * 1024
"""Octets of standard output that :meth:`CommandRunner.run` keeps unless told otherwise."""

RUN_DEADLINE = 30.0
"""Seconds for a whole command unless told otherwise."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command left. ``status`` is its exit status, negative the signal that ended it."""

    status: int
    stdout: bytes
    stderr: bytes


class RunningCommand(Protocol):
    """A command whose output arrives."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Standard output as it comes, until the command ends it."""
        ...

    async def finish(self) -> CommandResult:
        """Wait for the end; ``stdout`` is empty, ``stderr`` is what it said (capped)."""
        ...


class CommandRunner(Protocol):
    """Runs commands on one server.

    Every method raises UnreachableError (TotalDeadlineError when time is up), LoginError or
    UntrustedError; an exit status other than 0 is no error here, the caller knows what it means.
    A command that does not exist gives status 127.
    """

    @property
    def where(self) -> str:
        """Where the commands run, in words: ``local``, ``ssh mailadmin@mx1.example.org``."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float = RUN_DEADLINE,
        privileged: bool = False,
        most: int = MOST_OUTPUT,
    ) -> CommandResult:
        """Run to the end. ``privileged`` puts ``sudo -n`` before it unless the account is root.
        Output past ``most`` octets raises ProtocolError."""
        ...

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float | None = None,
        privileged: bool = False,
    ) -> AbstractAsyncContextManager[RunningCommand]:
        """Run and read as it comes; leaving the context ends the command on the server too."""
        ...

    async def close(self) -> None:
        """Give up the connection; may be called twice."""
        ...
