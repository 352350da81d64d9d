"""Where one Postfix instance writes its log, and reading it: past, rotated and compressed, and live.

Looked for in this order: ``maillog_file`` (postlogd, 3.4 and later), a file of a syslog daemon that
is still written to, the journal, a file that is not. Files are read with plain tools on the server,
the oldest first.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from smtpadmin.connectors._postfix_commands import PostfixCommands, failure
from smtpadmin.connectors.api import SearchableFiles
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.log_range import LogRange
from smtpadmin.formats.postfix_log import parse_line
from smtpadmin.model.errors import NotPermittedError, ProtocolError, ServerRefusedError
from smtpadmin.model.log import LogRecord
from smtpadmin.transport.command import CommandResult
from smtpadmin.util.text import decode_line

USUAL_FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/mail")
"""Debian, Ubuntu and macOS; Red Hat and FreeBSD; openSUSE."""

MOST_LINE = 1024 * 1024
_UNPACK = {
    ".gz": ("gzip", "-cd"), ".bz2": ("bzip2", "-cd"), ".xz": ("xz", "-cd"),
    ".zst": ("zstd", "-qcd"), ".lz4": ("lz4", "-cd"),
}  # fmt: skip
_PLAIN = ("cat",)


@dataclass(frozen=True, slots=True)
class LogPlace:
    """``kind`` is ``file``, ``journal``, ``stdout`` (a container's output) or ``none``;
    ``privileged`` when only root may read it."""

    kind: str
    path: str = ""
    units: tuple[str, ...] = ()
    privileged: bool = False
    readable: bool = True

    def __str__(self) -> str:
        return self.path if self.kind == "file" else {
            "journal": f"journal ({', '.join(self.units)})",
            "stdout": "standard output of its container",
        }.get(self.kind, "not found")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    changed: datetime | None = None


class PostfixLog:
    """The log of one instance. ``remedy`` says what to do where it may not be read."""

    def __init__(
        self, commands: PostfixCommands, remedy: Callable[[LogPlace], str] = lambda _: ""
    ) -> None:
        self._commands = commands
        self._place: LogPlace | None = None
        self._remedy = remedy

    async def place(self, *, fresh: bool = False) -> LogPlace:
        """Where the log is; found once."""
        if self._place is None or fresh:
            self._place = await self._find()
        return self._place

    async def read(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncGenerator[Sequence[LogRecord], None]:
        """Records of a time range; one without a time belongs to the line before it."""
        place = await self._readable_place()
        if place.kind == "journal":
            async for records in self._journal(place, since, until):
                yield records
            return
        wanted = LogRange(since, until)
        for file in await self._files(place.path):
            if since is not None and file.changed is not None and file.changed < since:
                continue
            async with contextlib.aclosing(self._records(file, place)) as arriving:
                async for records in arriving:
                    if chosen := wanted.of(records):
                        yield chosen
                    if wanted.ended:
                        return

    async def searchable(self, since: datetime | None) -> SearchableFiles | None:
        """The log's files for a search on the server; None for a log that is not in files."""
        place = await self._readable_place()
        if place.kind != "file":
            return None
        files = await self._files(place.path)
        kept = [f.path for f in files if not (since and f.changed and f.changed < since)]
        zone = (await self._commands.clock()).tzinfo or UTC
        runner = self._commands.runner
        return SearchableFiles(runner, tuple(kept), "postfix", zone, not place.privileged)

    async def follow(self) -> AsyncGenerator[Sequence[LogRecord], None]:
        """New records, also after the file was rotated, until cancelled."""
        place = await self._readable_place()
        if place.kind == "journal":
            command = (*_journalctl(place), "-f", "-n", "0")
        else:
            command = ("tail", "-n", "0", "-F", "--", place.path)
        clock = await self._clock_of(None)
        async with contextlib.aclosing(self._lines(command, place)) as arriving:
            async for lines in arriving:
                clock.move_to(datetime.now(UTC))  # it may be followed for months
                yield [parse_line(line, file=place.path or None, clock=clock) for line in lines]

    async def _readable_place(self) -> LogPlace:
        place = await self.place()
        where = self._commands.runner.where
        if place.kind == "stdout":
            raise ServerRefusedError(
                "Postfix writes its log to the standard output of its container",
                where=where,
                remedy="Read it with docker logs, or set maillog_file to a file.",
            )
        if place.kind == "none":
            raise ServerRefusedError(
                "the log of Postfix was not found", where=where, remedy="Set maillog_file."
            )
        if not place.readable:
            raise NotPermittedError(
                f"this account may not read {place}", where=where, remedy=self._remedy(place)
            )
        return place

    # Finding it

    async def _find(self) -> LogPlace:
        settings = await self._commands.settings()
        path = settings.get("maillog_file", "")
        if path.startswith("/dev/"):
            return LogPlace("stdout", path)
        if path:
            return await self._file(path)
        if fresh := await self._usual_files("-mtime", "-2"):
            return await self._file(fresh[0])
        journal = await self._find_journal()
        if journal.kind == "none" and (stale := await self._usual_files()):
            return await self._file(stale[0])
        return journal

    async def _usual_files(self, *tests: str) -> list[str]:
        """Those of :data:`USUAL_FILES` that are there; one that nobody has written to for days is
        what a syslog daemon left when the journal took over."""
        command = ("find", *USUAL_FILES, "-maxdepth", "0", "-type", "f", *tests)
        found = decode_line((await self._commands.runner.run(command)).stdout).split("\n")
        return [path for path in USUAL_FILES if path in found]

    async def _file(self, path: str) -> LogPlace:
        for privileged in (False, True):
            if await self._may_read(path, privileged):
                return LogPlace("file", path, privileged=privileged)
        return LogPlace("file", path, privileged=True, readable=False)

    async def _may_read(self, path: str, privileged: bool) -> bool:
        command = ("cat", "--", path)
        async with self._commands.runner.start(
            command, privileged=privileged, deadline=10.0
        ) as running:
            async for _ in running.chunks():
                return True
            return (await running.finish()).status == 0

    async def _find_journal(self) -> LogPlace:
        name = self._commands.instance and self._commands.directory.rpartition("/")[2]
        units = (f"postfix@{name}.service",) if name else ("postfix.service", "postfix@-.service")
        place = LogPlace("journal", units=units)
        for privileged in (False, True):
            result = await self._commands.runner.run(
                (*_journalctl(place), "-n", "1"), privileged=privileged
            )
            if result.status == 0 and result.stdout.strip():
                return LogPlace("journal", units=units, privileged=privileged)
        return LogPlace("none")

    async def _files(self, path: str) -> list[_File]:
        """The log and its rotated ones by the time of their last change, the oldest first."""
        folder, _, name = path.rpartition("/")
        found = await self._commands.runner.run(
            ("find", folder or "/", "-maxdepth", "1", "-type", "f", "-name", f"{_glob(name)}*",
             "-exec", "stat", "-c", "%Y %n", "{}", "+"),
        )  # fmt: skip
        files: list[tuple[bool, int, str]] = []
        for line in found.stdout.split(b"\n"):
            changed, _, other = decode_line(line).partition(" ")
            if changed.isdecimal() and len(changed) < 12 and _is_rotated(other, path):
                files.append((other == path, int(changed), other))
        listed = [_File(p, datetime.fromtimestamp(t, UTC)) for _, t, p in sorted(files)]
        return listed or [_File(path)]

    # Reading it

    async def _records(self, file: _File, place: LogPlace) -> AsyncGenerator[list[LogRecord], None]:
        ending = next((end for end in _UNPACK if file.path.endswith(end)), "")
        command = (*_UNPACK.get(ending, _PLAIN), "--", file.path)
        clock = await self._clock_of(file.changed)
        number = 0
        async with contextlib.aclosing(self._lines(command, place)) as arriving:
            async for lines in arriving:
                yield [
                    parse_line(line, file=file.path, number=number + n, clock=clock)
                    for n, line in enumerate(lines, 1)
                ]
                number += len(lines)

    async def _journal(
        self, place: LogPlace, since: datetime | None, until: datetime | None
    ) -> AsyncGenerator[list[LogRecord], None]:
        command = list(_journalctl(place))
        for option, moment in (("--since", since), ("--until", until)):
            if moment is not None:
                command += [option, f"@{moment.timestamp():.0f}"]
        async with contextlib.aclosing(self._lines(command, place)) as arriving:
            async for lines in arriving:
                yield [parse_line(line) for line in lines]

    async def _lines(
        self, command: Sequence[str], place: LogPlace
    ) -> AsyncGenerator[list[bytes], None]:
        """Whole lines as they come. Raises when the command fails or a line does not end."""
        rest = b""
        runner = self._commands.runner
        async with runner.start(command, privileged=place.privileged) as running:
            async for chunk in running.chunks():
                whole, feed, rest = (rest + chunk).rpartition(b"\n")
                if feed:
                    yield whole.split(b"\n")
                if len(rest) > MOST_LINE:
                    yield [rest]
                    rest = b""
            result = await running.finish()
        if rest:
            yield [rest]
        self._check(result, command[0])

    def _check(self, result: CommandResult, program: str) -> None:
        where = self._commands.runner.where
        if result.status < 0:
            raise ProtocolError("reading the log broke off", where=where, remedy="Try again.")
        if result.status:
            remedy = self._remedy(self._place) if self._place else ""
            raise failure(result, program, where, remedy=remedy)

    async def _clock_of(self, changed: datetime | None) -> LogClock:
        """How to read stamps without year and zone: by the server's own clock."""
        now = await self._commands.clock()
        return LogClock(now.tzinfo or UTC, anchor=changed or now)


def _journalctl(place: LogPlace) -> tuple[str, ...]:
    units = [word for unit in place.units for word in ("-u", unit)]
    return ("journalctl", "--no-pager", "-q", "-o", "json", *units)


def _is_rotated(path: str, current: str) -> bool:
    """``mail.log.1``, ``mail.log.2.gz``, ``mail.log-20260301.xz``; not ``mail.logger``."""
    rest = path.removeprefix(current)
    return path == current or (
        rest != path and re.fullmatch(r"[.-][0-9A-Za-z.-]*", rest) is not None
    )


def _glob(name: str) -> str:
    return re.sub(r"([\\*?\[\]])", r"\\\1", name)
