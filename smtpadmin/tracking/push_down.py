"""Tracking on the server: its own grep finds the lines, one round trip, and we make messages of them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from smtpadmin.model.errors import NotPermittedError, ProtocolError, UsageError
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking.dialect import Dialect
from smtpadmin.tracking.files import LogTimes
from smtpadmin.tracking.log_text import LogFile, LogText
from smtpadmin.tracking.push_down_script import BODY, OUTER
from smtpadmin.tracking.search import find, needles
from smtpadmin.tracking.track_logs import dialect_of
from smtpadmin.transport.command import CommandRunner
from smtpadmin.util.tasks import run_blocking_for

DEADLINE = 120.0
"""Seconds for the work on the server."""
MOST_LINES = 64 * 1024 * 1024
"""Octets of lines that a server may send for one question."""
CANNOT_BE_READ = b"-"


async def track_remote(
    runner: CommandRunner,
    files: Sequence[str],
    format: str,
    criteria: TrackCriteria,
    *,
    times: LogTimes | None = None,
    privileged: bool = False,
    deadline: float = DEADLINE,
) -> AsyncIterator[TrackedMessage]:
    """Messages in log files on a server (absolute paths, the oldest first), the newest arrival last.

    Leaving the iteration ends the work on the server. Raises what the runner raises,
    NotPermittedError when no file can be read, and UsageError for criteria that name nothing that
    can be looked for: reading a whole log through SSH is :mod:`smtpadmin.transport`'s business.
    """
    dialect, stdin = _question(files, format, criteria, runner.where)
    with tempfile.TemporaryDirectory(prefix="smtpadmin-") as folder:
        kept = _Kept(Path(folder), len(files))
        argv = ("sh", "-c", OUTER, "track", BODY, str(int(deadline)))
        async with runner.start(
            argv, stdin=stdin, deadline=deadline + 5, privileged=privileged
        ) as running:
            async for chunk in running.chunks():
                kept.take(chunk)
            result = await running.finish()
        if result.status != 0 and kept.size == 0:
            said = result.stderr[-400:].decode("utf-8", "backslashreplace").strip()
            raise ProtocolError(f"the search failed ({said or result.status})", where=runner.where)
        if kept.unreadable == len(files):
            raise NotPermittedError("none of the log files can be read", where=runner.where)
        text = kept.text()
        try:
            found = await run_blocking_for(deadline, find, text, dialect, criteria, times)
        finally:
            text.close()
        for message in found:
            yield message


def _question(
    files: Sequence[str], format: str, criteria: TrackCriteria, where: str
) -> tuple[Dialect, bytes]:
    """How the log is read, and what the script reads: format, most lines, the rarest word, files."""
    dialect = dialect_of(format)
    if dialect is None:
        raise UsageError(f"logs of format {format!r} cannot be tracked on a server", where=where)
    wanted = needles(criteria, dialect)
    if not wanted:
        raise UsageError(
            "name a sender, a recipient, a Message-ID, a queue ID or a client",
            where=where,
            remedy="Without one of them the whole log would have to be read.",
        )
    told = [format, str(MOST_LINES), wanted[0][0].lower.decode("utf-8", "replace")]
    if any("\n" in text or "\0" in text for text in (*told, *files)):
        raise UsageError("a line feed can be neither in an address nor in a file name")
    return dialect, "\n".join((*told, *files, "")).encode("utf-8", "surrogateescape")


class _Kept:
    """The lines as they come, in one file for each file on the server."""

    def __init__(self, folder: Path, files: int) -> None:
        self._folder = folder
        self._lines: list[dict[int, bytes]] = [{} for _ in range(files)]
        self._rest = b""
        self.size = 0
        self.unreadable = 0

    def take(self, chunk: bytes) -> None:
        """Octets of the script's output."""
        self.size += len(chunk)
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            number, place, text = [*line.split(b" ", 2), b"", b""][:3]
            if not number.isdigit() or int(number) >= len(self._lines):
                continue
            if place == CANNOT_BE_READ:
                self.unreadable += 1
            elif place.isdigit():
                self._lines[int(number)][int(place)] = text

    def text(self) -> LogText:
        """All lines as one log, each file's in their order there."""
        files = []
        for number, lines in enumerate(self._lines):
            path = self._folder / f"{number}.log"
            path.write_bytes(b"".join(lines[place] + b"\n" for place in sorted(lines)))
            files.append(LogFile(path))
        return LogText(files)
