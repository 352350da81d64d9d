"""Log files on a server, read by commands: which there are, their lines, and following them.

Rotated files are ordered by their last change, not by name, and read through the program that their
ending names. What the account may not read is tried by ``sudo -n``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath

from smtpadmin.connectors._lines import whole_lines
from smtpadmin.model.errors import NotPermittedError, ProtocolError, ServerRefusedError
from smtpadmin.transport.command import CommandResult, CommandRunner
from smtpadmin.transport.privileges import sudo_refused
from smtpadmin.util.text import decode_line, visible

READERS = {
    ".gz": ("gzip", "-cd"),
    ".bz2": ("bzip2", "-cd"),
    ".xz": ("xz", "-cd"),
    ".zst": ("zstd", "-cdq"),
}
"""How a compressed file is read, by its ending; any other is read as it is."""

_NOT_FOUND = 127
_DENIED = b"Permission denied"


class LogFiles:
    """The log files of one server."""

    def __init__(self, runner: CommandRunner) -> None:
        self._runner = runner

    async def rotated(self, path: str, since: datetime | None, now: datetime) -> list[str]:
        """A log and its rotated files, those that were changed after ``since``, the oldest first.
        ``path`` may hold ``*`` in its name, where a date stands."""
        file = PurePosixPath(path)
        argv = ["find", "-L", str(file.parent), "-maxdepth", "1", "-type", "f"]
        argv += ["-name", re.sub(r"([\\?\[\]])", r"\\\1", file.name) + "*"]
        if since is not None:
            minutes = max(0.0, (now - since).total_seconds()) / 60
            argv += ["-mmin", f"-{int(minutes) + 2}"]
        result = await self.run([*argv, "-exec", "ls", "-1tr", "{}", "+"])
        names = decode_line(result.stdout).splitlines()
        return [name for name in names if _is_rotation(PurePosixPath(name).name, file.name)]

    async def lines(self, path: str) -> AsyncIterator[list[bytes]]:
        """The lines of one file, without their line ends, in batches."""
        argv = [*READERS.get(PurePosixPath(path).suffix, ("cat",)), "--", path]
        for privileged in (False, True):
            given = False
            async with self._runner.start(argv, privileged=privileged) as running:
                async for lines in whole_lines(running.chunks()):
                    given = True
                    yield lines
                result = await running.finish()
            if not self._denied(result):
                self._check(result, argv[0], path)
                return
            if given:
                break
        raise self.not_permitted(path)

    def _check(self, result: CommandResult, program: str, path: str) -> None:
        """A file that is gone was rotated away meanwhile; anything else is told."""
        if result.status < 0:
            raise ProtocolError(
                "reading the log broke off", where=self._runner.where, remedy="Try again."
            )
        if result.status == _NOT_FOUND:
            raise ServerRefusedError(
                f"the server has no {program} to read {visible(path, 200)}",
                where=self._runner.where,
                remedy=f"Install {program} there.",
            )

    async def follow(
        self, paths: Sequence[str], *, whole: bool = False, deadline: float | None = None
    ) -> AsyncIterator[list[bytes]]:
        """New lines of files, until cancelled; a rotated or missing one is followed when it comes.
        With several a line ``==> PATH <==`` stands before those of each. ``whole`` begins at their
        first line; after ``deadline`` seconds TotalDeadlineError is raised."""
        sudo = await self.needs_sudo(paths)
        if sudo and sudo_refused(await self._runner.run(_look(paths), privileged=True)):
            raise self.not_permitted(paths[0])
        argv = ["tail", "-n", "+1" if whole else "0", "-F", "--", *paths]
        async with self._runner.start(argv, privileged=sudo, deadline=deadline) as running:
            async for lines in whole_lines(running.chunks()):
                yield lines
            result = await running.finish()
        said = visible(decode_line(result.stderr).strip(), 300)
        raise ServerRefusedError(f"the log cannot be followed: {said}", where=self._runner.where)

    async def tail(self, path: str, count: int) -> list[bytes]:
        """The last lines of a file; none when it is not there."""
        result = await self.run(["tail", "-n", str(count), "--", path])
        return [line for line in result.stdout.split(b"\n") if line.strip()]

    async def needs_sudo(self, paths: Sequence[str]) -> bool:
        """Following says nothing about what may not be read: it waits for it."""
        result = await self._runner.run(_look(paths))
        return self._denied(result)

    async def run(self, argv: Sequence[str]) -> CommandResult:
        """A command that reads, by sudo where the account may not."""
        result = await self._runner.run(argv)
        if self._denied(result):
            result = await self._runner.run(argv, privileged=True)
            if sudo_refused(result):
                raise self.not_permitted(argv[-1])
        return result

    @staticmethod
    def _denied(result: CommandResult) -> bool:
        return result.status != 0 and (_DENIED in result.stderr or sudo_refused(result))

    def not_permitted(self, path: str) -> NotPermittedError:
        """The account may not read a log."""
        return NotPermittedError(
            f"the log may not be read ({visible(path, 200)})",
            where=self._runner.where,
            remedy="Add the account to the log's group (on Debian: adm), or let it run tail, cat,"
            " find and gzip by sudo.",
        )


def _look(paths: Sequence[str]) -> list[str]:
    """Opens each file and reads an octet; with ``-c 0`` tail would not even open them."""
    return ["tail", "-c", "1", "--", *paths]


def _is_rotation(name: str, current: str) -> bool:
    """``mainlog``, ``mainlog.1``, ``mainlog.2.gz``, ``mainlog-20261101``, and not ``mainlogs``; a
    ``*`` in the log's own name is a date."""
    pattern = re.escape(current).replace(r"\*", "[0-9]{4,8}")
    return re.fullmatch(rf"{pattern}(?:[.-][0-9A-Za-z.-]*)?", name) is not None
