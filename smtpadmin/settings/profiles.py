"""Profiles and their secrets in a store of secrets, shared safely by several windows.

Entries: ``index`` (a JSON list of UUIDs, because keyrings cannot list), ``profile:<uuid>`` and
``secret:<uuid>:<field>``. A lock file serialises changes; a revision in each entry makes a change
that another window made in between visible instead of lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.settings.file_lock import file_lock
from smtpadmin.settings.profile_record import (
    UnreadableProfileError,
    read_record,
    write_record,
)
from smtpadmin.settings.secret_store import SecretStore
from smtpadmin.settings.split import BrokenEntryError
from smtpadmin.util.tasks import run_blocking

INDEX = "index"
MAILBOX = "mailbox"
"""The secret of a profile of any kind: a mailbox in which its test messages arrive."""
LOCK_WAIT_S = 25.0
"""A change takes a keyring several seconds when it is slow and the profiles are many or long."""


class ConflictError(StorageError):
    """Another window changed the profile in between; nothing was written."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All profiles that can be read, and a sentence for each that cannot."""

    profiles: tuple[Profile, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)


class ProfileStore:
    """Lists, adds, changes and removes profiles. ``lock_path`` is shared by all windows."""

    def __init__(self, store: SecretStore, lock_path: Path) -> None:
        self.store = store
        self._lock_path = lock_path
        self._revisions: dict[str, int] = {}

    async def listing(self) -> Listing:
        """Every profile, by name. Raises KeyringError; a broken entry is only a problem."""
        profiles: list[Profile] = []
        problems: dict[str, str] = {}
        for uuid in await self._index():
            try:
                profile = await self._read(uuid)
            except (UnreadableProfileError, BrokenEntryError) as error:
                problems[uuid] = (
                    f"{self.store.describe()}: the profile {uuid} cannot be read: {error}. "
                    f"Remove it with: smtpadmin servers remove {uuid}"
                )
                continue
            if profile is None:
                problems[uuid] = (
                    f"{self.store.describe()}: the profile {uuid} is gone. "
                    "Tidy up with: smtpadmin servers repair"
                )
            else:
                profiles.append(profile)
        profiles.sort(key=lambda profile: profile.name.casefold())
        return Listing(tuple(profiles), problems)

    async def get(self, uuid: str) -> Profile:
        """One profile. Raises UsageError when there is none, StorageError when it is broken."""
        try:
            profile = await self._read(uuid)
        except (UnreadableProfileError, BrokenEntryError) as error:
            raise StorageError(f"the profile cannot be read: {error}", where=uuid) from error
        if profile is None:
            raise UsageError("there is no such profile", where=uuid)
        return profile

    async def find(self, name: str) -> Profile:
        """The profile of that name (case does not matter) or UUID. Raises UsageError, which names
        what there is."""
        listing = await self.listing()
        wanted = name.casefold()
        for profile in listing.profiles:
            if wanted in (profile.name.casefold(), profile.uuid):
                return profile
        known = ", ".join(profile.name for profile in listing.profiles) or "none yet"
        raise UsageError(
            f"there is no server named {name!r}",
            remedy=f"Known: {known}. Add one with: smtpadmin servers add",
        )

    async def add(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        """Keep a new profile and its secrets: entries first, the index last, so that a crash
        leaves no index line without a profile. Raises UsageError when the name is taken."""
        async with self._locked():
            await self._refuse_taken_name(profile)
            for name, secret in secrets.items():
                await self.store.set(_secret_key(profile.uuid, name), secret)
            await self._write(profile, 1)
            await self._write_index([*await self._index(), profile.uuid])

    async def update(self, profile: Profile, secrets: Mapping[str, str] | None = None) -> None:
        """Replace a profile that was read before, and the secrets that are given.

        Raises ConflictError when another window changed it since, UsageError for a taken name.
        """
        async with self._locked():
            seen = self._revisions.get(profile.uuid)
            await self._refuse_taken_name(profile)
            text = await self.store.get(_profile_key(profile.uuid))
            if text is None:
                raise ConflictError(
                    "another window removed this profile",
                    where=profile.name,
                    remedy="Add it again.",
                )
            _, revision = read_record(text)
            if seen is not None and revision != seen:
                raise ConflictError(
                    "another window changed this profile meanwhile",
                    where=profile.name,
                    remedy="Open it again and repeat your change.",
                )
            for name, secret in (secrets or {}).items():
                await self.store.set(_secret_key(profile.uuid, name), secret)
            await self._write(profile, revision + 1)

    async def remove(self, uuid: str, secret_names: tuple[str, ...]) -> None:
        """Forget a profile, its secrets and its line in the index."""
        async with self._locked():
            await self._write_index([line for line in await self._index() if line != uuid])
            await self.store.delete(_profile_key(uuid))
            for name in (*secret_names, MAILBOX):
                await self.store.delete(_secret_key(uuid, name))
        self._revisions.pop(uuid, None)

    async def secret(self, uuid: str, name: str) -> str | None:
        """One secret, or None."""
        return await self.store.get(_secret_key(uuid, name))

    async def repair(self) -> tuple[str, ...]:
        """Take index lines without a profile out; gives their UUIDs."""
        async with self._locked():
            index = await self._index()
            gone = [u for u in index if await self.store.get(_profile_key(u)) is None]
            if gone:
                await self._write_index([uuid for uuid in index if uuid not in gone])
        return tuple(gone)

    # Entries.

    async def _read(self, uuid: str) -> Profile | None:
        text = await self.store.get(_profile_key(uuid))
        if text is None:
            return None
        profile, revision = read_record(text)
        self._revisions[uuid] = revision
        return profile

    async def _write(self, profile: Profile, revision: int) -> None:
        await self.store.set(_profile_key(profile.uuid), write_record(profile, revision))
        self._revisions[profile.uuid] = revision

    async def _refuse_taken_name(self, profile: Profile) -> None:
        if not profile.name.strip():
            raise UsageError("a server needs a name")
        for other in (await self.listing()).profiles:
            same = other.name.casefold() == profile.name.casefold()
            if same and other.uuid != profile.uuid:
                raise UsageError(
                    f"there is a server named {other.name!r} already", remedy="Choose another name."
                )

    async def _index(self) -> list[str]:
        text = await self.store.get(INDEX)
        if text is None:
            return []
        try:
            lines = json.loads(text)
        except ValueError as error:
            raise StorageError(
                "the index of profiles is damaged",
                where=self.store.describe(),
                remedy="Remove the entry 'index' of smtpadmin, then import your profiles.",
            ) from error
        return [str(line) for line in lines]

    async def _write_index(self, uuids: list[str]) -> None:
        await self.store.set(INDEX, json.dumps(list(dict.fromkeys(uuids))))

    @contextlib.asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """The lock file, taken in a thread and held by an exit stack."""
        stack = contextlib.ExitStack()
        await run_blocking(stack.enter_context, file_lock(self._lock_path, LOCK_WAIT_S))
        try:
            yield
        finally:
            await asyncio.shield(run_blocking(stack.close))


def _profile_key(uuid: str) -> str:
    return f"profile:{uuid}"


def _secret_key(uuid: str, name: str) -> str:
    return f"secret:{uuid}:{name}"
