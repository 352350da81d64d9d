"""The program as a user starts it: a real X display, a window manager, real clicks and keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.live
PROGRAMS = ("Xvfb", "xdotool", "openbox")


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> object:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("did not happen in time")


@pytest.fixture
def display(tmp_path: Path) -> Iterator[dict[str, str]]:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        words = f"not installed: {', '.join(missing)}"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=[write], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    environment = {
        **os.environ, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb",
        "SMTPADMIN_HOME": str(tmp_path / "home"), "SMTPADMIN_SECRETS": "session",
    }  # fmt: skip
    manager = subprocess.Popen(["openbox"], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield environment
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)


def xdotool(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["xdotool", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout.strip()


def test_a_click_and_a_key_hold_a_message_and_the_window_closes(display: dict[str, str]) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "smtpadmin", "gui", "--demo"], env=display, stderr=subprocess.PIPE
    )
    journal = Path(display["SMTPADMIN_HOME"]) / "state" / "journal" / "activity.jsonl"
    try:
        window = str(
            wait_for(lambda: xdotool(display, "search", "--onlyvisible", "--name", "^smtpadmin$"))
        ).split()[0]
        xdotool(display, "windowactivate", "--sync", window)
        xdotool(display, "windowsize", "--sync", window, "1280", "800")

        def hold_one() -> bool:
            # The first rows of the table; what is clicked before it is filled does nothing.
            xdotool(display, "mousemove", "--window", window, "640", "330", "click", "1")
            xdotool(display, "key", "--window", window, "h")
            time.sleep(1.0)
            return journal.exists()

        wait_for(hold_one, 40)
        record = json.loads(journal.read_text().splitlines()[0])
        assert record["action"] in ("hold", "release")
        assert record["ok"] == 1
        xdotool(display, "key", "--window", window, "ctrl+q")
        assert program.wait(20) == 0
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
        assert program.stderr is not None
        program.stderr.close()
