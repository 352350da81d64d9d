"""The encrypted vault: two instances, wrong password, damaged file, permissions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smtpadmin.model.errors import KeyringError, LoginError
from smtpadmin.settings.vault import Vault


async def test_strings_are_kept_encrypted_for_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "vault"
    await Vault(path, "pw").set("secret:1:password", "s3cret-value")
    assert await Vault(path, "pw").get("secret:1:password") == "s3cret-value"
    assert b"s3cret-value" not in path.read_bytes()
    assert b"secret:1" not in path.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
async def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    await Vault(tmp_path / "vault", "pw").set("k", "v")
    assert (tmp_path / "vault").stat().st_mode & 0o777 == 0o600


async def test_a_wrong_password_is_told_from_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "vault"
    await Vault(path, "pw").set("k", "v")
    with pytest.raises(LoginError, match="password is wrong"):
        await Vault(path, "other").check()
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(KeyringError, match="not a vault, or it was cut"):
        await Vault(path, "pw").check()


async def test_two_windows_share_it(tmp_path: Path) -> None:
    one, two = Vault(tmp_path / "vault", "pw"), Vault(tmp_path / "vault", "pw")
    await one.set("a", "1")
    await two.set("b", "2")
    await one.delete("a")
    assert await two.get("a") is None
    assert await one.get("b") == "2"
