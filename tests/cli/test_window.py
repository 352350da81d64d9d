"""The window's own start, as a process: what it says where there is no display."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    }
    return subprocess.run(
        [sys.executable, "-m", "smtpadmin", *arguments],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("gui",), ("gui", "--demo"), ("--debug", "gui")])
@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_without_a_display_it_is_a_sentence_and_no_crash(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "smtpadmin: there is no display" in done.stderr
    assert ("Traceback" in done.stderr) == ("--debug" in arguments)


@pytest.mark.parametrize("arguments", [(), ("gui",), ("--debug", "gui")])
def test_it_leaves_with_0_after_its_first_frame_when_asked(arguments: tuple[str, ...]) -> None:
    environment = {"QT_QPA_PLATFORM": "offscreen", "SMTPADMIN_EXIT_AFTER_FIRST_FRAME": "1"}
    done = run(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_qt_reads_no_source_of_ours() -> None:
    program = (
        "import inspect, sys; read = []; getsource = inspect.getsource;"
        "inspect.getsource = lambda module: read.append(module.__name__) or getsource(module);"
        "from smtpadmin.cli.window import open_window; code = open_window();"
        "ours = [name for name in read if 'smtpadmin' in name]; sys.exit(f'{ours}' if ours else code)"
    )
    environment = {"QT_QPA_PLATFORM": "offscreen", "SMTPADMIN_EXIT_AFTER_FIRST_FRAME": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
