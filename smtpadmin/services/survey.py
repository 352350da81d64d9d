"""What there is on a server that is reached by commands: mail servers, log, what the account may do.

Each kind of mail server is looked for by its connector's own probe, so that what is found here is
what will work later. Nothing is changed there.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from smtpadmin.connectors import registry
from smtpadmin.connectors.api import AdviceSource, Connector, ability
from smtpadmin.model.errors import NotPermittedError, SmtpadminError
from smtpadmin.model.profile import Profile
from smtpadmin.model.stats import ProbeResult
from smtpadmin.services.checks import Check, CheckResult, elapsed_ms
from smtpadmin.transport.open_runner import open_runner

_TOLD = ("Instance", "Instances", "Log", "Account may", "Administrator")
"""Facts of a probe that the survey tells in a line of their own."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One kind that was looked for. ``probe`` is None when it is not there, or not usable."""

    kind: str
    title: str
    probe: ProbeResult | None
    checks: tuple[Check, ...]


def command_kinds() -> Mapping[str, type[Connector]]:
    """The connectors that work by commands on the server."""
    return {
        name: cls
        for name, cls in registry.connectors().items()
        if any(field.name == "access" for field in cls.settings)
    }


async def survey(profile: Profile, secrets: Mapping[str, str]) -> AsyncIterator[Surveyed]:
    """Look for every kind, the profile's own first. Raises UnreachableError, UntrustedError and
    LoginError when the server cannot be reached at all."""
    await _reach(profile, secrets)
    kinds = command_kinds()
    for kind in sorted(kinds, key=lambda name: name != profile.kind):
        yield await _look_for(kinds[kind], profile, secrets)


async def _reach(profile: Profile, secrets: Mapping[str, str]) -> None:
    """Log in; afterwards a probe that fails tells of a mail server, not of the way there."""
    runner = open_runner(profile, secrets)
    try:
        await runner.run(("id", "-u"))
    finally:
        await runner.close()


async def _look_for(cls: type[Connector], profile: Profile, secrets: Mapping[str, str]) -> Surveyed:
    settings = {f.name for f in cls.settings}
    own = {name: value for name, value in profile.settings.items() if name in settings}
    connector = cls(replace(profile, kind=cls.id, settings=own), secrets)
    started = time.monotonic()
    try:
        found = await connector.probe()
        checks = [_present(cls, found, elapsed_ms(started)), *_facts(cls, found)]
        checks += await _missing(cls, connector)
    except SmtpadminError as error:
        return Surveyed(cls.id, cls.title, None, (_absent(cls, error, profile.kind == cls.id),))
    finally:
        await connector.close()
    return Surveyed(cls.id, cls.title, found, tuple(checks))


def _present(cls: type[Connector], found: ProbeResult, took_ms: float) -> Check:
    words = f"{found.software} {found.version}".strip()
    return Check(cls.title, found.path, CheckResult.PASS, words, took_ms=took_ms)


def _facts(cls: type[Connector], found: ProbeResult) -> list[Check]:
    return [
        Check(name.lower(), cls.title, CheckResult.INFO, found.facts[name])
        for name in _TOLD
        if found.facts.get(name)
    ]


async def _missing(cls: type[Connector], connector: Connector) -> list[Check]:
    source = ability(connector, AdviceSource)
    if source is None:
        return []
    results = {"fail": CheckResult.FAIL, "warn": CheckResult.WARN}
    return [
        Check("to fix", cls.title, results.get(each.severity, CheckResult.INFO), each.summary, each.fix)
        for each in await source.advice()
    ]  # fmt: skip


def _absent(cls: type[Connector], error: SmtpadminError, wanted: bool) -> Check:
    """Not being there is no fault, unless it is what the user asked for."""
    forbidden = isinstance(error, NotPermittedError)
    result = CheckResult.FAIL if wanted else CheckResult.WARN if forbidden else CheckResult.INFO
    return Check(
        cls.title, error.where, result, error.what, error.remedy if wanted or forbidden else ""
    )
