"""A queue of 100,000 messages from ``postqueue -j``: parsed, streamed, kept.

The parse is measured beside ``json.loads`` of each line. The listing through the connector is
measured beside ``postqueue -j | wc -l`` over the same link. ``postqueue`` is a stand-in that prints
a listing made here, so what is measured is the link, the parser and the connector, not Postfix.
With ``--ssh`` the link is a real sshd on loopback; with ``--real`` it leads to a real Postfix with
that many messages on hold, as an administrator would see it. Both need root, ``--real`` minutes.

    python benchmarks/postfix_listing.py [--messages 100000] [--ssh] [--real]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from smtpadmin.connectors.postfix import Postfix
from smtpadmin.formats.postfix_queue import EntryParser
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import QueueEntry

RUNS = 5
STAND_IN = """#!/bin/sh
case "$*" in *-j*) exec cat {listing} ;; esac
"""


def listing(count: int) -> bytes:
    """Lines as a relay has them: few senders and next hops, the same reasons again and again."""
    dice = random.Random(7)
    reasons = [
        f"host mx{n}.example[192.0.2.{n % 250}] said: 45{n % 3} 4.{n % 7}.{n % 5} try again later"
        " (in reply to RCPT TO command)"
        for n in range(400)
    ]
    lines = []
    for _ in range(count):
        queue = dice.choice(("deferred", "deferred", "deferred", "active", "hold"))
        recipient = {"address": f"u{dice.randrange(20_000)}@branch-{dice.randrange(400)}.example"}
        if queue == "deferred":
            recipient["delay_reason"] = dice.choice(reasons)
        message = {
            "queue_name": queue, "queue_id": f"{dice.getrandbits(44):011X}",
            "arrival_time": 1_795_445_581 - dice.randrange(432_000),
            "message_size": dice.randrange(500, 5_000_000), "forced_expire": False,
            "sender": f"app{dice.randrange(2_000)}@corp.example", "recipients": [recipient],
        }  # fmt: skip
        lines.append(json.dumps(message).encode())
    return b"\n".join(lines) + b"\n"


def median(action: Callable[[], object]) -> float:
    """Median seconds of some runs, with the cyclic collector off as in the program."""
    taken = []
    for _ in range(RUNS):
        gc.collect()
        gc.disable()
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
        gc.enable()
    return statistics.median(taken)


def parse_all(lines: Sequence[bytes]) -> list[QueueEntry]:
    """Every line as an entry."""
    parse = EntryParser().entry
    return [parse(line) for line in lines]


def measure_parse(lines: Sequence[bytes]) -> None:
    """The parser beside json.loads, and what a message takes in memory."""
    ours = median(lambda: parse_all(lines))
    theirs = median(lambda: [json.loads(line) for line in lines])
    print(f"parse: {ours * 1e3:.0f} ms, json.loads a line: {theirs * 1e3:.0f} ms, "
          f"{ours / theirs:.2f} times")  # fmt: skip
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = parse_all(lines)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"memory: {grown / len(kept):.0f} octets a message")


async def through_the_connector(postfix: Postfix) -> tuple[float, float, int]:
    """Seconds until the first rows and until the last, and how many there were."""
    began = time.perf_counter()
    first, count = 0.0, 0
    async with contextlib.aclosing(postfix.list_queue()) as batches:
        async for batch in batches:
            first = first or time.perf_counter() - began
            count += len(batch)
    return first, time.perf_counter() - began, count


def measure_link(name: str, profile: Profile, wc: Sequence[str]) -> None:
    """The connector beside ``wc -l`` over one link."""

    async def run() -> list[tuple[float, float, int]]:
        postfix = Postfix(profile, {})
        try:
            await postfix.queue_counts()  # connected, as a window is that refreshes
            return [await through_the_connector(postfix) for _ in range(RUNS)]
        finally:
            await postfix.close()

    found = asyncio.run(run())
    count = found[0][2]
    first, whole = (statistics.median(one[n] for one in found) for n in (0, 1))
    counted = median(lambda: subprocess.run(wc, check=True, capture_output=True))
    print(f"{name}: {count} messages in {whole * 1e3:.0f} ms, first rows after {first * 1e3:.1f} ms, "
          f"| wc -l: {counted * 1e3:.0f} ms, {whole / counted:.2f} times")  # fmt: skip


@contextlib.contextmanager
def stand_in(text: bytes) -> Iterator[Path]:
    """A folder with commands that answer as Postfix would."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "listing").write_bytes(text)
        (folder / "postconf").write_text("#!/bin/sh\necho mail_version = 3.7.11\n")
        (folder / "postqueue").write_text(STAND_IN.format(listing=folder / "listing"))
        for program in ("postconf", "postqueue"):
            (folder / program).chmod(0o755)
        yield folder


def over_ssh(name: str, base: Profile, postqueue: str) -> None:
    """The same over a real sshd; ``wc -l`` runs on our side, for the whole listing has to come."""
    from tests.servers.sshd import account, sshd_running

    with sshd_running() as sshd, account(sshd) as user, tempfile.TemporaryDirectory() as mux:
        made = sshd.profile(user)
        made = replace(
            made, prefix=base.prefix, settings={**base.settings, **made.settings, "access": "ssh"}
        )
        command = (
            f"ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
            f" -o LogLevel=ERROR -o ControlMaster=auto -o ControlPath={mux}/mux -o ControlPersist=30"
            f" -i {user.key} -p {sshd.port} {user.name}@{sshd.host} {postqueue} | wc -l"
        )
        measure_link(name, made, ["sh", "-c", command])


def on_real_postfix(count: int) -> None:
    """A real instance with that many held messages, over a real sshd."""
    from tests.servers.postfix import running_postfix

    with running_postfix() as lab:
        instance = lab.short
        subprocess.run(
            ["smtp-source", "-c", "-m", str(count), "-s", "20", "-l", "300", "-f", "a@corp.example",
             "-t", "u@hold.test", f"127.0.0.1:{instance.port}"],
            check=True, capture_output=True,
        )  # fmt: skip
        base = Profile("u", "bench", "postfix", settings={"instance": str(instance.etc)})
        over_ssh("real Postfix over SSH", base, f"/usr/sbin/postqueue -c {instance.etc} -j")


def prefix(folder: Path) -> str:
    """What makes the stand-in the command that is found."""
    return f"env PATH={folder}:/usr/bin:/bin"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--ssh", action="store_true")
    parser.add_argument("--real", action="store_true")
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    text = listing(asked.messages)
    print(f"{asked.messages} messages, {len(text) / 1e6:.1f} MB")
    measure_parse(text.splitlines())
    with stand_in(text) as folder:
        local = Profile(
            "u", "bench", "postfix", prefix=prefix(folder), settings={"access": "local"}
        )
        measure_link("local", local, ["sh", "-c", f"{folder}/postqueue -j | wc -l"])
        if asked.ssh:
            over_ssh("over SSH", local, f"{folder}/postqueue -j")
    if asked.real:
        on_real_postfix(asked.messages)


if __name__ == "__main__":
    main()
