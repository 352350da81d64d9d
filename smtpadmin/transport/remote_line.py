"""The one place where arguments become a line for a shell, and what stands before a command.

Everything is quoted by ``shlex.quote`` (POSIX ``sh``: between single quotes nothing has a meaning,
:rfc:`none` needed), so that a subject or an address stays one argument whatever it holds.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

from smtpadmin.model.errors import UsageError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where commands are looked for: a plain account's own PATH lacks the sbin folders."""
SUDO = ("sudo", "-n")
"""Never asks for a password: it fails instead."""

_CHANGES_USER = frozenset({"sudo", "doas", "su", "runuser", "setpriv", "pkexec"})


def parse_prefix(text: str) -> tuple[str, ...]:
    """The words of a command prefix as typed. Raises UsageError for an open quote."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(
            f"the command prefix cannot be read ({error})",
            where="prefix",
            remedy="Close the quote, as in: docker exec mail",
        ) from error


def changes_user(prefix: Sequence[str]) -> bool:
    """Whether a prefix runs commands as somebody else by itself."""
    return any(PurePosixPath(word).name in _CHANGES_USER for word in prefix)


def whole_command(argv: Sequence[str], prefix: Sequence[str], *, sudo: bool) -> list[str]:
    """Prefix, ``sudo -n`` and command. Raises UsageError for what no command can be given."""
    command = [*prefix, *(SUDO if sudo else ()), *argv]
    if not argv or not argv[0] or any("\0" in word for word in command):
        raise UsageError("an empty command or a NUL in an argument cannot be run", where="command")
    return command
