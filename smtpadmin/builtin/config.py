"""What the built-in mail server is told: addresses, domains, routes, limits, schedule.

Knows no sockets and no files beyond their paths.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from smtpadmin.model.profile import TlsMode

Address = tuple[str, int]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: tuple[Network, ...] = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("::1/128"),
)


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a domain's mail goes: a fixed host (a smarthost, or an internal server)."""

    host: str
    port: int = 25
    tls: TlsMode = TlsMode.STARTTLS
    require_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = ""

    def __str__(self) -> str:
        """As logs and replies name it: ``mx.example.org[192.0.2.1]:25``."""
        return f"{self.name}[{self.host}]:{self.port}" if self.name else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused as too much. Sizes in octets, times in seconds.

    ``idle_s`` is the longest silence of a client, ``data_s`` the longest time for one message;
    with less than ``free_space`` left on the disk no mail is taken (the queue's own records need
    room to the end).
    """

    message_size: int = 25 * 1024 * 1024
    recipients: int = 1_000
    connections: int = 200
    idle_s: float = 300.0
    deliveries: int = 20
    hops: int = 50
    deliveries_per_destination: int = 5
    data_s: float = 1800.0
    login_failures: int = 5
    free_space: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a deferred message is tried again, and when the sender is told. All in seconds."""

    retry_s: tuple[float, ...] = (60, 120, 300, 900, 1800, 3600, 7200, 14400)
    expire_s: float = 5 * 86400
    delay_notice_s: float = 4 * 3600
    jitter: float = 0.1


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything that ``smtpadmin serve`` can be told.

    ``local_domains`` maps a domain to its mailboxes, or to None when any local part is accepted.
    ``routes`` maps a domain (or ``*``) to its next hop; a domain that is neither local nor routed
    goes to its mail exchangers. ``users`` maps a login to a password record of
    :mod:`smtpadmin.builtin.passwords`. Port 0 takes any free port.
    """

    data: Path
    smtp: Address = ("127.0.0.1", 2525)
    submission: Address | None = None
    admin: Address = ("127.0.0.1", 8025)
    hostname: str = "localhost"
    local_domains: Mapping[str, frozenset[str] | None] = field(
        default_factory=lambda: MappingProxyType({})
    )
    routes: Mapping[str, NextHop] = field(default_factory=lambda: MappingProxyType({}))
    users: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    relay_networks: tuple[Network, ...] = LOOPBACK
    hold_senders: tuple[str, ...] = ()
    limits: Limits = Limits()
    schedule: Schedule = Schedule()
    dns_servers: tuple[Address, ...] = ()
    auth_without_tls: bool = False
    mx_port: int = 25

    @property
    def spool_path(self) -> Path:
        """The spool's database."""
        return self.data / "spool.db"

    @property
    def mailbox_path(self) -> Path:
        """The folder of all Maildirs: ``<domain>/<local part>/``."""
        return self.data / "mailboxes"

    @property
    def log_path(self) -> Path:
        """The structured log."""
        return self.data / "log" / "mail.log"

    @property
    def token_path(self) -> Path:
        """The file with the admin API's bearer token."""
        return self.data / "admin-token"
