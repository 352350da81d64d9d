"""Test messages: ours beside raw aiosmtplib, and beside swaks.

    python benchmarks/send.py [--messages 300] [--sends 20] [--rounds 3]

1. One message over an open loopback connection, from MAIL to the reply after the dot: our dialogue
   with its transcript and redaction, beside aiosmtplib without any. Both talk to the same server in
   a process of its own (``smtp-sink`` of Postfix where it is installed, else aiosmtpd). The whole
   session, from connecting to QUIT, is told beside it.
2. ``--sends`` messages, whole processes: one ``smtpadmin send --times 20``, beside one swaks for each
   message, which has no way to send several. A single ``smtpadmin send`` is told beside it.

Figures of messages are medians, taken by turns; those of processes the best of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiosmtplib

from smtpadmin.model.smtp import Envelope, TranscriptLine
from smtpadmin.model.smtp_plan import SendPlan, Target
from smtpadmin.transport.smtp_run import run_plan

HOST = "127.0.0.1"
MAIL = Envelope(
    "a@b.example", ("c@d.example",), b"Subject: x\r\n\r\n" + b"a line\r\n" * 20, "<1@b>"
)
AIOSMTPD = """
import asyncio, sys
from aiosmtpd.smtp import SMTP
class Handler:
    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 Ok: queued as ABCDEF123456"
async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Handler(), loop=loop), "127.0.0.1", int(sys.argv[1]))
    await asyncio.Event().wait()
asyncio.run(main())
"""


@contextmanager
def server() -> Iterator[tuple[int, str]]:
    """Gives the port and what listens there."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    sink = shutil.which("smtp-sink", path=f"{os.environ['PATH']}:/usr/sbin")
    command = (
        [sink, f"{HOST}:{port}", "100"] if sink else [sys.executable, "-c", AIOSMTPD, str(port)]
    )
    if sink and os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            _wait(port)
            yield port, "smtp-sink" if sink else "aiosmtpd"
        finally:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            with socket.create_connection((HOST, port), 1):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


class _Watch:
    """Told of each transcript line: from the last reply before MAIL to the first after the dot."""

    def __init__(self) -> None:
        self.begun = self.ended = 0.0
        self._over = False

    def __call__(self, line: TranscriptLine) -> None:
        now = time.perf_counter()
        if line.direction == "<" and self._over and not self.ended:
            self.ended = now
        elif (
            line.direction == "<"
            and not self._over
            and line.line.startswith("250")
            and not self._mail
        ):
            self.begun = now
        elif line.direction == ">":
            self._mail = self._mail or line.line.startswith("MAIL")
            self._over = self._over or line.line == "."

    _mail = False


async def _ours(port: int) -> tuple[float, float]:
    """Milliseconds of one message, and of one session."""
    watch, started = _Watch(), time.perf_counter()
    _, error = await run_plan(SendPlan(Target(HOST, port)), MAIL, emit=watch)
    assert error is None, error
    return (watch.ended - watch.begun) * 1000, (time.perf_counter() - started) * 1000


async def _aiosmtplib(port: int) -> tuple[float, float]:
    started = time.perf_counter()
    client = aiosmtplib.SMTP(hostname=HOST, port=port, start_tls=False)
    await client.connect()
    await client.ehlo()
    begun = time.perf_counter()
    await client.mail(MAIL.sender)
    await client.rcpt(MAIL.recipients[0])
    await client.data(MAIL.raw)
    ended = time.perf_counter()
    await client.quit()
    return (ended - begun) * 1000, (time.perf_counter() - started) * 1000


async def _in_turns(port: int, count: int) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Ours and theirs by turns, so that whatever else the machine does meets both."""
    return [(await _ours(port), await _aiosmtplib(port)) for _ in range(count)]


def _processes(command: list[str], times: int, home: str) -> float:
    environment = os.environ | {
        "SMTPADMIN_HOME": home,
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    started = time.perf_counter()
    for _ in range(times):
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    return time.perf_counter() - started


def _best(rounds: int, measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--sends", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with server() as (port, name), tempfile.TemporaryDirectory() as home:
        print(f"server: {name}")
        pairs = asyncio.run(_in_turns(port, options.messages))
        for place, words in (
            (0, "message, MAIL to the last reply"),
            (1, "session, connect to QUIT"),
        ):
            ours, theirs = (
                statistics.median(pair[side][place] for pair in pairs) for side in (0, 1)
            )
            print(f"{words}: {ours:.2f} ms, aiosmtplib {theirs:.2f} ms, ratio {ours / theirs:.2f}")
        common = ["--from", "a@b.example", "--to", "c@d.example"]
        send = [
            sys.executable,
            "-m",
            "smtpadmin",
            "send",
            "--host",
            HOST,
            "--port",
            str(port),
            "--tls",
            "none",
            *common,
        ]
        swaks = ["swaks", "--server", HOST, "--port", str(port), *common]
        many = _best(
            options.rounds, lambda: _processes([*send, "--times", str(options.sends)], 1, home)
        )
        one = _best(options.rounds, lambda: _processes(send, 1, home))
        print(f"{options.sends} messages, one smtpadmin: {many:.2f} s; one message: {one:.2f} s")
        if shutil.which("swaks"):
            each = _best(options.rounds, lambda: _processes(swaks, options.sends, home))
            print(f"{options.sends} times swaks: {each:.2f} s, {each / many:.1f} times as long")


if __name__ == "__main__":
    main()
