"""One server that the user is connected to: its connector, its tasks, and how the connection is.

Connects by the connector's probe, tries again by itself when the network is to blame, and waits for
the user when a password, a certificate or a right is. Watchers (queue, log) tell it how they fare.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from smtpadmin.connectors import registry
from smtpadmin.connectors.api import Connector, abilities_of
from smtpadmin.model.errors import (
    LoginError,
    NotPermittedError,
    SmtpadminError,
    TotalDeadlineError,
    UntrustedError,
)
from smtpadmin.model.profile import Profile
from smtpadmin.model.session_state import SessionState as SessionState
from smtpadmin.model.stats import ProbeResult
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.signal import Signal
from smtpadmin.util.tasks import TaskOwner

PROBE_DEADLINE = 30.0
"""Seconds for connecting, login and the first answer together."""

CLOSE_DEADLINE = 3.0
log = logging.getLogger(__name__)

Factory = Callable[[Profile, Mapping[str, str]], Connector]


WAITS_FOR_THE_USER = frozenset(
    {
        SessionState.AUTHENTICATION_FAILED,
        SessionState.UNTRUSTED,
        SessionState.PERMISSION_DENIED,
    }
)
"""States that trying again cannot mend; a second wrong password may even lock the account."""


class GivenUpError(SmtpadminError):
    """The user ended the try to connect, or what it led to; the next one is the user's to start."""


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """The state, since when, where it connects to (``step``), why not, and when the next try is."""

    state: SessionState
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    step: str = ""
    error: SmtpadminError | None = None
    next_try: datetime | None = None


class ServerSession:
    """A connected server. ``changed`` tells each new status, ``crashed`` a bug in one of its tasks;
    ``tasks`` owns whatever runs for this server and ends with :meth:`close`."""

    def __init__(
        self,
        profile: Profile,
        secrets: Mapping[str, str],
        factory: Factory = registry.create,
        *,
        backoff: Backoff | None = None,
    ) -> None:
        self.profile = profile
        self.changed: Signal[[SessionStatus]] = Signal()
        self.crashed: Signal[[str, BaseException]] = Signal()
        self.connector = factory(profile, secrets)
        self.abilities = abilities_of(self.connector)
        if "log" in self.abilities and "track" not in self.abilities:
            self.abilities = (*self.abilities, "track")  # by its log: tracking.tracker
        self.probed: ProbeResult | None = None
        self.status = SessionStatus(SessionState.CONNECTING)
        self.tasks = TaskOwner(profile.name, self._on_crash)
        self._backoff = backoff or Backoff()
        self._wake = asyncio.Event()
        self._lost = asyncio.Event()
        self._started = False
        self._attempt: asyncio.Timeout | None = None
        self._given_up = False

    @property
    def state(self) -> SessionState:
        """The state of the status."""
        return self.status.state

    def start(self) -> None:
        """Connect, and stay connected, in the background. Calling it again does nothing."""
        if not self._started:
            self._started = True
            self.tasks.spawn("connection", self._stay_connected())

    def retry_now(self) -> None:
        """Do not wait for the next try."""
        self._wake.set()

    def give_up(self) -> None:
        """End the try that is under way; the next one is the user's to start."""
        if self._attempt is not None:
            self._given_up = True
            self._attempt.reschedule(0.0)

    def report(self, error: SmtpadminError) -> None:
        """A watcher failed: the data is stale from now on, and the connection is tried again."""
        if self.state is SessionState.CONNECTED:
            self._set(_state_for(error, SessionState.STALE), error=error)
            self._lost.set()

    def report_success(self) -> None:
        """A watcher got an answer: whatever was wrong is over."""
        if self.state in (SessionState.STALE, SessionState.OFFLINE) and self._started:
            self._wake.set()

    async def close(self) -> None:
        """End all tasks and give up the connection; may be called twice."""
        if self.state is SessionState.CLOSED:
            return
        self._set(SessionState.CLOSED)
        await self.tasks.close()
        try:
            async with asyncio.timeout(CLOSE_DEADLINE):
                await self.connector.close()
        except (TimeoutError, SmtpadminError) as error:
            log.warning("the connection to %s did not end well: %r", self.profile.name, error)

    async def wait_for(self, *states: SessionState) -> SessionStatus:
        """Wait until the session is in one of the states; the caller sets the deadline."""
        reached: asyncio.Future[SessionStatus] = asyncio.get_running_loop().create_future()

        def look(status: SessionStatus) -> None:
            if status.state in states and not reached.done():
                reached.set_result(status)

        look(self.status)
        self.changed.connect(look)
        try:
            return await reached
        finally:
            self.changed.disconnect(look)

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._connect()
            except SmtpadminError as error:
                await self._wait_before_next(error, SessionState.OFFLINE)
                continue
            self._lost.clear()
            await self._lost.wait()
            if self.status.error is not None:
                await self._wait_before_next(self.status.error, SessionState.STALE)

    async def _connect(self) -> None:
        host, port = self.profile.host, self.profile.port
        where = f"{host}:{port}" if port else host
        if self.state in (SessionState.STALE, SessionState.OFFLINE) and self.status.error:
            # The banner stays while it is tried again, instead of flickering.
            self._set(self.state, step=where, error=self.status.error)
        else:
            self._set(SessionState.CONNECTING, step=where)
        self._given_up = False
        try:
            async with asyncio.timeout(PROBE_DEADLINE) as self._attempt:
                self.probed = await self.connector.probe()
        except TotalDeadlineError:
            raise
        except TimeoutError as error:
            if self._given_up:
                raise GivenUpError("connecting was cancelled", where=where) from error
            raise TotalDeadlineError(
                f"no answer within {PROBE_DEADLINE:g} s",
                where=where or self.profile.name,
                remedy="Check the host, the port and the network in between.",
            ) from error
        finally:
            self._attempt = None
        self._backoff.reset()
        self._set(SessionState.CONNECTED)

    async def _wait_before_next(self, error: SmtpadminError, fallen_to: SessionState) -> None:
        state = _state_for(error, fallen_to)
        self._wake.clear()
        if state in WAITS_FOR_THE_USER or isinstance(error, GivenUpError):
            self._set(state, error=error)
            await self._wake.wait()
            return
        seconds = self._backoff.next()
        self._set(state, error=error, next_try=datetime.now(UTC) + timedelta(seconds=seconds))
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _set(
        self,
        state: SessionState,
        *,
        step: str = "",
        error: SmtpadminError | None = None,
        next_try: datetime | None = None,
    ) -> None:
        since = self.status.since if state is self.state else datetime.now(UTC)
        self.status = SessionStatus(state, since, step, error, next_try)
        self.changed.emit(self.status)

    def _on_crash(self, name: str, error: BaseException) -> None:
        if name.endswith("/connection"):
            bug = SmtpadminError("smtpadmin failed to keep the connection", where=self.profile.name,
                                 remedy="Please report this.", detail=repr(error))  # fmt: skip
            self._set(SessionState.OFFLINE, error=bug)
        self.crashed.emit(name, error)


def _state_for(error: SmtpadminError, otherwise: SessionState) -> SessionState:
    if isinstance(error, LoginError):
        return SessionState.AUTHENTICATION_FAILED
    if isinstance(error, UntrustedError):
        return SessionState.UNTRUSTED
    if isinstance(error, NotPermittedError):
        return SessionState.PERMISSION_DENIED
    if isinstance(error, GivenUpError):
        return SessionState.OFFLINE
    return otherwise
