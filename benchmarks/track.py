"""Message tracking against grep, ripgrep, exigrep and zgrep: whole processes, side by side, one run.

    python benchmarks/track.py --lines 10000000 [--folder /tmp]

Every tool gets the same files, read once before so that they are in the page cache. The closures of
grep and ripgrep are what an administrator would script: find the address, take the queue IDs of the
lines, find these, take the IDs that the lines name, until nothing new comes. What they find is a
superset (IDs are used again); ours is checked against the generator's truth.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.make_exim_log import EXIM, EximWorld  # noqa: E402
from benchmarks.make_log import BusyWorld, write  # noqa: E402

ENVIRONMENT = os.environ | {"LC_ALL": "C", "PYTHONPATH": str(ROOT)}
ENVIRONMENT.pop(
    "PYTHONDONTWRITEBYTECODE", None
)  # an installed program is not compiled at each start
ID = re.compile(rb"\]: ([0-9A-F]{6,15}): ")
NAMED = re.compile(
    rb"(?:relay=127\.0\.0\.1[^\n]*queued as|forwarded as|notification:|orig_queue_id=|orig_id=) ?([0-9A-F]{6,15})\b"
)
"""IDs that a line names; of `queued as` only those of a relay on this machine."""


def seconds(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def output(*argv: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        argv, input=stdin, capture_output=True, env=ENVIRONMENT, check=False
    ).stdout


def closure(search: Callable[[Sequence[bytes]], bytes], first: bytes) -> set[bytes]:
    """Rounds of a search for many words at once, until no new ID is named."""
    lines, known = search([first]), set()
    while True:
        new = set(ID.findall(lines)) | set(NAMED.findall(lines))
        if new <= known:
            return set(lines.splitlines())
        known |= new
        lines = search(sorted(known))


def grep(tool: Sequence[str], *files: str) -> Callable[[Sequence[bytes]], bytes]:
    def search(words: Sequence[bytes]) -> bytes:
        with tempfile.NamedTemporaryFile() as patterns:
            patterns.write(b"\n".join(words) + b"\n")
            patterns.flush()
            return output(*tool, "-f", patterns.name, *files)

    return search


def ours(*argv: str) -> Callable[[], list[dict[str, object]]]:
    command = (sys.executable, "-m", "smtpadmin", "track", "--tz", "UTC", "--json", *argv)

    def run() -> list[dict[str, object]]:
        return [json.loads(line) for line in output(*command).splitlines()]

    return run


def row(name: str, mine: float, theirs: dict[str, float], note: str = "") -> None:
    others = "   ".join(
        f"{tool} {took:.2f} s = {took / mine:.1f}x" for tool, took in theirs.items()
    )
    print(f"{name:34} ours {mine:.3f} s   {others}   {note}", flush=True)


PEAK = """import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""
"""Run by a small Python: a child begins with the peak of who starts it, and this one holds a log's truth."""


def memory(argv: Sequence[str]) -> float:
    """Peak resident MB of a command; pages of a mapped log that are in use count."""
    return int(output(sys.executable, "-c", PEAK, *argv)) / 1024


