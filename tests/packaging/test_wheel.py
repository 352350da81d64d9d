"""The wheel holds the resources, and they load from it as they do from a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
READS = (
    "import smtpadmin, pathlib, sys; from smtpadmin.util import resources;"
    "assert sys.argv[1] in smtpadmin.__file__, smtpadmin.__file__;"
    "assert resources.read_text('knowledge/reply_codes.json').startswith(('{', '['));"
    "assert b'<svg' in resources.read_bytes('icons/server.svg')"
)


def test_resources_load_from_an_installed_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True, timeout=100)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", READS, str(installed)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_resources_load_from_the_checkout(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READS, str(PROJECT)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
