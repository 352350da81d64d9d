"""What the window works on: profiles, preferences, journal, and the sessions that are open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from smtpadmin.settings import paths
from smtpadmin.settings.preferences import Preferences

if TYPE_CHECKING:
    from smtpadmin.connectors.api import Connector
    from smtpadmin.gui.send.repeats import Repeats
    from smtpadmin.model.mailbox import MailboxAccount
    from smtpadmin.model.profile import Profile
    from smtpadmin.services.demo_server import DemoServer
    from smtpadmin.services.session import Factory, ServerSession
    from smtpadmin.settings.journal import Journal
    from smtpadmin.settings.profiles import ProfileStore
    from smtpadmin.settings.secret_store import SecretStore


CATCH = "catch-server"
"""The kind of ``services.catch_host``, which is loaded when it is needed."""


class Workspace(QObject):
    """Owned by the window. ``profiles_changed`` when the sidebar must be filled anew; ``noticed`` is
    a sentence that concerns no page."""

    profiles_changed = Signal()
    noticed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.preferences = Preferences(paths.config_dir() / "preferences.json")
        self.profiles: ProfileStore | None = None
        self.demo: DemoServer | None = None
        self.known: list[Profile] = []
        self._of_session: set[str] = set()
        self.problems: list[str] = []
        self.sessions: dict[str, ServerSession] = {}
        self.mailboxes: dict[str, MailboxAccount] = {}

    @cached_property
    def journal(self) -> Journal:
        """What was done, on disk."""
        from smtpadmin.settings.journal import Journal

        return Journal(paths.state_dir() / "journal")

    @cached_property
    def repeats(self) -> Repeats:
        """Tests that are sent again and again while the window runs."""
        from smtpadmin.gui.send.repeats import Repeats

        repeats = Repeats()
        repeats.noticed.connect(self.noticed.emit)
        return repeats

    async def all_connectors(self) -> dict[str, Connector]:
        """The connectors of every server that has a profile, by name; those that are not open are
        opened."""
        sessions = [await self.session_for(profile) for profile in tuple(self.known)]
        return {session.profile.name: session.connector for session in sessions}

    def open_connectors(self) -> dict[str, Connector]:
        """The connectors of every server that is connected now, by name."""
        from smtpadmin.services.session import SessionState

        return {
            session.profile.name: session.connector
            for session in self.sessions.values()
            if session.status.state is SessionState.CONNECTED
        }

    @cached_property
    def demo_profiles(self) -> ProfileStore:
        """The demo's profile; it ends with the window."""
        from smtpadmin.settings.profiles import ProfileStore
        from smtpadmin.settings.secret_store import SessionStore

        return ProfileStore(SessionStore("demo"), paths.state_dir() / "demo.lock")

    @property
    def store(self) -> SecretStore | None:
        """Where profiles are kept; None until it was opened."""
        return self.profiles.store if self.profiles else None

    async def open_profiles(self) -> None:
        """Open the keyring (or what stands in for it) and read the profiles. Raises
        KeyringError."""
        from smtpadmin.settings.profiles import ProfileStore
        from smtpadmin.settings.stores import open_store

        store = await open_store()
        self.profiles = ProfileStore(store, paths.state_dir() / "profiles.lock")
        await self.reload()

    async def reload(self) -> None:
        """Read all profiles again."""
        listing = await self.profiles.listing() if self.profiles else None
        demo = await self.demo_profiles.listing()
        self._of_session = {profile.uuid for profile in demo.profiles}
        self.known = [*demo.profiles, *(listing.profiles if listing else ())]
        self._sort()
        self.problems = list(listing.problems.values()) if listing else []
        self.profiles_changed.emit()

    def _sort(self) -> None:
        """In the order that the user gave them; new ones come last."""
        kept: list[str] = self.preferences.get("order", [])
        places = {uuid: n for n, uuid in enumerate(kept)}
        self.known.sort(key=lambda profile: places.get(profile.uuid, len(places)))

    def order(self, uuids: list[str]) -> None:
        """Keep servers in this order."""
        self.preferences.set("order", uuids)
        self._sort()
        self.profiles_changed.emit()

    def store_of(self, profile: Profile) -> ProfileStore:
        """Where a profile is kept."""
        if profile.uuid in self._of_session:
            return self.demo_profiles
        return self.profiles or self.demo_profiles

    async def start_demo(self) -> Profile:
        """Start the demo's server, unless it runs, and keep its profile for this session."""
        if self.demo is None:
            from smtpadmin.services.demo_server import start_demo

            self.demo = await start_demo()
            await self.demo_profiles.add(self.demo.profile, self.demo.secrets)
            await self.reload()
        return self.demo.profile

    async def open_logs(self, paths: Sequence[Path]) -> Profile:
        """A profile of log files, for this session."""
        from smtpadmin.services.log_files import profile_of

        taken = {profile.name for profile in self.known}
        profile = profile_of(paths, taken=taken)
        await self.demo_profiles.add(profile, {})
        await self.reload()
        return profile

    async def open_catch(self) -> Profile:
        """A profile of a catch server, set up as the last one was, for this session."""
        from smtpadmin.services.catch_host import profile_of, setup_from

        kept: dict[str, object] = self.preferences.get("catch", {})
        profile = profile_of(setup_from(kept), {profile.name for profile in self.known})
        await self.demo_profiles.add(profile, {})
        await self.reload()
        return profile

    async def session_for(self, profile: Profile) -> ServerSession:
        """The session of a profile, started when it is new."""
        session = self.sessions.get(profile.uuid)
        if session is None:
            from smtpadmin.services.session import ServerSession

            factory = _factory(profile.kind)
            session = ServerSession(profile, await self.secrets_of(profile), factory)
            self.sessions[profile.uuid] = session
            session.start()
        return session

    async def secrets_of(self, profile: Profile) -> dict[str, str]:
        """The secrets that its kind of server declares, by name."""
        from smtpadmin.connectors.registry import connectors

        store = self.store_of(profile)
        kind = connectors().get(profile.kind)
        secrets: dict[str, str] = {}
        for field in kind.settings if kind else ():
            if field.secret:
                value = await store.secret(profile.uuid, field.name)
                if value is not None:
                    secrets[field.name] = value
        return secrets

    async def drop_session(self, uuid: str) -> None:
        """Close a session; the next :meth:`session_for` makes a new one."""
        session = self.sessions.pop(uuid, None)
        if session is not None:
            await session.close()

    async def close(self) -> None:
        """Close every session and the demo."""
        if "repeats" in self.__dict__:
            await self.repeats.close()
        for uuid in tuple(self.sessions):
            await self.drop_session(uuid)
        if self.demo is not None:
            await self.demo.stop()
            self.demo = None


def _factory(kind: str) -> Factory:
    """What makes the connector of a kind; two kinds live in the window alone."""
    from smtpadmin.connectors import registry
    from smtpadmin.services import log_files

    if kind == log_files.KIND:
        return log_files.LogFiles
    if kind == CATCH:
        from smtpadmin.services.catch_host import CatchHost

        return CatchHost
    return registry.create
