"""How a command that runs on is told to stop: SIGTERM, Ctrl+C, or the end of standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading


def stop_event(*, until_eof: bool = False) -> asyncio.Event:
    """Set by the first of them; with ``until_eof`` also when standard input ends."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has no signal handlers in asyncio: Ctrl+C ends the run there by KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    if until_eof:
        threading.Thread(
            target=_wait_for_end, args=(loop, stop), name="parent watch", daemon=True
        ).start()
    return stop


def _wait_for_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    with contextlib.suppress(OSError):  # standard input that is closed already has ended too
        while os.read(0, 4096):
            continue
    with contextlib.suppress(RuntimeError):  # the loop is closed: we stop already
        loop.call_soon_threadsafe(stop.set)