def postfix(folder: Path, lines: int, times: int, slow: bool) -> None:
    path = folder / "mail.log"
    world = BusyWorld(1, lines // 9, lots=min(7000, lines // 100))
    size = write(path, world, lines)
    print(f"# Postfix log: {lines} lines, {size / 1e6:.0f} MB, {os.cpu_count()} processors")
    output("cat", str(path))
    log = str(path)
    tools = {"grep": ("grep", "-aF")} | (
        {"rg": ("rg", "-aF", "--no-filename", "--no-line-number")} if shutil.which("rg") else {}
    )
    if shutil.which("ugrep"):
        tools["ugrep"] = ("ugrep", "-aF", "--no-filename")
    rare = ours("--log", log, "--to", world.SOME, "--lines")
    found = sorted(str(m["lines"]) for m in rare())
    exact = found == sorted(str(list(t.lines)) for t in world.truths)
    row(
        f"recipient, {len(found)} mails",
        seconds(rare, times),
        {
            name: seconds(
                lambda t=tool: closure(grep(t, log), world.SOME.encode()), 1 if lines > 2e6 else 2
            )
            for name, tool in tools.items()
        },
        f"exact: {exact}",
    )
    message_id = world.truths[7].message_id or ""
    one = ours("--log", log, "--message-id", message_id)
    row(
        "one Message-ID",
        seconds(one, times),
        {
            name: seconds(lambda t=tool: closure(grep(t, log), message_id.encode()), 2)
            for name, tool in tools.items()
        },
        f"{len(one())} found",
    )
    hot = ours("--log", log, "--to", world.LOTS)
    some = ["grep", "ugrep", "rg"] if slow else ["grep"]
    row(
        f"recipient, {len(hot())} mails",
        seconds(hot, min(times, 3)),
        {
            name: seconds(lambda t=tool: closure(grep(t, log), world.LOTS.encode()), 1)
            for name, tool in tools.items()
            if name in some
        },
    )
    print(
        f"# peak memory: rare {memory((sys.executable, '-m', 'smtpadmin', 'track', '--log', log, '--to', world.SOME, '--json')):.0f} MB, "
        f"hot {memory((sys.executable, '-m', 'smtpadmin', 'track', '--log', log, '--to', world.LOTS, '--json')):.0f} MB"
    )
    compressed(folder, world, times)
    if (Path(__file__).parent / "push_down.py").exists():
        remote(log, world.SOME)


def compressed(folder: Path, world: BusyWorld, times: int) -> None:
    """The first half million lines, rotated into gzip files."""
    rotated = folder / "rotated"
    rotated.mkdir(exist_ok=True)
    part = rotated / "mail.log.1"
    with (folder / "mail.log").open("rb") as source:
        part.write_bytes(source.read(150_000_000))
    subprocess.run(["gzip", "-f", str(part)], check=True)
    file = f"{part}.gz"
    mine = ours("--log", file, "--year", "2026", "--to", world.SOME)
    row("gzip, recipient", seconds(mine, times), {
        "zgrep closure": seconds(lambda: closure(grep(("zgrep", "-aF"), file), world.SOME.encode()), 1),
        "zgrep, one pass": seconds(lambda: output("zgrep", "-aF", world.SOME, file), 2),
    }, f"{len(mine())} found")  # fmt: skip


def remote(log: str, address: str) -> None:
    """On the server: our one script against the naive one, both by sh, without the network."""
    from benchmarks.push_down import took

    print(f"push-down of {address}: {took(log, address)}")


def exim(folder: Path, lines: int, times: int, exigrep: str | None) -> None:
    path = folder / "mainlog"
    world = EximWorld(
        1, watch=EximWorld.SOME, long_ids=False, some=30, messages=lines // 6,
        weights={**dict.fromkeys(EXIM, 1), "sent": 60, "local": 20, "frozen": 0},
    )  # fmt: skip
    size = write(path, world, lines)
    print(f"# Exim log: {lines} lines, {size / 1e6:.0f} MB")
    output("cat", str(path))
    mine = ours("--log", str(path), "--to", world.SOME, "--lines")
    exact = sorted(str(m["lines"]) for m in mine()) == sorted(
        str(list(t.lines)) for t in world.truths
    )
    theirs = (
        {"exigrep": seconds(lambda: output(exigrep or "exigrep", world.SOME, str(path)), 2)}
        if exigrep
        else {}
    )
    row(f"Exim, {len(world.truths)} mails", seconds(mine, times), theirs, f"exact: {exact}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--exim-lines", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--exigrep", default=shutil.which("exigrep"))
    parser.add_argument(
        "--slow", action="store_true", help="ripgrep and ugrep for the 7,000 mails too"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        postfix(Path(folder), options.lines, options.times, options.slow)
        exim(Path(folder), options.exim_lines, options.times, options.exigrep)


if __name__ == "__main__":
    main()
