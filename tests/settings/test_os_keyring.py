"""The OS keyring port: limits of Windows, broken writes, hanging and unsafe back ends."""

from __future__ import annotations

import asyncio
import threading

import keyring.errors
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring

from smtpadmin.model.errors import KeyringError
from smtpadmin.settings.os_keyring import OsKeyring, refuse_unsafe
from smtpadmin.settings.split import BrokenEntryError


class WindowsLike(KeyringBackend):
    """Keeps strings in memory and refuses what Windows refuses."""

    priority = 5  # type: ignore[assignment]
    viable = False  # never chosen by keyring itself

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.writes_left: int | None = None

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password.encode("utf-16-le")) > 2_560:
            raise keyring.errors.PasswordSetError("stub received bad data")
        if self.writes_left is not None:
            if self.writes_left == 0:
                raise keyring.errors.PasswordSetError("the machine went down")
            self.writes_left -= 1
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("No such password!")


async def test_a_long_value_goes_into_parts_and_leaves_none_behind() -> None:
    backend = WindowsLike()
    store = OsKeyring(backend)
    for value in ("a" * 5_000, "💌" * 3_000, "short"):
        await store.set("profile:1", value)
        assert await store.get("profile:1") == value
    assert len(backend.entries) == 1
    await store.delete("profile:1")
    await store.delete("profile:1")
    assert backend.entries == {}


async def test_a_broken_write_keeps_the_value_before() -> None:
    backend = WindowsLike()
    store = OsKeyring(backend)
    await store.set("profile:1", "old" * 1_000)
    for writes in range(4):
        backend.writes_left = writes
        with pytest.raises(KeyringError, match="went down"):
            await store.set("profile:1", "new" * 1_300)
        assert await store.get("profile:1") == "old" * 1_000


async def test_a_part_that_was_lost_is_recognised() -> None:
    backend = WindowsLike()
    store = OsKeyring(backend)
    await store.set("k", "a" * 3_000)
    del backend.entries["smtpadmin", "k#1.2"]
    with pytest.raises(BrokenEntryError, match="part 2 of 3"):
        await store.get("k")


async def test_a_hanging_keyring_ends_in_a_sentence_and_blocks_nothing() -> None:
    release = threading.Event()

    class Hanging(WindowsLike):
        def get_password(self, service: str, username: str) -> str | None:
            release.wait(20)
            return None

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        for _ in range(5):
            await asyncio.sleep(0.005)
            ticks += 1

    try:
        with pytest.raises(KeyringError, match="does not answer"):
            await asyncio.gather(OsKeyring(Hanging(), deadline_s=0.1).get("x"), tick())
        assert ticks == 5
    finally:
        release.set()


async def test_a_locked_keyring_says_so() -> None:
    class Locked(WindowsLike):
        def get_password(self, service: str, username: str) -> str | None:
            raise keyring.errors.KeyringLocked("Failed to unlock the collection!")

    with pytest.raises(KeyringError, match=r"the keyring is locked.*Unlock it"):
        await OsKeyring(Locked()).get("x")


@pytest.mark.parametrize("backend", [FailKeyring, NullKeyring])
def test_no_keyring_is_no_keyring(backend: type[KeyringBackend]) -> None:
    with pytest.raises(KeyringError, match="no keyring"):
        refuse_unsafe(backend())


def test_plain_text_back_ends_are_refused() -> None:
    class PlaintextKeyring(WindowsLike):
        priority = 0.5  # type: ignore[assignment]

    with pytest.raises(KeyringError, match="without protection"):
        refuse_unsafe(PlaintextKeyring())
    named = type("PlaintextKeyring", (WindowsLike,), {"__module__": "keyrings.alt.file"})
    with pytest.raises(KeyringError, match=r"keyrings\.alt"):
        refuse_unsafe(named())


def test_a_chain_with_an_unsafe_member_is_refused() -> None:
    class Chain(WindowsLike):
        backends = [WindowsLike(), NullKeyring()]

    with pytest.raises(KeyringError):
        refuse_unsafe(Chain())
