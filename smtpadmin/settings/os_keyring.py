"""The OS keyring: Secret Service, Windows Credential Manager, macOS Keychain, through ``keyring``.

Every call runs in a thread of its own under a time-out, because a keyring may wait for a prompt
for ever. Back ends that keep plain text, or nothing, are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from smtpadmin.model.errors import KeyringError, TotalDeadlineError
from smtpadmin.settings import split
from smtpadmin.util.tasks import run_blocking_for

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")
SERVICE = "smtpadmin"
DEADLINE_S = 30.0
LEAST_PRIORITY = 1.0
FALLBACKS = "Go on for this session only, or choose an encrypted vault file (--vault)."


class OsKeyring:
    """Strings in the keyring of the operating system, long ones in numbered parts."""

    persistent = True

    def __init__(self, backend: KeyringBackend, deadline_s: float = DEADLINE_S) -> None:
        self._backend = backend
        self._deadline_s = deadline_s

    def describe(self) -> str:
        """The keyring in use, by its own name."""
        names = {
            "keyring.backends.SecretService": "GNOME Keyring or KWallet (Secret Service)",
            "keyring.backends.libsecret": "GNOME Keyring (libsecret)",
            "keyring.backends.kwallet": "KWallet",
            "keyring.backends.Windows": "Windows Credential Manager",
            "keyring.backends.macOS": "macOS Keychain",
        }
        module = type(self._backend).__module__
        return names.get(module, f"{self._backend.name}")

    async def get(self, key: str) -> str | None:
        """The string, or None. Raises KeyringError, BrokenEntryError."""
        return await self._run(lambda: self._get(key))

    async def set(self, key: str, value: str) -> None:
        """Keep a string: parts first, then the head that makes them count, then the old parts go.
        Raises KeyringError."""
        await self._run(lambda: self._set(key, value))

    async def delete(self, key: str) -> None:
        """Forget a string and its parts. Raises KeyringError."""
        await self._run(lambda: self._delete(key))

    # In the thread.

    def _get(self, key: str) -> str | None:
        text = self._backend.get_password(SERVICE, key)
        if text is None:
            return None
        head = split.read_head(text)
        if head is None:
            return text
        return split.join(head, [self._part(key, head, n) for n in range(head.count)])

    def _part(self, key: str, head: split.Head, number: int) -> str | None:
        return self._backend.get_password(SERVICE, _part_name(key, head.generation, number))

    def _set(self, key: str, value: str) -> None:
        before = self._head(key)
        parts = split.split(value)
        if len(parts) == 1 and not value.startswith("smtpadmin-parts:"):
            self._backend.set_password(SERVICE, key, value)
        else:
            head = split.head_of(value, (before.generation + 1) if before else 1)
            for number, part in enumerate(parts):
                name = _part_name(key, head.generation, number)
                self._backend.set_password(SERVICE, name, part)
            self._backend.set_password(SERVICE, key, head.write())
        if before is not None:
            self._forget_parts(key, before)

    def _head(self, key: str) -> split.Head | None:
        text = self._backend.get_password(SERVICE, key)
        try:
            return split.read_head(text) if text is not None else None
        except split.BrokenEntryError:
            return None

    def _delete(self, key: str) -> None:
        head = self._head(key)
        self._forget(key)
        if head is not None:
            self._forget_parts(key, head)

    def _forget_parts(self, key: str, head: split.Head) -> None:
        for number in range(head.count):
            self._forget(_part_name(key, head.generation, number))

    def _forget(self, name: str) -> None:
        from keyring.errors import PasswordDeleteError

        try:
            self._backend.delete_password(SERVICE, name)
        except PasswordDeleteError:
            return  # it was not there: what was wanted

    async def _run(self, call: Callable[[], T]) -> T:
        import keyring.errors

        try:
            return await run_blocking_for(self._deadline_s, call)
        except TotalDeadlineError as error:
            raise KeyringError(
                f"the keyring does not answer (waited {self._deadline_s:g} s)",
                where=self.describe(),
                remedy=f"Look for its prompt and unlock it, then try again. {FALLBACKS}",
            ) from error
        except keyring.errors.KeyringLocked as error:
            raise KeyringError(
                "the keyring is locked",
                where=self.describe(),
                remedy=f"Unlock it, then try again. {FALLBACKS}",
            ) from error
        except keyring.errors.KeyringError as error:
            raise KeyringError(
                f"the keyring cannot be used ({type(error).__name__}: {error})",
                where=self.describe(),
                remedy=FALLBACKS,
            ) from error


def _part_name(key: str, generation: int, number: int) -> str:
    return f"{key}#{generation}.{number + 1}"


def os_keyring(deadline_s: float = DEADLINE_S) -> OsKeyring:
    """The keyring of this machine. Raises KeyringError when there is none that is safe."""
    import keyring

    backend = keyring.get_keyring()
    refuse_unsafe(backend)
    return OsKeyring(backend, deadline_s)


def refuse_unsafe(backend: KeyringBackend) -> None:
    """Raise KeyringError for a back end that keeps plain text, or keeps nothing."""
    for one in getattr(backend, "backends", None) or [backend]:
        module = type(one).__module__
        if module.startswith(("keyring.backends.fail", "keyring.backends.null")):
            raise KeyringError(
                "this machine has no keyring",
                where=type(one).__module__,
                remedy=f"Install and unlock GNOME Keyring or KWallet. {FALLBACKS}",
            )
        if module.startswith("keyrings.alt") or float(one.priority) < LEAST_PRIORITY:
            raise KeyringError(
                f"the keyring {type(one).__name__} keeps passwords without protection",
                where=module,
                remedy=f"Remove the package keyrings.alt. {FALLBACKS}",
            )
