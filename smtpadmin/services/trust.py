"""Accepting what a server showed: the question about a certificate or a host key, and its answer.

An unknown one may be accepted by a person who has compared its fingerprint. A changed host key never
is: it is put right in ``known_hosts``, or by an edit of the profile that names the fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from smtpadmin.formats.fingerprint import openssh_form
from smtpadmin.model.errors import UntrustedError
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.services.servers import declared_settings

_USUAL_PORTS = {TlsMode.IMPLICIT: 465, TlsMode.STARTTLS: 587, TlsMode.NONE: 25}
_SSH_PORT = 22


def trust_place(profile: Profile) -> str:
    """The key of ``Profile.trust`` for the server itself: ``ssh:host:port`` where commands go over
    SSH, else ``tls:host:port``."""
    if any(field.name == "access" for field in declared_settings(profile.kind)):
        return f"ssh:{profile.host}:{profile.port or _SSH_PORT}"
    return f"tls:{profile.host}:{profile.port or _USUAL_PORTS[profile.tls]}"


def may_accept(error: UntrustedError) -> bool:
    """Whether to offer acceptance to a person."""
    return bool(error.fingerprint) and not (error.changed and is_host_key(error))


def is_host_key(error: UntrustedError) -> bool:
    """Whether it is about an SSH host key, not a certificate."""
    return error.place.startswith("ssh:")


def with_trust(profile: Profile, fingerprint: str, place: str = "") -> Profile:
    """The profile with one more accepted fingerprint (hex) at ``place``, or at the server itself."""
    accepted = {**profile.trust, place or trust_place(profile): fingerprint}
    return replace(profile, trust=MappingProxyType(accepted))


def accepted_among(error: UntrustedError, fingerprints: Iterable[str]) -> bool:
    """Whether one of the fingerprints given beforehand answers the question."""
    return may_accept(error) and error.fingerprint in fingerprints


def question(error: UntrustedError) -> Mapping[str, str]:
    """Words for the faces: ``thing`` in question and ``fingerprint`` as its tools show it."""
    if not is_host_key(error):
        return {"thing": "certificate", "fingerprint": f"SHA-256 {error.fingerprint}"}
    return {"thing": "host key", "fingerprint": openssh_form(error.fingerprint)}
