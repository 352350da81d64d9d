"""Running Exim's one command: where it is, what the account may do with it, what its refusal means.

Most options want an administrator of Exim: root, the Exim user, or a member of its group or of
``admin_groups``. It is tried without help first, then by ``sudo -n``; the first answer is kept.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from smtpadmin.formats.exim_actions import is_permission_denied
from smtpadmin.formats.exim_config import EximBuild, parse_build, parse_options
from smtpadmin.formats.sudoers import FILE, LETTERS_AND_DIGITS, SudoRule, rule_line
from smtpadmin.model.errors import NotPermittedError, ProtocolError, UnreachableError
from smtpadmin.transport.command import (
    MOST_OUTPUT,
    RUN_DEADLINE,
    CommandResult,
    CommandRunner,
    RunningCommand,
)
from smtpadmin.transport.privileges import sudo_refused, sudoers_line
from smtpadmin.util.text import decode_line, visible

PLACES = (
    "/usr/sbin/exim4",
    "/usr/sbin/exim",
    "/usr/local/sbin/exim",
    "/usr/exim/bin/exim",
    "exim",
    "exim4",
)
"""Where systems have it: Debian; Red Hat, SUSE and cPanel; FreeBSD; Exim's own default."""

NOBODYS_ID = "000000-000000-00"
"""An ID that no message has: asking for its log tells whether the account is an administrator."""

ADMIN_OPTIONS: Mapping[tuple[str, ...], bool] = {
    ("-bp",): True,
    ("-Mvh",): False,
    ("-Mvb",): False,
    ("-Mvl",): False,
    ("-v", "-M"): True,
    ("-Mf",): True,
    ("-Mt",): True,
    ("-Mg",): True,
    ("-Mrm",): True,
}
"""What is run with IDs behind it, and whether with several: Exim takes nothing but IDs behind those,
and would read options behind the ID of the others."""

_ID = f"{LETTERS_AND_DIGITS}-"
_NOT_FOUND = 127
_MOST_ANSWER = 1024 * 1024


class Rights(enum.Enum):
    """How the account becomes an administrator of Exim, if at all."""

    OWN = "by itself"
    SUDO = "by sudo"
    NONE = "not at all"


@dataclass(frozen=True, slots=True)
class EximPlace:
    """What the profile says of this Exim: its program, a configuration file other than the
    compiled-in one (``-C``), and a named queue (``-qG``)."""

    binary: str = ""
    config: str = ""
    queue: str = ""
    account: str = ""


