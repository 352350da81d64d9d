"""What a keyring is to us: short strings by name. Real ones stand in the files beside this one."""

from __future__ import annotations

from typing import Protocol


class SecretStore(Protocol):
    """Keeps strings by key, each call bounded in time. Raises KeyringError."""

    @property
    def persistent(self) -> bool:
        """Whether the strings are there again after a restart."""
        ...

    def describe(self) -> str:
        """What it is, for people: ``GNOME Keyring (Secret Service)``."""
        ...

    async def get(self, key: str) -> str | None:
        """The string, or None."""
        ...

    async def set(self, key: str, value: str) -> None:
        """Keep a string."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a string; one that is not there is no error."""
        ...


class SessionStore:
    """Keeps everything in memory, for this session only."""

    persistent = False

    def __init__(self, why: str = "") -> None:
        self._strings: dict[str, str] = {}
        self.why = why

    def describe(self) -> str:
        """What it is."""
        return "this session only (nothing is saved)"

    async def get(self, key: str) -> str | None:
        """The string, or None."""
        return self._strings.get(key)

    async def set(self, key: str, value: str) -> None:
        """Keep a string."""
        self._strings[key] = value

    async def delete(self, key: str) -> None:
        """Forget a string."""
        self._strings.pop(key, None)
