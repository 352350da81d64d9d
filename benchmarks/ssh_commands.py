"""Commands a second over one SSH connection, beside ``ssh -S`` over one ControlMaster.

    python benchmarks/ssh_commands.py [--seconds 3] [--rounds 3]

As root: a private sshd on loopback and an account made for the run. Four ways, each with a plain
account and with one whose ``~/.bashrc`` takes 100 ms (as one that starts nvm, conda or the like):

- ``ssh -S``: one process a command over an open ControlMaster connection, as scripts do it;
- ours, one after the other; and eight at once.

The best of the rounds counts; the ratio is ours through theirs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from smtpadmin.transport.ssh import SshRunner
from tests.servers.sshd import Account, Sshd, account, sshd_running

COMMAND = ("/bin/echo", "ready")
AT_ONCE = 8
SLOW_START = "sleep 0.1\n"


def control_master(sshd: Sshd, user: Account, seconds: float) -> float:
    """Commands a second by ``ssh -S``."""
    with tempfile.TemporaryDirectory() as folder:
        base = [
            "ssh", "-F", "/dev/null", "-S", f"{folder}/s", "-p", str(sshd.port), "-i", str(user.key),
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
            f"{user.name}@{sshd.host}",
        ]  # fmt: skip
        subprocess.run(
            [*base[:1], "-M", "-N", "-f", *base[1:]], check=True, stdin=subprocess.DEVNULL
        )
        try:
            done, begun = 0, time.perf_counter()
            while time.perf_counter() - begun < seconds:
                subprocess.run([*base, *COMMAND], check=True, capture_output=True)
                done += 1
            return done / (time.perf_counter() - begun)
        finally:
            subprocess.run([*base[:-1], "-O", "exit", base[-1]], check=False, capture_output=True)


async def ours(sshd: Sshd, user: Account, seconds: float, at_once: int) -> float:
    """Commands a second by our runner, ``at_once`` of them at a time."""
    runner = SshRunner(sshd.profile(user), {})
    await runner.run(COMMAND)
    done, begun = 0, time.perf_counter()

    async def one_after_the_other() -> None:
        nonlocal done
        while time.perf_counter() - begun < seconds:
            result = await runner.run(COMMAND)
            assert result.stdout == b"ready\n"
            done += 1

    await _all(one_after_the_other, at_once)
    rate = done / (time.perf_counter() - begun)
    await runner.close()
    return rate


async def _all(work: Callable[[], Awaitable[None]], times: int) -> None:
    await asyncio.gather(*(work() for _ in range(times)))


def measure(title: str, sshd: Sshd, user: Account, seconds: float, rounds: int) -> None:
    """Print one line."""
    theirs = max(control_master(sshd, user, seconds) for _ in range(rounds))
    one = max(asyncio.run(ours(sshd, user, seconds, 1)) for _ in range(rounds))
    many = max(asyncio.run(ours(sshd, user, seconds, AT_ONCE)) for _ in range(rounds))
    print(
        f"{title:<22} ssh -S {theirs:7.1f}/s   ours {one:7.1f}/s ({one / theirs:.2f} times)   "
        f"{AT_ONCE} at once {many:7.1f}/s ({many / theirs:.2f} times)"
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ.pop("SSH_AUTH_SOCK", None)
    with sshd_running() as sshd, account(sshd) as plain, account(sshd) as slow:
        for user, text in ((plain, ""), (slow, SLOW_START)):
            (user.home / ".bashrc").write_text(text)
        measure("plain account", sshd, plain, given.seconds, given.rounds)
        measure("~/.bashrc of 100 ms", sshd, slow, given.seconds, given.rounds)


if __name__ == "__main__":
    main()
