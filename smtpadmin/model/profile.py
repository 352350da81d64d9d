"""A server profile: how to reach a server, how to trust it, how careful to be. Never a secret."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


class Environment(enum.StrEnum):
    """What the server is used for; production is marked in red."""

    PRODUCTION = "production"
    STAGING = "staging"
    TEST = "test"


class SafetyLevel(enum.StrEnum):
    """How freely actions may change the server."""

    READ_ONLY = "read-only"
    CONFIRM = "confirm"
    FREE = "free"


class TlsMode(enum.StrEnum):
    """How a connection becomes encrypted (RFC 3207, RFC 8314)."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True)
class Profile:
    """One server. ``uuid`` is its key in the keyring, so that a rename keeps the secrets.

    ``settings`` holds what the connector of ``kind`` declares beside the common fields;
    ``trust`` maps ``tls:host:port`` or ``ssh:host:port`` to an accepted SHA-256 fingerprint (hex);
    ``extra`` keeps fields written by a newer version, so that they survive.
    """

    uuid: str
    name: str
    kind: str
    host: str = ""
    port: int | None = None
    user: str = ""
    tls: TlsMode = TlsMode.STARTTLS
    environment: Environment = Environment.PRODUCTION
    safety: SafetyLevel = SafetyLevel.READ_ONLY
    prefix: str = ""
    group: str = ""
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    trust: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    extra: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
