"""The session store keeps strings, and says that nothing is saved."""

from __future__ import annotations

from smtpadmin.settings.secret_store import SessionStore


async def test_strings_for_this_session() -> None:
    store = SessionStore("no keyring")
    await store.set("a", "1")
    assert await store.get("a") == "1"
    await store.delete("a")
    await store.delete("a")
    assert await store.get("a") is None
    assert not store.persistent
    assert "nothing is saved" in store.describe()
