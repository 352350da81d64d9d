"""The connection wizard without a window: a map of pages over a stack of copied states.

Each step forward copies what is known, so Back shows exactly what was there. Faces draw the pages;
nothing here knows them.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from smtpadmin.connectors import registry
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from smtpadmin.model.stats import ProbeResult
from smtpadmin.services.checks import PORTS, Check, CheckResult, check_host
from smtpadmin.services.presets import Preset, find_preset
from smtpadmin.services.profile_form import DEFAULT_SAFETY, profile_from
from smtpadmin.services.trust import with_trust
from smtpadmin.settings.profiles import ProfileStore


class Step(enum.StrEnum):
    """The pages, in order."""

    SERVER = "server"
    LOGIN = "login"
    NAME = "name"


NEXT = {Step.SERVER: Step.LOGIN, Step.LOGIN: Step.NAME}
"""Where each page leads; the last one saves."""


@dataclass(frozen=True, slots=True)
class WizardState:
    """What is known on one page. ``values`` are the connector's fields by name."""

    step: Step = Step.SERVER
    kind: str = "smtp"
    address: str = ""
    preset: Preset | None = None
    checks: tuple[Check, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    environment: Environment = Environment.PRODUCTION
    safety: SafetyLevel = SafetyLevel.READ_ONLY
    trust: Mapping[str, str] = field(default_factory=dict)
    tested: ProbeResult | None = None


class Wizard:
    """Walks from an address to a saved profile."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store
        self._stack = [WizardState()]

    @property
    def state(self) -> WizardState:
        """What is known now."""
        return self._stack[-1]

    def update(self, **changes: object) -> None:
        """Note what was typed or found on this page."""
        self._stack[-1] = replace(self.state, **changes)  # type: ignore[arg-type]

    def forward(self) -> None:
        """To the next page. Raises UsageError when this one is not complete."""
        state = self.state
        if state.step is Step.SERVER and state.kind == "smtp" and not _host_of(state):
            raise UsageError("type a host name, an address or choose a preset", where="Server")
        following = NEXT.get(state.step)
        if following is None:
            return
        self._stack.append(_prepared(replace(state, step=following)))

    def back(self) -> bool:
        """To the page before, exactly as it was; False on the first."""
        if len(self._stack) == 1:
            return False
        self._stack.pop()
        return True

    async def probe(self) -> AsyncIterator[Check]:
        """Look at the server of the first page, check by check."""
        self.update(checks=(), preset=find_preset(self.state.address))
        state = self.state
        host, port = _split(_host_of(state))
        ports = state.preset.endpoints if state.preset else PORTS
        if port:
            tls = TlsMode.IMPLICIT if port == 465 else TlsMode.STARTTLS
            ports = ((port, tls),)
        async for check in check_host(host, ports):
            self.update(checks=(*self.state.checks, check))
            yield check

    def profile(self) -> tuple[Profile, dict[str, str]]:
        """What would be saved. Raises UsageError for what is missing."""
        state = self.state
        profile, secrets = profile_from(
            state.kind,
            state.values,
            name=state.name or _default_name(state),
            environment=state.environment,
            safety=state.safety,
        )
        return replace(profile, trust=dict(state.trust)), secrets

    async def test(self) -> ProbeResult:
        """Connect and log in with what was typed. Raises what the connector's probe raises."""
        profile, secrets = self.profile()
        connector = registry.create(profile, secrets)
        try:
            found = await connector.probe()
        finally:
            await connector.close()
        self.update(tested=found)
        return found

    def trust(self, fingerprint: str, place: str = "") -> None:
        """Accept a certificate or host key that a person has compared; ``place`` as in the error
        that asked."""
        profile, _ = self.profile()
        self.update(trust=dict(with_trust(profile, fingerprint, place).trust))

    def choose_environment(self, environment: Environment) -> None:
        """Set it, and the safety level that goes with it."""
        self.update(environment=environment, safety=DEFAULT_SAFETY[environment])

    def where_secrets_go(self) -> str:
        """The keyring's name, for people."""
        return self._store.store.describe()

    async def save(self) -> Profile:
        """Keep the profile and its secrets. Raises UsageError, KeyringError."""
        profile, secrets = self.profile()
        await self._store.add(profile, secrets)
        return profile


def _host_of(state: WizardState) -> str:
    if state.preset is not None and state.preset.host:
        return state.preset.host
    found = find_preset(state.address)
    return (found.host if found and found.host else state.address).strip().rpartition("@")[2]


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        return host.strip("[]"), int(port)
    return address, 0


def _prepared(state: WizardState) -> WizardState:
    """Fill the next page's fields from what the first one found."""
    if state.step is not Step.LOGIN:
        return state
    values = dict(state.values)
    if state.kind == "builtin":
        if state.address:
            values.setdefault("admin", state.address)
        return replace(state, values=values)
    host, port = _split(_host_of(state))
    best = _best_endpoint(state.checks)
    values["host"] = host
    if best is not None and best.tls is not None:
        values["port"], values["tls"] = str(best.port), best.tls.value
    elif port:
        values["port"] = str(port)
    elif state.preset is not None:
        values["port"] = str(state.preset.endpoints[0][0])
        values["tls"] = state.preset.endpoints[0][1].value
    return replace(state, values=values)


def _best_endpoint(checks: tuple[Check, ...]) -> Check | None:
    """An encrypted port before a clear one, 587 and 465 before 25."""
    order = {587: 0, 465: 1, 2525: 2}
    answered = [c for c in checks if c.result is CheckResult.PASS and c.tls is not None and c.port]
    answered.sort(key=lambda c: (c.tls is TlsMode.NONE, order.get(c.port, 3)))
    return answered[0] if answered else None


def _default_name(state: WizardState) -> str:
    if state.preset is not None:
        return state.preset.name
    return state.values.get("host") or state.values.get("admin") or state.address or state.kind
