"""Real programs that tests start: found, or the test is skipped; in CI it fails."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str) -> str:
    """The full path of a program."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        missing(f"{name} is not installed (packaging/system/tests.txt)")
    assert found is not None
    return found


def missing(words: str) -> None:
    """Skip the test, or fail it in CI: there everything that tests need is installed."""
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


def need_root() -> None:
    """Skip the test when not root: it makes users."""
    if os.geteuid() != 0:
        pytest.skip("making users needs root")


def needed(name: str, *, path: str = "") -> str:
    """The full path of a program; ``path`` is where to look beside PATH."""
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), path)))
    if found is None:
        missing(f"{name} is not installed (packaging/system/tests.txt)")
    assert found is not None
    return found
