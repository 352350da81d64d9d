"""What ``packaging/setup.sh`` finds missing: nothing twice, and only what is not there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("dpkg-query")), reason="Debian alone is set up"
)


def in_bash(command: str) -> str:
    script = f". {ROOT}/packaging/setup.sh; {command}"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", ["window", "tests"])
def test_what_is_installed_is_not_missing(name: str) -> None:
    installed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    missing = in_bash(f"missing_packages {name}").split()
    assert [p for p in missing if f"installed {p}" in installed.splitlines()] == []


def test_probes_of_every_kind() -> None:
    found = "for p in bash no-such-command libc.so.6 libnone-9.9.so /etc/passwd /etc/none; do "
    told = in_bash(found + "probe_fails $p && echo $p; done; true").split()
    assert told == ["no-such-command", "libnone-9.9.so", "/etc/none"]
