"""A command that runs on ends when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from smtpadmin.cli.stopping import stop_event
async def main():
    stop = stop_event(until_eof=True)
    print("ready", flush=True)
    await asyncio.wait_for(stop.wait(), 20)
asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, None])
def test_by_a_signal_or_by_the_end_of_input(how: signal.Signals | None) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if how is None:
            process.stdin.close()
        else:
            process.send_signal(how)
        assert process.wait(10) == 0
