"""Accepting who a server is: the certificate or host key that a person has compared."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from smtpadmin.model.errors import UntrustedError, UsageError
from smtpadmin.model.profile import Profile, TlsMode

_TLS_PORTS = {TlsMode.IMPLICIT: 465, TlsMode.STARTTLS: 587}
_SSH_PORT = 22


def is_over_ssh(profile: Profile) -> bool:
    """Whether a profile reaches its server by commands over SSH."""
    from smtpadmin.connectors.registry import connectors

    cls = connectors().get(profile.kind)
    declared = {field.name for field in cls.settings} if cls else set()
    return "access" in declared and bool(profile.host)


def trust_place(profile: Profile) -> str:
    """The key of ``Profile.trust`` under which the profile's own server is accepted; an alias of
    ``~/.ssh/config`` may stand for another (see ``UntrustedError.place``)."""
    if is_over_ssh(profile):
        return f"ssh:{profile.host}:{profile.port or _SSH_PORT}"
    return f"tls:{profile.host}:{profile.port or _TLS_PORTS.get(profile.tls, 25)}"


def accepted(profile: Profile, fingerprint: str, place: str = "") -> Profile:
    """The profile with a fingerprint (SHA-256: hex, with colons or not, or ``SHA256:…`` as ssh
    shows it) accepted. Raises UsageError."""
    from smtpadmin.transport.ssh_trust import parse_fingerprint

    pin = parse_fingerprint(fingerprint)
    trust = {**profile.trust, place or trust_place(profile): pin}
    return replace(profile, trust=MappingProxyType(trust))


def accepted_after(profile: Profile, error: UntrustedError) -> Profile:
    """The profile after a person said yes to what ``error`` shows. Raises UsageError for a host key
    that has changed: that is never a question."""
    if error.changed and error.place.startswith("ssh:"):
        raise UsageError(error.what, where=error.where, remedy=error.remedy)
    return accepted(profile, error.fingerprint, error.place)
