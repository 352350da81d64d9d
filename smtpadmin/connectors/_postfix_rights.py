"""What the account may do on a Postfix server, and the sudoers rules for what it may not.

Any account may list and flush; ``postsuper``, ``postcat`` and often the log are root's. Rights are
tried with commands that change nothing: ``postsuper -h -`` with no ID on standard input.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from smtpadmin.connectors._postfix_commands import PostfixCommands
from smtpadmin.connectors._postfix_log import LogPlace
from smtpadmin.formats.sudoers import (
    FILE,
    FILE_SUFFIX,
    LETTERS_AND_DIGITS,
    SudoRule,
    drop_in,
    rule_line,
)
from smtpadmin.model.errors import UsageError
from smtpadmin.transport.command import CommandResult
from smtpadmin.transport.privileges import sudo_refused
from smtpadmin.util.text import decode_line

POSTSUPER_OPTIONS = ("-d", "-h", "-H", "-r", "-f")
_NO_SUCH_ID = "000000000000"
"""Well-formed and never in a queue: trying postcat with it reads nothing."""

_MOST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Rights:
    """``account`` is its name there; ``root`` when it is root already."""

    account: str = ""
    root: bool = False
    postsuper: bool = True
    postcat: bool = True

    def __str__(self) -> str:
        if self.root:
            return "root: everything"
        may = [
            word
            for word, allowed in (("act (sudo postsuper)", self.postsuper),
                                  ("read messages (sudo postcat)", self.postcat))
            if allowed
        ]  # fmt: skip
        return ", ".join((f"{self.account or 'plain account'}: list, retry", *may))


async def find_rights(commands: PostfixCommands) -> Rights:
    """Ask the server. Raises what running commands raises."""
    run = commands.runner.run
    account = decode_line((await run(("id", "-un"), most=_MOST)).stdout).strip()
    if (await run(("id", "-u"), most=_MOST)).stdout.strip() == b"0":
        return Rights(account, root=True)
    if (await run(("sudo", "-n", "-l"), most=_MOST)).status != 0:
        # Without any rule each refused try would be reported to root by mail.
        return Rights(account, postsuper=False, postcat=False)
    postsuper, postcat = await asyncio.gather(
        commands.run("postsuper", "-h", "-", privileged=True),
        commands.run("postcat", "-q", _NO_SUCH_ID, privileged=True),
    )
    return Rights(account, postsuper=_may(postsuper), postcat=_may(postcat))


def _may(result: CommandResult) -> bool:
    refused = sudo_refused(result) or b"ermission denied" in result.stderr
    return not refused and b"reserved for the superuser" not in result.stderr


def postsuper_rules(commands: PostfixCommands, folder: str) -> list[SudoRule]:
    """For acting: IDs come on standard input, so the arguments never vary."""
    return [
        SudoRule(_full(folder, commands.argv("postsuper", option, "-")),
                 why="hold, release, requeue, bounce, delete" if option == "-d" else "")
        for option in POSTSUPER_OPTIONS
    ]  # fmt: skip


def postcat_rule(commands: PostfixCommands, folder: str) -> SudoRule:
    """For reading messages, and for the copies that are kept before anything is deleted."""
    return SudoRule(
        _full(folder, commands.argv("postcat", "-q")), LETTERS_AND_DIGITS, why="read messages"
    )


def log_rules(place: LogPlace) -> list[SudoRule]:
    """For reading and following the log, where no group gives that right."""
    if place.kind == "journal":
        units = [word for unit in place.units for word in ("-u", unit)]
        command = ("/usr/bin/journalctl", "--no-pager", "-q", "-o", "json", *units, "-f", "-n", "0")
        return [SudoRule(command, why="follow the log; to read it: group systemd-journal")]
    if place.kind != "file":
        return []
    return [
        SudoRule(("/usr/bin/tail", "-n", "0", "-F", "--", place.path), why="the log"),
        SudoRule(("/usr/bin/cat", "--", place.path)),
        SudoRule(("/usr/bin/cat", "--", place.path), FILE_SUFFIX, glued=True),
        SudoRule(("/usr/bin/gzip", "-cd", "--", place.path), FILE_SUFFIX, glued=True),
    ]


def missing_rules(commands: PostfixCommands, folder: str, rights: Rights, place: LogPlace | None) -> list[SudoRule]:  # fmt: skip
    """What the account lacks, as rules."""
    rules: list[SudoRule] = []
    if not rights.postsuper:
        rules += postsuper_rules(commands, folder)
    if not rights.postcat:
        rules.append(postcat_rule(commands, folder))
    if place is not None and not place.readable:
        rules += log_rules(place)
    return rules


def remedy(account: str, rules: Sequence[SudoRule]) -> str:
    """Where the rules go, on one line; empty without rules."""
    if not rules:
        return ""
    try:
        line = rule_line(account or "ACCOUNT", *rules)
    except UsageError as error:
        return f"Give the account these rights ({error.what})."
    return f"Put into {FILE}, with visudo: {line}"


def sudoers_file(account: str, rules: Sequence[SudoRule]) -> str:
    """The drop-in as it has to be. Raises UsageError for an account that cannot be written."""
    return drop_in(account, rules)


def _full(folder: str, command: Sequence[str]) -> tuple[str, ...]:
    return (f"{folder.rstrip('/') or '/usr/sbin'}/{command[0]}", *command[1:])