class EximCommands:
    """Exim on one server."""

    def __init__(self, runner: CommandRunner, place: EximPlace) -> None:
        self.runner = runner
        self.place = place
        self._binary = place.binary
        self._build: EximBuild | None = None
        self._rights: Rights | None = None

    @property
    def shown(self) -> str:
        """The command as people read it, before its options."""
        queue = [f"-qG{self.place.queue}"] if self.place.queue else []
        return " ".join([self._binary or "exim", *self._config(), *queue])

    def _config(self) -> list[str]:
        return ["-C", self.place.config] if self.place.config else []

    def _in_queue(self, args: Sequence[str]) -> list[str]:
        """With the named queue, which stands behind ``-bp`` and before ``-M…``: Exim takes it
        nowhere else (measured on 4.96)."""
        if not self.place.queue:
            return list(args)
        queue = f"-qG{self.place.queue}"
        return [args[0], queue, *args[1:]] if args[0].startswith("-bp") else [queue, *args]

    async def build(self) -> EximBuild:
        """Version and features; finds the program. Raises UnreachableError when there is none."""
        if self._build is None:
            for binary in [self._binary] if self._binary else PLACES:
                argv = [binary, *self._config(), "-bV"]
                result = await self.runner.run(argv, most=_MOST_ANSWER)
                if result.status == _NOT_FOUND:
                    continue
                self._build = self._parsed(result)
                self._binary = binary
                break
            else:
                raise UnreachableError(
                    f"Exim was not found ({', '.join([self._binary] if self._binary else PLACES)})",
                    where=self.runner.where,
                    remedy="Name its program in the server's setting 'binary'.",
                )
        return self._build

    def _parsed(self, result: CommandResult) -> EximBuild:
        build = parse_build(text_of(result.stdout))
        if not build.version:
            said = visible(text_of(result.stderr or result.stdout).strip(), 300)
            raise ProtocolError(
                f"this is not Exim, or it does not start: {said or 'no answer'}",
                where=self.runner.where,
                remedy="Check the settings 'binary' and 'config'.",
            )
        return build

    async def argv(self, args: Sequence[str], *, in_queue: bool = True) -> list[str]:
        """The whole command; ``in_queue`` for what is about messages of the queue."""
        await self.build()
        return [self._binary, *self._config(), *(self._in_queue(args) if in_queue else args)]

    async def rights(self) -> Rights:
        """Asked once: shows the log of a message that does not exist."""
        if self._rights is None:
            argv = await self.argv(["-Mvl", NOBODYS_ID])
            own = await self.runner.run(argv, most=_MOST_ANSWER)
            if not is_permission_denied(both(own)):
                self._rights = Rights.OWN
                return self._rights
            sudo = await self.runner.run(argv, privileged=True, most=_MOST_ANSWER)
            denied = sudo_refused(sudo) or is_permission_denied(both(sudo))
            self._rights = Rights.NONE if denied else Rights.SUDO
        return self._rights

    async def demand_rights(self) -> bool:
        """Whether sudo is needed for what wants an administrator. Raises NotPermittedError."""
        rights = await self.rights()
        if rights is Rights.NONE:
            raise self.not_permitted()
        return rights is Rights.SUDO

    async def lists_by_sudo(self) -> bool:
        """Whether listing needs sudo. Where ``queue_list_requires_admin`` is off anybody may list —
        but not with ``-C``: Exim then gives up its rights, cannot look into its spool and shows an
        empty queue without a word (measured on 4.96). Raises NotPermittedError."""
        rights = await self.rights()
        if rights is Rights.NONE and self.place.config:
            raise self.not_permitted()
        return rights is Rights.SUDO

    def not_permitted(self, what: str = "") -> NotPermittedError:
        """What to say to an account that is no administrator: with what makes it one."""
        return NotPermittedError(
            what or "this account is no administrator of Exim",
            where=self.runner.where,
            remedy=f"Add the account to Exim's group, or put this line into {FILE} (visudo -f):"
            f" {self.sudoers()}",
        )

    def not_permitted_to_put_back(self) -> NotPermittedError:
        """Putting a message back takes addresses as they come, which no rule can hold in check."""
        whole = sudoers_line(self._account, [self._path])
        return NotPermittedError(
            "sudo does not let this account put a message back into Exim",
            where=self.runner.where,
            remedy=f"That needs all of Exim, which is as good as root: {whole}",
        )

    @property
    def _account(self) -> str:
        return self.place.account or "ACCOUNT"

    @property
    def _path(self) -> str:
        return self._binary if self._binary.startswith("/") else f"/usr/sbin/{self._binary}"

    def sudoers(self) -> str:
        """The line that lets the account list, look and act, and no more."""
        command = (self._path, *self._config())
        rules = [SudoRule((*command, *self._in_queue([option]))) for option in ("-bpr", "-bpc")]
        for options, many in ADMIN_OPTIONS.items():
            words = (*command, *self._in_queue(options))
            rules.append(SudoRule(words, _ID, first=LETTERS_AND_DIGITS, many=many))
        return rule_line(self._account, *rules)

    async def run(
        self,
        args: Sequence[str],
        *,
        admin: bool = True,
        in_queue: bool = True,
        stdin: bytes = b"",
        deadline: float = RUN_DEADLINE,
        most: int = MOST_OUTPUT,
    ) -> CommandResult:
        """Run Exim to its end; ``admin`` for what wants an administrator."""
        argv = await self.argv(args, in_queue=in_queue and admin)
        sudo = await self.demand_rights() if admin else False
        result = await self.runner.run(
            argv, stdin=stdin, deadline=deadline, privileged=sudo, most=most
        )
        if sudo and sudo_refused(result):
            raise self.not_permitted(f"sudo does not let this account run exim {args[0]}")
        return result

    @contextlib.asynccontextmanager
    async def start(
        self, args: Sequence[str], *, sudo: bool, in_queue: bool
    ) -> AsyncIterator[RunningCommand]:
        """Run Exim and read as it comes."""
        argv = await self.argv(args, in_queue=in_queue)
        async with self.runner.start(argv, privileged=sudo) as running:
            yield running

    async def options(self, names: Sequence[str]) -> dict[str, str]:
        """Values of the configuration, as far as this account may see them."""
        result = await self.run(["-bP", *names], admin=False, most=_MOST_ANSWER)
        return parse_options(text_of(result.stdout))


def text_of(data: bytes) -> str:
    """Output as text, octets that are no UTF-8 as ``\\xNN``."""
    return decode_line(data)


def both(result: CommandResult) -> str:
    """What a command said: Exim answers on either stream."""
    return f"{text_of(result.stdout)}\n{text_of(result.stderr)}"
