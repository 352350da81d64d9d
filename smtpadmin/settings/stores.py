"""Which store of secrets is used: the OS keyring, else this session only; a vault when chosen.

``SMTPADMIN_SECRETS`` decides for automation: ``keyring``, ``session`` or ``vault:PATH`` with the
password in ``SMTPADMIN_VAULT_PASSWORD``.
"""

from __future__ import annotations

import os
from pathlib import Path

from smtpadmin.model.errors import KeyringError, UsageError
from smtpadmin.settings.secret_store import SecretStore, SessionStore

VARIABLE = "SMTPADMIN_SECRETS"
PASSWORD_VARIABLE = "SMTPADMIN_VAULT_PASSWORD"


async def open_store(wish: str = "", vault_password: str = "") -> SecretStore:
    """The store that was wished for, or the best there is.

    Without a wish and without a keyring it is a SessionStore whose ``why`` says why. Raises
    KeyringError when the wish cannot be met, LoginError for a wrong vault password.
    """
    wish = wish or os.environ.get(VARIABLE, "")
    if wish == "session":
        return SessionStore("chosen")
    if wish.startswith("vault:"):
        return await _vault(Path(wish.removeprefix("vault:")).expanduser(), vault_password)
    if wish not in ("", "keyring"):
        raise UsageError(
            f"{wish!r} is no store of secrets",
            where=VARIABLE,
            remedy="Use keyring, session or vault:PATH.",
        )
    try:
        return await _keyring()
    except KeyringError as error:
        if wish == "keyring":
            raise
        return SessionStore(str(error))


async def _keyring() -> SecretStore:
    from smtpadmin.settings.os_keyring import os_keyring
    from smtpadmin.util.tasks import run_blocking

    return await run_blocking(os_keyring)


async def _vault(path: Path, password: str) -> SecretStore:
    from smtpadmin.settings.vault import Vault

    password = password or os.environ.get(PASSWORD_VARIABLE, "")
    if not password:
        raise KeyringError(
            "the vault needs its password",
            where=str(path),
            remedy=f"Put it into {PASSWORD_VARIABLE}, or choose the vault in the window.",
        )
    vault = Vault(path, password)
    await vault.check()
    return vault
