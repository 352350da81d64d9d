"""The one place where arguments become a line for a shell, and what stands before a command.

sshd hands the line to the account's login shell, which may be no POSIX shell: in fish a backslash
before a quote escapes it, csh knows ``!`` and no line feed between quotes. So what that shell reads
is only ``exec /bin/sh -c`` and words between single quotes; words with other characters than those
that all shells read alike are spelled in octal, and put together again by ``/bin/sh`` itself.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

from smtpadmin.model.errors import UsageError
from smtpadmin.transport.group_mark import GROUP_MARK, INSIDE_MARK

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where commands are looked for: a plain account's own PATH lacks the sbin folders."""
SUDO = ("sudo", "-n")
"""Never asks for a password: it fails instead."""

MOST_LINE = 120_000
"""Octets of a line: Linux takes 131,071 in one argument (``MAX_ARG_STRLEN``, execve(2))."""

_TOLD = f"echo {GROUP_MARK.decode()}$$"
_BEGIN = f"{_TOLD};{_TOLD} >&2;export LC_ALL=C PATH={PATH};"
_RUN = f'{_BEGIN}exec "$@"'
_SPELLED = 'eval "$(printf %b "$1")"'
_ALIKE = re.compile(rb"[A-Za-z0-9 @%+=:,./_^~#&*()\[\]{}<>|;?$\"`-]*")
"""Octets that every shell leaves alone between single quotes."""

_ENTERS = frozenset(
    {"docker", "podman", "nerdctl", "kubectl", "oc", "crictl", "lxc", "incus", "lxc-attach"}
)
"""What runs a command through a service: killing the client leaves the command alone."""
_INSIDE = f'echo {INSIDE_MARK.decode()}$$ >&2;export LC_ALL=C PATH="{PATH}:$PATH";exec "$@"'
_KILL_INSIDE = (
    "kill -s TERM -- -$1 $1;for i in 1 2 3 4 5;do kill -0 $1||exit 0;sleep 0.1;done;"
    "kill -s KILL -- -$1 $1"
)
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


def enters_container(prefix: Sequence[str]) -> bool:
    """Whether a prefix runs commands in a container, where they outlive the client that asked."""
    return any(PurePosixPath(word).name in _ENTERS for word in prefix)


def kill_inside(number: int) -> list[str]:
    """The command, to be given the same prefix, that ends a process in a container."""
    return ["sh", "-c", _KILL_INSIDE, "sh", str(number)]


def whole_command(argv: Sequence[str], prefix: Sequence[str], *, sudo: bool) -> list[str]:
    """Prefix, ``sudo -n`` and command. In a container a shell stands before it that tells its
    process by :data:`INSIDE_MARK`. Raises UsageError for what no command can be given."""
    inside = ("sh", "-c", _INSIDE, "sh") if enters_container(prefix) else ()
    command = [*prefix, *inside, *(SUDO if sudo else ()), *argv]
    if (
        not argv
        or not argv[0]
        or argv[0].startswith("-")
        or command[0].startswith("-")
        or any("\0" in w for w in command)
    ):
        raise UsageError(
            "an empty command, or one that begins with a dash or holds a NUL, cannot be run",
            where="command",
        )
    return command


def remote_line(command: Sequence[str]) -> bytes:
    """The line that runs ``command`` through any login shell, in the C locale and with ``PATH``.

    Its output begins with :data:`GROUP_MARK`. Raises UsageError when it is too long; many ids belong
    on standard input.
    """
    words = [os.fsencode(word) for word in command]
    if all(_ALIKE.fullmatch(word) for word in words):
        line = b"exec /bin/sh -c '%s' sh %s" % (
            _RUN.encode(),
            b" ".join(map(_between_quotes, words)),
        )
    else:
        script = _BEGIN.encode() + b"exec " + os.fsencode(shlex.join(command))
        line = b"exec /bin/sh -c '%s' sh '%s'" % (_SPELLED.encode(), _octal(script))
    if len(line) > MOST_LINE:
        raise _too_long(command)
    return line


SHELL_LINE = f"exec /bin/sh -c '{_BEGIN}exec /bin/sh'".encode("ascii")
"""Starts a shell that reads :func:`shell_script`; its output begins with :data:`GROUP_MARK`."""


def shell_script(command: Sequence[str], token: bytes) -> bytes:
    """What makes a waiting ``/bin/sh`` run ``command`` without input. ``token`` (letters and digits
    that the output cannot know), a space, the exit status and a line feed then end its standard
    output, the token and a line feed its standard error. Raises UsageError when it is too long."""
    words = os.fsencode(shlex.join(command))
    if len(words) > MOST_LINE:
        raise _too_long(command)
    # A subshell that execs: no name is a builtin then, and no command changes the shell itself.
    return b"(exec %s)</dev/null;printf '%%s %%d\\n' %s $?;echo %s >&2\n" % (words, token, token)


def _too_long(command: Sequence[str]) -> UsageError:
    return UsageError(
        "the command line is too long", where=command[0], remedy="Choose fewer at a time."
    )


def _between_quotes(word: bytes) -> bytes:
    return b"'" + word + b"'"


def _octal(script: bytes) -> bytes:
    r"""For ``printf %b``: ``\0ooo`` for what shells do not read alike."""
    return b"".join(
        bytes((octet,)) if _ALIKE.fullmatch(bytes((octet,))) else b"\\0%03o" % octet
        for octet in script
    )


def kill_line(group: int, name: str) -> bytes:
    """The line that sends signal ``name`` (``TERM``) to a process group on the server."""
    return f"exec /bin/sh -c 'kill -s {name} -- -{group} 2>/dev/null'".encode("ascii")
