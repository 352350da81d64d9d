"""From what a form holds to a profile with its secrets, and back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from smtpadmin.services.servers import declared_settings

DEFAULT_SAFETY = {
    Environment.PRODUCTION: SafetyLevel.READ_ONLY,
    Environment.STAGING: SafetyLevel.CONFIRM,
    Environment.TEST: SafetyLevel.FREE,
}
_OWN_FIELDS = ("host", "port", "user", "tls", "prefix")


def profile_from(
    kind: str,
    values: Mapping[str, str],
    *,
    name: str,
    environment: Environment = Environment.PRODUCTION,
    safety: SafetyLevel | None = None,
    base: Profile | None = None,
) -> tuple[Profile, dict[str, str]]:
    """A profile and its secrets from form values by field name. ``base`` keeps what no form shows.

    Raises UsageError for a missing field or a port that is none.
    """
    fields = declared_settings(kind)
    for field in fields:
        if field.required and not values.get(field.name) and not (base and field.secret):
            raise UsageError(f"{field.label} is needed", where=name, remedy=field.help)
    secrets = {f.name: values[f.name] for f in fields if f.secret and values.get(f.name)}
    settings = {
        f.name: values[f.name]
        for f in fields
        if not f.secret and f.name not in _OWN_FIELDS and values.get(f.name)
    }
    start = base or Profile(str(uuid.uuid4()), name, kind)
    return replace(
        start,
        name=name.strip(),
        kind=kind,
        host=values.get("host", ""),
        port=_port(values.get("port", ""), name),
        user=values.get("user", ""),
        tls=TlsMode(values.get("tls") or start.tls),
        prefix=values.get("prefix", "") if _declares_prefix(kind) else start.prefix,
        environment=environment,
        safety=safety or DEFAULT_SAFETY[environment],
        settings=MappingProxyType(settings),
    ), secrets


def values_of(profile: Profile) -> dict[str, str]:
    """What a form shows of a profile; never a secret."""
    port = str(profile.port) if profile.port else ""
    own = {"host": profile.host, "port": port, "user": profile.user, "tls": profile.tls.value}
    if _declares_prefix(profile.kind):
        own["prefix"] = profile.prefix
    return own | dict(profile.settings)


def _declares_prefix(kind: str) -> bool:
    return any(field.name == "prefix" for field in declared_settings(kind))


def _port(text: str, where: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(f"{text!r} is not a port", where=where, remedy="Use 1 to 65535.")
    return int(text)
