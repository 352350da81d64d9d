"""The sudoers drop-in that gives an account just what smtpadmin needs.

Source: sudoers(5). A rule names the full path and the arguments as they will be run. Where an ID or
a rotated log's suffix varies, ``*`` stands, which also matches blanks, slashes and options; so the
rule behind it takes back everything that holds another character (the last matching rule counts).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smtpadmin.model.errors import UsageError

FILE = "/etc/sudoers.d/smtpadmin"

_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?")
_SPECIAL = re.compile(r"([\\,:=*?\[\]])")
_WRITABLE = re.compile(r"[0-9A-Za-z/._@%+~,:=*?\[\]\\-]+")
_ALLOWED = re.compile(r"[0-9A-Za-z.-]*")
LETTERS_AND_DIGITS = "0-9A-Za-z"
FILE_SUFFIX = "0-9A-Za-z.-"


@dataclass(frozen=True, slots=True)
class SudoRule:
    """A command with its arguments. ``then`` are the characters (as in ``[…]``) of one more
    argument that varies, or, when ``glued``, of what follows the last one; ``first`` are those that
    it may begin with, when fewer (an ID that may hold ``-`` must not become an option); ``many``
    lets more such arguments follow; ``why`` is a comment."""

    command: Sequence[str]
    then: str = ""
    glued: bool = False
    why: str = ""
    first: str = ""
    many: bool = False


def rule_line(account: str, *rules: SudoRule) -> str:
    """One line of the file. Raises UsageError for what cannot be written there.

    >>> rule_line("ops", SudoRule(("/usr/sbin/postcat", "-q"), LETTERS_AND_DIGITS))
    'ops ALL=(root) NOPASSWD: /usr/sbin/postcat -q [0-9A-Za-z]*, !/usr/sbin/postcat -q ?*[!0-9A-Za-z]*'
    """
    if not _ACCOUNT.fullmatch(account):
        raise UsageError(
            f"{account!r} is not an account name that sudoers can hold",
            remedy="Name the account of the server profile.",
        )
    return f"{account} ALL=(root) NOPASSWD: {', '.join(map(_commands, rules))}"


def drop_in(account: str, rules: Iterable[SudoRule]) -> str:
    """The whole file, for ``visudo -cf`` and then :data:`FILE` with mode 0440. Raises UsageError."""
    lines = [
        f"# {FILE} (mode 0440): what smtpadmin runs as root for {account}.",
        "# Check it before it is put there: visudo -cf FILE",
    ]
    for rule in rules:
        if rule.why:
            lines.append("# " + " ".join(rule.why.split()))
        lines.append(rule_line(account, rule))
    return "\n".join(lines) + "\n"


def _commands(rule: SudoRule) -> str:
    command = _words(rule.command)
    if not rule.then:
        return command if rule.command[1:] else f'{command} ""'
    if not _ALLOWED.fullmatch(rule.then) or not _ALLOWED.fullmatch(rule.first):
        raise UsageError("these characters cannot stand in brackets of sudoers")
    gap = "" if rule.glued else " "
    blank = r"\ " if rule.many else ""
    first = rule.first or rule.then
    return f"{command}{gap}[{first}]*, !{command}{gap}?*[!{blank}{rule.then}]*"


def _words(command: Sequence[str]) -> str:
    if not command or not command[0].startswith("/"):
        raise UsageError("sudoers needs the full path of a command")
    for word in command:
        if not _WRITABLE.fullmatch(word):
            raise UsageError(f"{word!r} cannot stand in a rule of sudoers")
    return " ".join(_SPECIAL.sub(r"\\\1", word) for word in command)
