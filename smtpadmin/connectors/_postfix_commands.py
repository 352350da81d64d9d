"""Postfix's commands for one instance: what they are called with, and what their refusals mean.

Sources: postqueue(1), postsuper(1), postcat(1), sendmail(1), sysexits(3). Postfix says why on
stderr, in English whatever the locale.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath

from smtpadmin.connectors.api import FieldType, SettingField
from smtpadmin.formats.postfix_config import PostfixInstance, parse_postconf, parse_postmulti
from smtpadmin.model.errors import (
    NotPermittedError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    UnreachableError,
    UsageError,
)
from smtpadmin.model.profile import Profile
from smtpadmin.transport.command import RUN_DEADLINE, CommandResult, CommandRunner
from smtpadmin.transport.privileges import sudo_refused
from smtpadmin.util.text import decode_line, visible

INSTANCE = SettingField(
    "instance",
    "Instance",
    FieldType.TEXT,
    help="name or configuration directory; the main instance when empty",
)

WANTED = [
    "mail_version",
    "myhostname",
    "config_directory",
    "queue_directory",
    "command_directory",
    "sendmail_path",
    "maillog_file",
    "empty_address_recipient",
    "enable_long_queue_ids",
    "maximal_queue_lifetime",
    "bounce_queue_lifetime",
    "minimal_backoff_time",
    "maximal_backoff_time",
    "message_size_limit",
    "relayhost",
    "smtpd_tls_security_level",
    "smtp_tls_security_level",
    "multi_instance_name",
    "soft_bounce",
    "defer_transports",
]
"""Settings that are asked for once a connection."""

_NOT_FOUND, _NO_PERMISSION = 127, 77
_MOST_SETTINGS = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_DENIED = (
    "reserved for the superuser",
    "Permission denied",
    "permission denied",
    "is not allowed to view the mail queue",
    "is not allowed to flush the mail queue",
    "unauthorized configuration directory",
)
_DOWN = ("mail system is down", "Queue report unavailable", "Cannot flush mail queue")
_FULL = ("No space left on device", "Disk quota exceeded", "insufficient system storage")


class PostfixCommands:
    """Runs the commands of one instance. ``instance`` is a name, a directory, or empty."""

    def __init__(self, runner: CommandRunner, profile: Profile) -> None:
        self.runner = runner
        self.profile = profile
        self.instance = profile.settings.get("instance", "").strip()
        self._directory = _directory_of(self.instance)
        self._resolved = self.instance == "" or self.instance.startswith("/")
        self._settings: dict[str, str] | None = None
        self._zone: timezone | None = None

    @property
    def directory(self) -> str:
        """The configuration directory that commands are given; empty for the main instance."""
        return self._directory

    @property
    def known_settings(self) -> dict[str, str]:
        """The settings that were read so far; empty before."""
        return self._settings or {}

    def argv(self, program: str, *arguments: str) -> tuple[str, ...]:
        """A command of this instance, as it will be run."""
        option = "-C" if PurePosixPath(program).name == "sendmail" else "-c"
        return (program, *((option, self._directory) if self._directory else ()), *arguments)

    async def run(
        self,
        program: str,
        *arguments: str,
        stdin: bytes = b"",
        privileged: bool = False,
        deadline: float = RUN_DEADLINE,
    ) -> CommandResult:
        """Run a command to its end; the caller looks at the status."""
        await self.resolve()
        return await self.runner.run(
            self.argv(program, *arguments), stdin=stdin, privileged=privileged, deadline=deadline
        )

    async def resolve(self) -> None:
        """Find the directory of an instance that was given by name. Raises UsageError."""
        if self._resolved:
            return
        known = await self.instances()
        short = self.instance.removeprefix("postfix-")
        for one in known:
            if one.name and one.name.removeprefix("postfix-") == short:
                self._directory, self._resolved = one.config_directory, True
                return
        names = ", ".join(one.name for one in known if one.name) or "none but the main one"
        raise UsageError(
            f"there is no Postfix instance {self.instance!r}",
            where=self.runner.where,
            remedy=f"Instances here: {visible(names)}.",
        )

    async def instances(self) -> tuple[PostfixInstance, ...]:
        """What ``postmulti`` lists; empty where it cannot."""
        result = await self.runner.run(("postmulti", "-l"), most=_MOST_SETTINGS)
        return parse_postmulti(result.stdout) if result.status == 0 else ()

    async def settings(self, *, fresh: bool = False) -> dict[str, str]:
        """The settings of :data:`WANTED`. Raises what :func:`failure` says."""
        if self._settings is None or fresh:
            result = await self.run("postconf", *WANTED)
            found = parse_postconf(result.stdout)
            if not found:
                raise failure(result, "postconf", self.runner.where)
            self._settings = found
        return self._settings

    async def clock(self) -> datetime:
        """The server's clock, with its zone; the zone is asked for once."""
        if self._zone is None:
            answer = await self.runner.run(("date", "+%z"))
            self._zone = zone_of(answer.stdout)
        return datetime.now(self._zone)


def zone_of(printed: bytes) -> timezone:
    """The zone that ``date +%z`` prints; UTC when it prints something else.

    >>> zone_of(b"-0330\\n")
    datetime.timezone(datetime.timedelta(days=-1, seconds=73800))
    """
    found = re.fullmatch(rb"([+-])([01]\d)([0-5]\d)\s*", printed)
    if found is None:
        return UTC
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-offset if found[1] == b"-" else offset)


def failure(result: CommandResult, program: str, where: str, *, remedy: str = "") -> SmtpadminError:
    """What a command's failure means. ``remedy`` is for a missing right."""
    said = [visible(line, 300) for line in decode_line(result.stderr).splitlines() if line.strip()]
    reason = said[-1] if said else f"exit status {result.status}"
    text = "\n".join(said)
    detail = "\n".join(said[:20])
    if result.status == _NOT_FOUND and not text.startswith("sudo:"):
        return ProtocolError(
            f"there is no command {program}",
            where=where,
            remedy="Check that Postfix is installed there, and the command prefix.",
            detail=detail,
        )
    if sudo_refused(result) or result.status == _NO_PERMISSION or _holds(text, _DENIED):
        return NotPermittedError(
            f"this account may not run {program} so: {reason}",
            where=where,
            remedy=remedy or "Connect with an account that may.",
            detail=detail,
        )
    if _holds(text, _DOWN):
        return UnreachableError(
            "Postfix does not run there: the mail system is down",
            where=where,
            remedy="Start it with: postfix start.",
            detail=detail,
        )
    if _holds(text, _FULL):
        return ServerRefusedError(
            f"the server's disk is full: {reason}",
            where=where,
            remedy="Make room on the server, then try again.",
            detail=detail,
        )
    return ServerRefusedError(f"{program} failed: {reason}", where=where, detail=detail)


def _holds(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


def _directory_of(instance: str) -> str:
    """The directory, or for a name where ``postmulti -e create`` puts it, until it is asked for."""
    if not instance or instance.startswith("/"):
        return instance
    if not _NAME.fullmatch(instance):
        raise UsageError(
            f"{visible(instance)!r} is neither a name nor a directory",
            where="instance",
            remedy="Use a name of postmulti -l, or a path such as /etc/postfix-out.",
        )
    return f"/etc/postfix-{instance.removeprefix('postfix-')}"
