"""A real GNOME Keyring in a session bus of its own: long profiles, two processes, a locked one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live
PROGRAMS = ("dbus-run-session", "gnome-keyring-daemon")
PROJECT = Path(__file__).resolve().parents[2]

WRITER = """
import asyncio, sys
from pathlib import Path
from types import MappingProxyType
from smtpadmin.model.profile import Profile
from smtpadmin.settings.os_keyring import os_keyring
from smtpadmin.settings.profiles import ProfileStore

async def main(names):
    store = ProfileStore(os_keyring(), Path("lock"))
    for name in names:
        long = MappingProxyType({"note": "ü💌" * 1_200})
        await store.add(Profile(f"u-{name}", name, "smtp", "h.example", 587, settings=long), {"password": "pw-" + name})
asyncio.run(main(sys.argv[1:]))
"""
READER = """
import asyncio
from pathlib import Path
from smtpadmin.settings.os_keyring import os_keyring
from smtpadmin.settings.profiles import ProfileStore

async def main():
    store = ProfileStore(os_keyring(), Path("lock"))
    listing = await store.listing()
    assert not listing.problems, listing.problems
    for profile in listing.profiles:
        assert profile.settings["note"] == "ü💌" * 1_200
        assert await store.secret(profile.uuid, "password") == "pw-" + profile.name
    print(*sorted(p.name for p in listing.profiles), "|", store.store.describe())
asyncio.run(main())
"""
LOCK = """
import asyncio, secretstorage
from smtpadmin.model.errors import KeyringError
from smtpadmin.settings.os_keyring import os_keyring

async def main():
    store = os_keyring(deadline_s=10)
    await store.set("k", "v")
    secretstorage.get_default_collection(secretstorage.dbus_init()).lock()
    try:
        await store.get("k")
    except KeyringError as error:
        print(error)
asyncio.run(main())
"""


@pytest.fixture
def session(tmp_path: Path) -> Path:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        words = f"not installed: {', '.join(missing)}"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    for name, text in (("writer.py", WRITER), ("reader.py", READER), ("lock.py", LOCK)):
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "run").mkdir(mode=0o700)
    return tmp_path


def in_session(folder: Path, script: str) -> str:
    """Run a shell script with a private bus and an unlocked keyring; gives its output."""
    environment = {
        **os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"),
        "XDG_DATA_HOME": str(folder / "share"), "XDG_CONFIG_HOME": str(folder / "config"),
        "PY": sys.executable, "PYTHONPATH": str(PROJECT),
    }  # fmt: skip
    environment.pop("DISPLAY", None)
    unlock = "printf %s lab | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; "
    done = subprocess.run(
        ["dbus-run-session", "--", "bash", "-c", unlock + script],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_long_profiles_of_two_processes_at_once_are_read_by_a_third(session: Path) -> None:
    script = (
        '"$PY" writer.py a1 a2 a3 & first=$!; "$PY" writer.py b1 b2 b3 & second=$!;'
        ' wait $first && wait $second && "$PY" reader.py'
    )
    names, _, described = in_session(session, script).partition("|")
    assert names.split() == ["a1", "a2", "a3", "b1", "b2", "b3"]
    assert "Secret Service" in described


def test_a_locked_keyring_is_one_sentence(session: Path) -> None:
    assert "the keyring is locked. Unlock it" in in_session(session, '"$PY" lock.py')
