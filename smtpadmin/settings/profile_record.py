"""A profile as a keyring entry: JSON with a version and a revision. Pure functions.

Fields that this version does not know survive in ``Profile.extra``.
"""

from __future__ import annotations

import dataclasses
import json
from types import MappingProxyType
from typing import Any

from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode

VERSION = 1
_KNOWN = tuple(f.name for f in dataclasses.fields(Profile) if f.name != "extra")


class UnreadableProfileError(ValueError):
    """The entry is not a profile that this version can read; the text says why."""


def write_record(profile: Profile, revision: int) -> str:
    """The entry's text."""
    values: dict[str, Any] = dict(profile.extra)
    for name in _KNOWN:
        value = getattr(profile, name)
        values[name] = dict(value) if name in ("settings", "trust") else value
    return json.dumps({"version": VERSION, "revision": revision, "profile": values})


def read_record(text: str) -> tuple[Profile, int]:
    """The profile and its revision. Raises UnreadableProfileError."""
    try:
        entry = json.loads(text)
        version, revision, values = entry["version"], int(entry["revision"]), entry["profile"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableProfileError("the entry is damaged") from error
    if version != VERSION:
        raise UnreadableProfileError(f"it was written by a newer smtpadmin (version {version})")
    return profile_of(values), revision


def profile_of(values: Any) -> Profile:
    """A profile from plain values. Raises UnreadableProfileError for values that do not fit."""
    if not isinstance(values, dict):
        raise UnreadableProfileError("the entry holds no profile")
    known = {name: values[name] for name in _KNOWN if name in values}
    extra = {name: value for name, value in values.items() if name not in _KNOWN}
    try:
        for name, kind in (("tls", TlsMode), ("environment", Environment), ("safety", SafetyLevel)):
            if name in known:
                known[name] = kind(known[name])
        for name in ("settings", "trust"):
            known[name] = MappingProxyType({str(k): str(v) for k, v in known.get(name, {}).items()})
        profile = Profile(**known, extra=MappingProxyType(extra))
        _check_types(profile)
    except (TypeError, ValueError, AttributeError) as error:
        raise UnreadableProfileError(f"a field does not fit ({error})") from error
    return profile


def _check_types(profile: Profile) -> None:
    for name in ("uuid", "name", "kind", "host", "user", "prefix", "group"):
        if not isinstance(getattr(profile, name), str):
            raise TypeError(f"{name} is not a text")
    port: object = profile.port
    if port is not None and not (isinstance(port, int) and 0 < port < 65536):
        raise TypeError(f"port {profile.port!r} is not a port")
