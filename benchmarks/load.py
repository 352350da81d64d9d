"""The load test's client beside Postfix's ``smtp-source``, both against ``smtp-sink``.

    python benchmarks/load.py [--messages 10000] [--sessions 20] [--size 2048] [--rounds 5]

Both send the same number of messages of the same size over as many connections, in turns, so that
what else the machine does meets both; the best of the rounds counts. ``smtp-source`` does not pipeline,
so that line is told for us alone. Needs the Debian package postfix (neither program needs it to run).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smtpadmin.model.load import LoadPlan
from smtpadmin.services.load_test import LoadTest, permitted_target

HOST = "127.0.0.1"
SENDER, RECIPIENT = "a@bench.example", "b@bench.example"


def find(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(f"{program} is not installed (Debian package postfix)")
    return found


@contextmanager
def smtp_sink() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [find("smtp-sink"), *user, f"{HOST}:{port}", "512"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


def ours(port: int, asked: argparse.Namespace, *, kept: bool, pipelining: bool = False) -> float:
    async def run() -> float:
        plan = LoadPlan(
            connections=asked.sessions,
            messages=asked.messages,
            size=asked.size,
            per_connection=0 if kept else 1,
            pipelining=pipelining,
            sender=SENDER,
            recipient=RECIPIENT,
        )
        figures = await LoadTest(await permitted_target(HOST, port), plan).run()
        assert figures.accepted == asked.messages, figures.errors
        return figures.mean_rate

    return asyncio.run(run())


def smtp_source(port: int, asked: argparse.Namespace, *, kept: bool) -> float:
    command = [find("smtp-source"), "-s", str(asked.sessions), "-m", str(asked.messages)]
    command += ["-l", str(asked.size), "-f", SENDER, "-t", RECIPIENT, "-M", "client.example"]
    started = time.perf_counter()
    subprocess.run([*command, *(["-d"] if kept else []), f"{HOST}:{port}"], check=True, timeout=300)
    return float(asked.messages / (time.perf_counter() - started))


def best(asked: argparse.Namespace, runs: dict[str, Callable[[int], float]]) -> dict[str, float]:
    rates = dict.fromkeys(runs, 0.0)
    with smtp_sink() as port:
        for _ in range(asked.rounds):
            for name, run in runs.items():
                rates[name] = max(rates[name], run(port))
    return rates


def report(title: str, rates: dict[str, float]) -> None:
    theirs = rates["smtp-source"]
    print(f"\n{title}")
    for name, rate in rates.items():
        print(f"  {name:34} {rate:8.0f} messages/s   {rate / theirs:5.2f} times smtp-source")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(f"{asked.messages} messages of {asked.size} octets, {asked.sessions} connections")
    report(
        "connections kept",
        best(
            asked,
            {
                "smtp-source": lambda port: smtp_source(port, asked, kept=True),
                "smtpadmin load": lambda port: ours(port, asked, kept=True),
                "smtpadmin load --pipelining": lambda port: ours(
                    port, asked, kept=True, pipelining=True
                ),
            },
        ),
    )
    report(
        "a connection for each message",
        best(
            asked,
            {
                "smtp-source": lambda port: smtp_source(port, asked, kept=False),
                "smtpadmin load": lambda port: ours(port, asked, kept=False),
            },
        ),
    )


if __name__ == "__main__":
    main()
