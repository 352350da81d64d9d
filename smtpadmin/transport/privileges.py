"""Whether a command needs ``sudo -n``, and what to say when sudo refuses.

The account is asked once who it is (``id -u``, through the prefix: inside a container it may be
root). sudo's words are those of the C locale, sudo 1.9 (``sudo: a password is required``).
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Awaitable, Callable, Sequence

from smtpadmin.model.errors import NotPermittedError, SmtpadminError
from smtpadmin.transport.command import CommandResult
from smtpadmin.transport.remote_line import changes_user, kill_inside

_ASKS = (
    b"sudo: a password is required",
    b"sudo: a terminal is required",
    b"sudo: no tty present",
    b"sudo: sorry, you must have a tty",
    b"sudo: interactive authentication is required",
)
_REFUSES = (b"is not in the sudoers file", b"is not allowed to execute", b"may not run sudo")
_MISSING = (
    b"sudo: not found",
    b"sudo: command not found",
    b"'sudo': No such file",
    b"sudo: No such file",
)

KILL_INSIDE_S = 3.0
log = logging.getLogger(__name__)

Run = Callable[..., Awaitable[CommandResult]]


class Privileges:
    """What an account may do by itself behind a prefix; remembers the answer."""

    def __init__(self, prefix: Sequence[str]) -> None:
        self._prefix = tuple(prefix)
        self._root: bool | None = None

    def forget(self) -> None:
        """Ask again next time: it is another connection."""
        self._root = None

    async def need_sudo(self, run: Run) -> bool:
        """Whether ``sudo -n`` must stand before what needs root. Raises what ``run`` raises."""
        if self._root is None:
            answer = await run(("id", "-u"), most=1_000)
            if answer.status == 0:
                self._root = answer.stdout.strip() == b"0" or changes_user(self._prefix)
            else:
                self._root = changes_user(self._prefix)
        return not self._root


async def end_inside(run: Run, number: int) -> None:
    """End a process that a command left in a container; a failure is nobody's business any more."""
    try:
        await run(kill_inside(number), deadline=KILL_INSIDE_S)
    except SmtpadminError as error:
        log.debug("process %d in the container may still run: %s", number, error)


def sudo_refused(result: CommandResult) -> bool:
    """Whether it was sudo that ended the command: it wants a password, or there is no rule."""
    if result.status == 0:
        return False
    return any(words in result.stderr for words in (*_ASKS, *_REFUSES, *_MISSING))


def sudoers_line(user: str, commands: Sequence[str]) -> str:
    """The rule that lets ``user`` run ``commands`` (full paths) as root without a password."""
    escaped = (_escape(command) for command in commands)
    return f"{_escape(user)} ALL=(root) NOPASSWD: {', '.join(escaped)}"


def check_sudo(result: CommandResult, *, where: str, user: str, commands: Sequence[str]) -> None:
    """Raise NotPermittedError with the missing sudoers line when sudo refused."""
    if not sudo_refused(result):
        return
    line = sudoers_line(user or "ACCOUNT", commands)
    raise NotPermittedError(
        "sudo does not let this account run the command without a password",
        where=where,
        remedy=f"Put this line into /etc/sudoers.d/smtpadmin (visudo -f): {line}",
        detail=shlex.join(commands),
    )


def _escape(word: str) -> str:
    return "".join(f"\\{c}" if c in ",:=\\ #" else c for c in word)
