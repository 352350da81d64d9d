"""Whom to connect to: what was typed, together with ``~/.ssh/config`` (ssh_config(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.transport.ssh_errors import as_ours

SSH_PORT = 22
MOST_JUMPS = 8
_SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")


@dataclass(frozen=True, slots=True)
class Target:
    """One SSH server as typed: ``host`` may be an alias, no ``port`` or ``user`` is what the
    configuration says."""

    host: str
    port: int | None = None
    user: str = ""

    def __str__(self) -> str:
        name = f"[{self.host}]" if ":" in self.host and self.port else self.host
        port = f":{self.port}" if self.port else ""
        return f"{self.user}@{name}{port}" if self.user else f"{name}{port}"

    @property
    def place(self) -> str:
        """The key of ``Profile.trust`` for its host key."""
        return f"ssh:{self.host}:{self.port or SSH_PORT}"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A target with the configuration applied. ``key_name`` is what ``known_hosts`` calls it,
    ``known_hosts`` the files that the configuration names instead of the usual ones; ``jumps`` lead
    to it, the first one first."""

    target: Target
    address: str
    port: int
    user: str
    key_name: str
    jumps: tuple[Target, ...]
    own_algorithms: bool = False
    known_hosts: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """For people: ``ssh mailadmin@mx1.example.org:2222``."""
        port = f":{self.port}" if self.port != SSH_PORT else ""
        return f"ssh {self.user}@{self.target.host}{port}"


def target_of(profile: Profile) -> Target:
    """The server that a profile names."""
    return Target(profile.host, profile.port, profile.user)


def parse_target(text: str) -> Target:
    """``[USER@]HOST[:PORT]``, an IPv6 address in brackets when a port follows. Raises UsageError."""
    user, _, rest = text.strip().removeprefix("ssh://").rpartition("@")
    if rest.startswith("["):
        host, _, after = rest[1:].partition("]")
        port = after.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    else:
        host, port = rest, ""
    if not host or host.startswith("-") or any(c.isspace() for c in text.strip()):
        raise UsageError(f"{text!r} is not a host", where="jump", remedy="Use [USER@]HOST[:PORT].")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise UsageError(f"{port!r} is not a port", where="jump", remedy="Use 1 to 65535.")
    return Target(host, int(port) if port else None, user)


def parse_jumps(text: str) -> tuple[Target, ...]:
    """Jump hosts as ssh's ``-J`` takes them; ``none`` and nothing are none. Raises UsageError."""
    if text.strip().lower() in ("", "none"):
        return ()
    jumps = tuple(parse_target(part) for part in text.split(","))
    if len(jumps) > MOST_JUMPS:
        raise UsageError(f"more than {MOST_JUMPS} jump hosts", where="jump")
    return jumps


def config_files() -> list[str]:
    """The configuration files that can be read, the user's before the system's."""
    files = (Path.home() / ".ssh" / "config", _SYSTEM_CONFIG)
    return [str(path) for path in files if os.access(path, os.R_OK)]


async def resolve(target: Target, jump: str = "") -> Resolved:
    """Apply the configuration. ``jump`` as typed counts more than ``ProxyJump``. Raises UsageError
    for a configuration that cannot be read."""
    try:
        options = await asyncssh.SSHClientConnectionOptions.construct(
            **typed(target), config=config_files(), client_keys=None, agent_path=None
        )
    except (ValueError, OSError, asyncssh.Error) as error:
        raise as_ours(error, f"ssh {target}") from error
    jumps = jump or (options.tunnel if isinstance(options.tunnel, str) else "")
    return Resolved(
        target=target,
        address=options.host,
        port=options.port,
        user=options.username,
        key_name=options.host_key_alias or options.host,
        jumps=parse_jumps(jumps),
        own_algorithms=bool(options.config.get("HostKeyAlgorithms")),
        known_hosts=_files(options.known_hosts),
    )


def _files(found: object) -> tuple[str, ...]:
    return tuple(map(str, found)) if isinstance(found, list) else ()


def typed(target: Target) -> dict[str, Any]:
    """The arguments for asyncssh of what was typed; the configuration fills in the rest."""
    given: dict[str, Any] = {"host": target.host}
    if target.port:
        given["port"] = target.port
    if target.user:
        given["username"] = target.user
    return given
