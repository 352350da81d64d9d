"""An encrypted file that keeps strings where there is no keyring: scrypt, AES-GCM, 0600.

One JSON envelope holds the parameters and one encrypted object of all strings. Chosen by the user,
never by default. Each change reads the file again under a lock, so two windows may share it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from smtpadmin.model.errors import KeyringError, LoginError
from smtpadmin.settings.file_lock import file_lock
from smtpadmin.settings.files import write_private
from smtpadmin.util.tasks import run_blocking_for

T = TypeVar("T")
VERSION = 1
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
DEADLINE_S = 30.0
_MOST_N = 2**20


class Vault:
    """Strings in one encrypted file. The password is kept as the derived key, in memory."""

    persistent = True

    def __init__(self, path: Path, password: str) -> None:
        self._path = path
        self._password = password.encode()
        self._keys: dict[bytes, bytes] = {}

    def describe(self) -> str:
        """Where it is."""
        return f"encrypted vault {self._path}"

    async def get(self, key: str) -> str | None:
        """The string, or None. Raises LoginError (wrong password), KeyringError (damaged)."""
        return (await self._run(self._read)).get(key)

    async def set(self, key: str, value: str) -> None:
        """Keep a string; on disk when this returns."""
        await self._run(lambda: self._change(lambda strings: strings.update({key: value})))

    async def delete(self, key: str) -> None:
        """Forget a string."""
        await self._run(lambda: self._change(lambda strings: strings.pop(key, None)))

    async def check(self) -> None:
        """Open the file, if there is one: raises LoginError when the password is wrong."""
        await self._run(self._read)

    async def _run(self, call: Callable[[], T]) -> T:
        return await run_blocking_for(DEADLINE_S, call)

    def _change(self, change: Callable[[dict[str, str]], object]) -> None:
        with file_lock(self._path.with_suffix(".lock")):
            strings = self._read()
            change(strings)
            self._write(strings)

    def _read(self) -> dict[str, str]:
        if not self._path.exists():
            return {}
        try:
            envelope = json.loads(self._path.read_bytes())
            salt, nonce, sealed = (
                base64.b64decode(envelope[name]) for name in ("salt", "nonce", "sealed")
            )
            parameters = [int(envelope[name]) for name in ("n", "r", "p")]
            version = envelope["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged("it is not a vault, or it was cut") from error
        except OSError as error:
            raise self._damaged(error.strerror or str(error)) from error
        if version != VERSION or not 1 < parameters[0] <= _MOST_N:
            raise self._damaged("it was written by another version")
        return self._opened(salt, nonce, sealed, parameters)

    def _opened(
        self, salt: bytes, nonce: bytes, sealed: bytes, parameters: list[int]
    ) -> dict[str, str]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            text = AESGCM(self._key(salt, *parameters)).decrypt(nonce, sealed, salt)
        except InvalidTag as error:
            raise LoginError(
                "the vault's password is wrong, or the file was changed",
                where=str(self._path),
                remedy="Type the password again.",
            ) from error
        strings: dict[str, str] = json.loads(text)
        return strings

    def _write(self, strings: dict[str, str]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        salt = next(iter(self._keys), None) or os.urandom(16)
        nonce = os.urandom(12)
        key = self._key(salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
        sealed = AESGCM(key).encrypt(nonce, json.dumps(strings).encode(), salt)
        envelope = {"version": VERSION, "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P}
        parts = {"salt": salt, "nonce": nonce, "sealed": sealed}
        coded = {name: base64.b64encode(octets).decode() for name, octets in parts.items()}
        try:
            write_private(self._path, json.dumps(envelope | coded).encode())
        except OSError as error:
            raise self._damaged(error.strerror or str(error)) from error

    def _key(self, salt: bytes, n: int, r: int, p: int) -> bytes:
        if salt not in self._keys:
            self._keys[salt] = hashlib.scrypt(
                self._password, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32
            )
        return self._keys[salt]

    def _damaged(self, why: str) -> KeyringError:
        return KeyringError(
            f"the vault cannot be used: {why}",
            where=str(self._path),
            remedy="Restore it from a backup, or choose another file.",
        )
