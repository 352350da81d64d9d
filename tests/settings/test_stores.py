"""Which store is used, and what is said when there is no keyring."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpadmin.model.errors import KeyringError, UsageError
from smtpadmin.settings.secret_store import SessionStore
from smtpadmin.settings.stores import open_store
from smtpadmin.settings.vault import Vault


async def test_session_when_it_was_chosen() -> None:
    assert isinstance(await open_store("session"), SessionStore)


async def test_a_vault_needs_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyringError, match="needs its password"):
        await open_store(f"vault:{tmp_path / 'v'}")
    monkeypatch.setenv("SMTPADMIN_VAULT_PASSWORD", "pw")
    assert isinstance(await open_store(f"vault:{tmp_path / 'v'}"), Vault)


async def test_an_unknown_wish_names_the_possible_ones() -> None:
    with pytest.raises(UsageError, match="keyring, session or vault"):
        await open_store("gnome")


async def test_without_a_keyring_it_is_this_session_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none() -> None:
        raise KeyringError("this machine has no keyring")

    monkeypatch.setenv("SMTPADMIN_SECRETS", "")
    monkeypatch.setattr("smtpadmin.settings.os_keyring.os_keyring", none)
    store = await open_store()
    assert isinstance(store, SessionStore)
    assert "no keyring" in store.why
    with pytest.raises(KeyringError):
        await open_store("keyring")
