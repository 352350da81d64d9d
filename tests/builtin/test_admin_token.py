"""The token is made once and is the owner's alone."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from smtpadmin.builtin.admin_token import ensure_token
from smtpadmin.model.errors import StorageError


def test_a_token_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "data" / "admin-token"
    token = ensure_token(path)
    assert len(token) >= 40
    assert ensure_token(path) == token
    assert path.read_text("ascii") == token + "\n"
    path.unlink()
    assert ensure_token(path) != token


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mode bits")
def test_nobody_else_reads_it(tmp_path: Path) -> None:
    ensure_token(tmp_path / "admin-token")
    assert stat.S_IMODE((tmp_path / "admin-token").stat().st_mode) == 0o600


def test_an_empty_file_gets_a_token(tmp_path: Path) -> None:
    (tmp_path / "admin-token").write_text("\n")
    assert ensure_token(tmp_path / "admin-token")


@pytest.mark.parametrize("content", [b"short\n", b"\xff" * 40])
def test_a_guessable_or_broken_token_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "admin-token").write_bytes(content)
    with pytest.raises(StorageError, match="token"):
        ensure_token(tmp_path / "admin-token")


def test_a_folder_in_its_place_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "admin-token").mkdir()
    with pytest.raises(StorageError, match="cannot be read or written"):
        ensure_token(tmp_path / "admin-token")
