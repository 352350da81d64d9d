"""The tour shows at least 25 different screens of the real window and misses none."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live


def test_the_tour_saves_every_screen(tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    environment = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    done = subprocess.run(
        [sys.executable, "-m", "smtpadmin", "tour", "--out", str(out)],
        env=environment, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pictures = sorted(out.glob("*.png"))
    different = {hashlib.sha256(picture.read_bytes()).hexdigest() for picture in pictures}
    assert len(different) >= 25
    index = (out / "index.html").read_text("utf-8")
    assert all(picture.name in index for picture in pictures)
    for name in ("dark", "right-to-left", "large", "first-run", "offline", "stale"):
        assert any(name in picture.name for picture in pictures), name
