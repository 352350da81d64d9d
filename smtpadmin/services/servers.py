"""From a server's name to its connector, session or actions: what command line and window share."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

from smtpadmin.connectors import registry
from smtpadmin.connectors.api import Connector, SettingField
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.services.actions import KeepsRecords, QueueActions
from smtpadmin.services.session import ServerSession

if TYPE_CHECKING:
    from smtpadmin.settings.profiles import ProfileStore


def declared_settings(kind: str) -> tuple[SettingField, ...]:
    """What a kind of server wants to know. Raises UsageError for one that is not installed."""
    cls = registry.connectors().get(kind)
    if cls is None:
        raise UsageError(
            f"there is no connector of kind {kind!r}",
            remedy=f"Known kinds: {', '.join(registry.connectors())}.",
        )
    return cls.settings


def secret_names(kind: str) -> tuple[str, ...]:
    """The secrets that a kind of server declares; none for one that is not installed."""
    cls = registry.connectors().get(kind)
    return tuple(field.name for field in cls.settings if field.secret) if cls else ()


class Servers:
    """The servers that have a profile."""

    def __init__(self, store: ProfileStore, journal: KeepsRecords) -> None:
        self.store = store
        self.journal = journal

    async def resolve(self, names: Sequence[str], *, everything: bool = False) -> list[Profile]:
        """The profiles of the names, or all of them. Raises UsageError for an unknown name, or
        when there is nothing to work with."""
        if everything:
            profiles = list((await self.store.listing()).profiles)
            if not profiles:
                raise UsageError("there is no server yet", remedy="Add one: smtpadmin servers add")
            return profiles
        if not names:
            raise UsageError("no server is named", remedy="Use --server NAME or --all.")
        found = [await self.store.find(name) for name in names]
        return list({profile.uuid: profile for profile in found}.values())

    async def secrets(self, profile: Profile) -> Mapping[str, str]:
        """The secrets that the profile's connector declares and the store has."""
        secrets: dict[str, str] = {}
        for name in secret_names(profile.kind):
            value = await self.store.secret(profile.uuid, name)
            if value is not None:
                secrets[name] = value
        return secrets

    async def connector_of(self, profile: Profile) -> Connector:
        """The connector of a profile, not connected yet; the caller closes it."""
        return registry.create(profile, await self.secrets(profile))

    @contextlib.asynccontextmanager
    async def open_connector(self, name: str) -> AsyncIterator[tuple[Profile, Connector]]:
        """Profile and connector of a name, closed at the end. Raises UsageError."""
        profile = await self.store.find(name)
        connector = await self.connector_of(profile)
        try:
            yield profile, connector
        finally:
            await connector.close()

    async def session(self, profile: Profile) -> ServerSession:
        """A session that is not started yet; the caller starts and closes it."""
        return ServerSession(profile, await self.secrets(profile))

    def actions(self, connector: object, profile: Profile) -> QueueActions:
        """The only way to act on that server's queue."""
        return QueueActions(connector, profile, self.journal)
