"""The whole Logs page on a log that grows by 10,000 lines a second: frames that come too late.

A child process writes Postfix lines into a file at a steady pace; the real window follows it as it
follows any log: read, parsed, put into the store, painted, with its histogram. Meanwhile a clock in
the same event loop asks to be woken every few milliseconds, as a screen would; how late it is woken
is how long the window did nothing else. With ``full``, the file holds a million lines before.

    python benchmarks/live_page.py [SECONDS] [full] [LINES_A_SECOND]
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from smtpadmin.gui.application import run_window
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.logs import LogsPage
from smtpadmin.gui.workspace import Workspace
from smtpadmin.util.tasks import TaskOwner

FRAME_MS = 1000 / 60
EVERY_MS = 4.0
WRITER = """
import sys, time
path, seconds, rate = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
names = ("smtpd", "cleanup", "qmgr", "smtp", "qmgr")
texts = (
    "client=out{m}.example[192.0.2.{b}]",
    "message-id=<{n}@out{m}.example>",
    "from=<news{m}@out.example>, size={n}, nrcpt=1 (queue active)",
    "to=<user{m}@b.example>, relay=mx.b.example[198.51.100.{b}]:25, delay=0.4, delays=0.1/0/0.1/0.2,"
    " dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4F{n})",
    "removed",
)
started, written = time.time(), 0
with open(path, "a") as file:
    while (gone := time.time() - started) < seconds:
        stamp = time.strftime("%b %d %H:%M:%S")
        while written < gone * rate:
            n, kind = divmod(written, 5)
            text = texts[kind].format(n=100_000 + n, m=n % 997, b=n % 250)
            file.write(f"{stamp} mx1 postfix/{names[kind]}[{700 + kind}]: 3A{n:09X}: {text}\\n")
            written += 1
        file.flush()
        time.sleep(0.01)
"""


def lines_before(count: int) -> Iterator[str]:
    """What stood in the log before, of the last hours."""
    first = time.time() - 60 - count / 100
    for n in range(count):
        stamp = time.strftime("%b %d %H:%M:%S", time.localtime(first + n / 100))
        yield f"{stamp} mx1 postfix/qmgr[7]: 3A{n:09X}: removed\n"


class Clock:
    """Wakes every few milliseconds and notes how late it was."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def run(self) -> None:
        while True:
            wanted = time.perf_counter() + EVERY_MS / 1000
            await asyncio.sleep(EVERY_MS / 1000)
            self.late.append((time.perf_counter() - wanted) * 1000)

    def report(self, what: str) -> None:
        late = sorted(self.late)
        over = [each for each in late if each > FRAME_MS]
        lost = sum(int(each / FRAME_MS) for each in over)
        print(f"{what}: late by {late[len(late) // 2]:.1f} ms (median), {late[int(len(late) * 0.99) - 1]:.1f} ms (p99), "
              f"{late[-1]:.1f} ms (longest); frames lost at 60 a second: {lost}")  # fmt: skip
        self.late.clear()


async def follow(window: MainWindow, workspace: Workspace, path: Path, seconds: float, rate: int) -> None:  # fmt: skip
    await window.start(demo=False)
    profile = await workspace.open_logs([path])
    view = await window.open_server(profile.uuid, "logs")
    assert view is not None
    page = view.page("logs")
    assert isinstance(page, LogsPage)
    lines = sum(1 for _ in path.open("rb"))
    clock, owner = Clock(), TaskOwner("benchmark")
    owner.spawn("clock", clock.run())
    started = time.perf_counter()
    while page.store.total < min(lines, page.store.limit):
        await asyncio.sleep(0.05)
    clock.report(f"loading {lines:,} lines in {time.perf_counter() - started:.1f} s")
    await asyncio.sleep(3)
    before = page.store.total + page.store.left_out
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), str(seconds), str(rate)
    )
    clock.late.clear()  # starting a program is not what is measured
    started = time.perf_counter()
    await writer.wait()
    took = time.perf_counter() - started
    shown = page.store.total + page.store.left_out - before
    clock.report(f"following {shown / took:,.0f} lines a second")
    await owner.close()


def main() -> None:
    words = [word.lower() for word in sys.argv[1:]]
    numbers = [float(word) for word in words if word[0].isdigit()]
    seconds, rate = (numbers + [10.0, 10_000.0][len(numbers) :])[:2]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SMTPADMIN_HOME"], os.environ["SMTPADMIN_SECRETS"] = folder, "session"
        path = Path(folder) / "mail.log"
        head = time.strftime("%b %d %H:%M:%S") + " mx1 postfix/qmgr[7]: 3A{0:09X}: removed\n"
        path.write_text(
            "".join(head.format(n) for n in range(1_000_000 if "full" in words else 10))
        )
        run_window(
            scenario=lambda window, workspace: follow(window, workspace, path, seconds, int(rate))
        )


if __name__ == "__main__":
    main()
