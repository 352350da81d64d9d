"""Which processes run, read from /proc."""

from __future__ import annotations

from pathlib import Path

from tests.support.waiting import until


def running_with(word: str) -> list[int]:
    """Process ids whose command line has ``word`` as an argument; zombies do not count."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if word.encode() in words:
            found.append(int(entry.name))
    return found


async def gone(word: str) -> None:
    """Wait until no process has ``word`` as an argument; AssertionError after five seconds."""
    await until(lambda: not running_with(word))
