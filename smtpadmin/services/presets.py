"""Connection presets of relays and mailbox providers: data in ``resources/presets/relays.json``."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from smtpadmin.model.profile import TlsMode
from smtpadmin.util.resources import read_text


@dataclass(frozen=True, slots=True)
class Preset:
    """How to hand mail to one provider. ``verified`` is False where a value is not confirmed by
    the provider's own documents; ``headers`` are names with their kind."""

    id: str
    name: str
    hosts: Mapping[str, str]
    endpoints: tuple[tuple[int, TlsMode], ...]
    auth: tuple[str, ...]
    username_rule: str
    password_kind: str
    notes: str
    domains: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    verified: bool

    @property
    def host(self) -> str:
        """The first region's host; empty where the operator's own is needed."""
        return next(iter(self.hosts.values()), "")


@functools.cache
def presets() -> tuple[Preset, ...]:
    """All presets, in the order of the file."""
    return tuple(_preset(row) for row in json.loads(read_text("presets/relays.json")))


def find_preset(text: str) -> Preset | None:
    """The preset of an id, a name, one of its hosts, or a mail domain; None when none fits."""
    wanted = text.strip().casefold()
    domain = wanted.rpartition("@")[2]
    for preset in presets():
        hosts = {host.casefold() for host in preset.hosts.values()}
        if wanted in {preset.id, preset.name.casefold()} | hosts or domain in preset.domains:
            return preset
    return None


def _preset(row: dict[str, object]) -> Preset:
    values = dict(row)
    endpoints = [e for e in values["endpoints"] if isinstance(e, dict)]  # type: ignore[attr-defined]
    headers = [h for h in values["headers"] if isinstance(h, dict)]  # type: ignore[attr-defined]
    return Preset(
        id=str(values["id"]),
        name=str(values["name"]),
        hosts=dict(values["hosts"]),  # type: ignore[call-overload]
        endpoints=tuple((int(e["port"]), _tls(str(e["tls"]))) for e in endpoints),
        auth=tuple(map(str, values["auth"])),  # type: ignore[call-overload]
        username_rule=str(values["username_rule"]),
        password_kind=str(values["password_kind"]),
        notes=str(values["notes"]),
        domains=tuple(map(str, values["domains"])),  # type: ignore[call-overload]
        headers=tuple((str(h["name"]), str(h["kind"])) for h in headers),
        verified=bool(values["verified"]),
    )


def _tls(word: str) -> TlsMode:
    return TlsMode.STARTTLS if word == "optional" else TlsMode(word)
