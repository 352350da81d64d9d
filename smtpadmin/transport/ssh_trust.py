"""Whether a host key is trusted: ``known_hosts`` (sshd(8)), or the fingerprint that was accepted.

Unknown is a question, changed is a stop. Checking is never off, whatever ``~/.ssh/config`` says.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import asyncssh
from asyncssh.public_key import get_default_public_key_algs

from smtpadmin.formats.fingerprint import openssh_form
from smtpadmin.model.errors import UntrustedError
from smtpadmin.transport.ssh_options import SSH_PORT, Resolved

MOST_KNOWN_HOSTS = 16 * 1024 * 1024
log = logging.getLogger(__name__)


Keys = list[asyncssh.SSHKey]


class Known(NamedTuple):
    """What ``known_hosts`` holds for a host. ``exactly`` is false when it was found only under the
    name without the port."""

    keys: Keys
    authorities: Keys
    revoked: Keys
    exactly: bool


def hex_fingerprint(key: asyncssh.SSHKey) -> str:
    """SHA-256 of the public key, hex, as ``Profile.trust`` keeps it."""
    return hashlib.sha256(key.public_data).hexdigest()


def known_hosts_files() -> list[Path]:
    """The user's files and the system's."""
    own, system = Path.home() / ".ssh", Path("/etc/ssh")
    names = ("known_hosts", "known_hosts2")
    return [own / n for n in names] + [system / f"ssh_{n}" for n in names]


def look_up(host: str, port: int, files: Iterable[Path] | None = None) -> Known:
    """What is known of a host. A line that cannot be read counts as none; ``ssh`` does the same."""
    entries = asyncssh.SSHKnownHosts()
    for path in known_hosts_files() if files is None else files:
        _load(entries, path)
    exact = host if port == SSH_PORT else f"[{host}]:{port}"
    found = _match(entries, exact)
    if exact == host or any(found[:2]):
        return Known(*found, True)
    return Known(*_match(entries, host), False)


def _match(entries: asyncssh.SSHKnownHosts, name: str) -> tuple[Keys, Keys, Keys]:
    keys, authorities, revoked, *_ = entries.match(name.lower(), "", None)
    return list(keys), list(authorities), list(revoked)


def _load(entries: asyncssh.SSHKnownHosts, path: Path) -> None:
    if not os.access(path, os.R_OK) or not path.is_file():
        return
    with path.open("rb") as file:
        text = file.read(MOST_KNOWN_HOSTS).decode("utf-8", "replace")
    for line in text.split("\n"):
        try:
            entries.load(line)
        except ValueError:
            log.debug("a line of %s is not understood", path)


class HostKeyCheck:
    """Decides on the key that one server shows; afterwards knows why it said no."""

    def __init__(self, resolved: Resolved, trust: Mapping[str, str]) -> None:
        self._resolved = resolved
        self._accepted = trust.get(resolved.target.place, "").replace(":", "").lower()
        files = tuple(Path(name).expanduser() for name in resolved.known_hosts)
        self._known = look_up(resolved.key_name, resolved.port, files or None)
        self._shown: asyncssh.SSHKey | None = None

    def known(self, _host: str, _addr: str, _port: int | None) -> tuple[Keys, Keys, Keys]:
        """For asyncssh: trusted keys, certificate authorities and revoked keys."""
        return self._known.keys, self._known.authorities, self._known.revoked

    def algorithms(self) -> list[str] | None:
        """Host key algorithms to ask for, those of known keys first; None leaves it to asyncssh,
        which asks for certificates where an authority is known."""
        if self._known.authorities or self._resolved.own_algorithms:
            return None
        names = [a for key in self._known.keys for a in key.sig_algorithms]
        return [a.decode("ascii") for a in dict.fromkeys([*names, *get_default_public_key_algs()])]

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Whether a key that ``known_hosts`` does not hold is the accepted one."""
        self._shown = key
        return bool(self._accepted) and hex_fingerprint(key) == self._accepted

    def refusal(self) -> UntrustedError:
        """The error to raise after a key was refused."""
        where = self._resolved.where
        found = hex_fingerprint(self._shown) if self._shown is not None else ""
        if self._shown is None or self._shown in self._known.revoked:
            return UntrustedError(
                "the host key is revoked, or its certificate is not valid",
                where=where,
                remedy="Ask the server's administrator; do not go on.",
                changed=True,
            )
        kind = self._shown.get_algorithm()
        shown = f"{kind} {openssh_form(found)}"
        if self._accepted or (self._known.keys and self._known.exactly):
            return UntrustedError(
                f"the host key has changed; it is now {shown}",
                where=where,
                remedy="Ask the server's administrator; do not go on before you know why."
                f"{self._how_to_forget()}",
                fingerprint=found,
                changed=True,
                place=self._resolved.target.place,
            )
        return UntrustedError(
            f"the host key is not known: {shown}",
            where=where,
            remedy="Compare it with ssh-keygen -l on the server before you trust it.",
            fingerprint=found,
            place=self._resolved.target.place,
        )

    def _how_to_forget(self) -> str:
        if self._accepted:
            return ""
        name, port = self._resolved.key_name, self._resolved.port
        entry = name if port == SSH_PORT else f"'[{name}]:{port}'"
        return f" If it is right: ssh-keygen -R {entry}"
