"""Profiles: added, found, changed and removed; two windows at once; broken entries hide nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile, SafetyLevel
from smtpadmin.settings.profiles import INDEX, ConflictError, ProfileStore
from smtpadmin.settings.secret_store import SessionStore


def profile(name: str, uuid: str = "") -> Profile:
    return Profile(uuid or f"u-{name}", name, "smtp", "mail.example.org", 587)


@pytest.fixture
def backend() -> SessionStore:
    return SessionStore()


@pytest.fixture
def store(backend: SessionStore, tmp_path: Path) -> ProfileStore:
    return ProfileStore(backend, tmp_path / "lock")


async def test_add_find_and_list_by_name(store: ProfileStore) -> None:
    await store.add(profile("mx2"), {"password": "s3cret"})
    await store.add(profile("MX1"), {})
    assert [p.name for p in (await store.listing()).profiles] == ["MX1", "mx2"]
    assert (await store.find("mx1")).name == "MX1"
    assert await store.secret("u-mx2", "password") == "s3cret"


async def test_an_unknown_name_tells_the_known_ones(store: ProfileStore) -> None:
    await store.add(profile("mx1"), {})
    with pytest.raises(UsageError, match=r"no server named 'mx9'.*Known: mx1"):
        await store.find("mx9")


async def test_a_taken_name_is_refused_whatever_its_case(store: ProfileStore) -> None:
    await store.add(profile("mx1"), {})
    with pytest.raises(UsageError, match="already"):
        await store.add(profile("MX1", "other"), {})


async def test_a_rename_keeps_the_secret(store: ProfileStore) -> None:
    await store.add(profile("old"), {"password": "p"})
    await store.update(replace(await store.find("old"), name="new"))
    assert (await store.find("new")).uuid == "u-old"
    assert await store.secret("u-old", "password") == "p"


async def test_remove_leaves_nothing(store: ProfileStore, backend: SessionStore) -> None:
    await store.add(profile("mx1"), {"password": "p"})
    await store.remove("u-mx1", ("password",))
    assert (await store.listing()).profiles == ()
    assert await backend.get("profile:u-mx1") is None
    assert await backend.get("secret:u-mx1:password") is None


async def test_two_windows_editing_one_profile_conflict(
    backend: SessionStore, tmp_path: Path
) -> None:
    one, two = (ProfileStore(backend, tmp_path / "lock") for _ in range(2))
    await one.add(profile("mx1"), {})
    seen_by_one, seen_by_two = await one.get("u-mx1"), await two.get("u-mx1")
    await one.update(replace(seen_by_one, host="a.example"))
    with pytest.raises(ConflictError, match="another window changed"):
        await two.update(replace(seen_by_two, host="b.example"))
    assert (await two.get("u-mx1")).host == "a.example"


async def test_two_windows_adding_at_once_lose_no_index_line(
    backend: SessionStore, tmp_path: Path
) -> None:
    stores = [ProfileStore(backend, tmp_path / "lock") for _ in range(2)]
    jobs = [stores[n % 2].add(profile(f"mx{n}"), {}) for n in range(10)]
    await asyncio.gather(*jobs)
    assert len((await stores[0].listing()).profiles) == 10


async def test_a_corrupt_entry_is_one_sentence_and_hides_nothing(
    store: ProfileStore, backend: SessionStore
) -> None:
    await store.add(profile("good"), {})
    await store.add(profile("bad"), {})
    await backend.set("profile:u-bad", '{"version": 1')
    listing = await store.listing()
    assert [p.name for p in listing.profiles] == ["good"]
    (sentence,) = listing.problems.values()
    assert "u-bad cannot be read: the entry is damaged" in sentence
    assert "servers remove u-bad" in sentence


async def test_repair_takes_lines_without_a_profile_out(
    store: ProfileStore, backend: SessionStore
) -> None:
    await store.add(profile("mx1"), {})
    await backend.set(INDEX, json.dumps(["ghost", "u-mx1"]))
    assert await store.repair() == ("ghost",)
    assert [p.name for p in (await store.listing()).profiles] == ["mx1"]


async def test_safety_survives(store: ProfileStore) -> None:
    await store.add(replace(profile("mx1"), safety=SafetyLevel.FREE), {})
    assert (await store.find("mx1")).safety is SafetyLevel.FREE
