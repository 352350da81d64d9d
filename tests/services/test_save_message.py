"""Messages and parts saved, never over another file."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.services.save_message import save_message, save_part
from tests.formats.test_mime_parts import MIXED


async def test_a_message_is_saved_octet_by_octet(tmp_path: Path) -> None:
    raw = b"A: 1\r\n\r\n\x00\xff\r\n"
    assert await save_message(raw, tmp_path / "x.eml") == len(raw)
    assert (tmp_path / "x.eml").read_bytes() == raw
    assert (tmp_path / "x.eml").stat().st_mode & 0o777 == 0o600
    with pytest.raises(StorageError, match="another name"):
        await save_message(b"", tmp_path / "x.eml")
    assert (tmp_path / "x.eml").read_bytes() == raw


async def test_a_part_is_saved_decoded(tmp_path: Path) -> None:
    assert await save_part(MIXED, "3", tmp_path / "x.pdf") == 2
    assert (tmp_path / "x.pdf").read_bytes() == b"hi"
    with pytest.raises(UsageError, match="no such part"):
        await save_part(MIXED, "7", tmp_path / "y")
    with pytest.raises(StorageError):
        await save_part(MIXED, "3", tmp_path / "no" / "folder")


async def test_a_full_disk_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        await save_message(b"x", tmp_path / "x.eml")
    assert not (tmp_path / "x.eml").exists()
