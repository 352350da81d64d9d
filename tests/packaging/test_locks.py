"""The lock files pin everything by hash, name no address, and hold the pins we rely on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_a_hash_and_no_address(name: str) -> None:
    text = (PACKAGING / name).read_text()
    assert "://" not in text
    assert "--index" not in text
    blocks = re.split(r"\n(?=[a-z0-9])", text.split("packaging/lock\n", 1)[1])
    assert len(blocks) > 20
    for block in blocks:
        assert re.match(r"[a-z0-9-]+==[\w.]+", block), block[:80]
        assert "--hash=sha256:" in block


@pytest.mark.parametrize("name", LOCKS)
def test_python_3_11_never_gets_pyside_6_12(name: str) -> None:
    """PySide6 6.12 loses references to None on 3.11 until the interpreter aborts."""
    text = (PACKAGING / name).read_text()
    pins = re.findall(r"^pyside6-essentials==(\d+)\.(\d+)\S* ; (.*?) \\", text, re.M)
    for_311 = [(int(a), int(b)) for a, b, marker in pins if "< '3.12'" in marker]
    assert len(for_311) == 1
    assert for_311[0] < (6, 12)


def test_the_dev_lock_holds_everything_of_the_other() -> None:
    pins = [set(re.findall(r"^[a-z0-9-]+==\S+", (PACKAGING / n).read_text(), re.M)) for n in LOCKS]
    assert pins[0] < pins[1]


def test_no_dependency_is_gpl() -> None:
    """Names known to be GPL or AGPL in this field; a newcomer would be added by habit."""
    text = (PACKAGING / "requirements.lock").read_text()
    for name in ("aioimaplib", "managesieve", "sslyze", "myl-discovery", "pyqt"):
        assert f"\n{name}" not in text
