"""From a name to a connected socket, in two steps, so that a failure says which of them it was."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
from collections.abc import Callable, Sequence

from smtpadmin.model.errors import SmtpadminError, TotalDeadlineError, UnreachableError
from smtpadmin.util.tasks import run_blocking_for

RESOLVE_S = 10.0
CONNECT_S = 10.0
MOST_ADDRESSES = 4
_HOST_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]
"""One answer of ``getaddrinfo``."""
Resolver = Callable[[str, int], Sequence[Address]]
"""Addresses of a host and port. Blocking: it is called in a thread. Raises OSError."""


def system_resolver(host: str, port: int) -> Sequence[Address]:
    """What the operating system says: hosts file, DNS and whatever else it is set to ask."""
    return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)


async def resolve(host: str, port: int, resolver: Resolver) -> Sequence[Address]:
    """At most four addresses. Raises UnreachableError."""
    if resolver is system_resolver and _is_address(host):
        # Nothing is asked for these digits, so that no thread need wait for it.
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    try:
        found = await run_blocking_for(RESOLVE_S, resolver, host, port)
    except TotalDeadlineError as error:
        raise TotalDeadlineError(
            f"the name was not resolved within {RESOLVE_S:g} s",
            where=host,
            remedy="Check the name server of this machine.",
        ) from error
    except SmtpadminError:
        raise
    except (OSError, UnicodeError) as error:
        raise UnreachableError(
            f"the name cannot be resolved ({getattr(error, 'strerror', None) or error})",
            where=host,
            remedy="Check the spelling, and the name server of this machine.",
        ) from error
    return found[:MOST_ADDRESSES]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def connect(
    host: str,
    addresses: Sequence[Address],
    note: Callable[[str], None],
    source: tuple[str, int] = ("", 0),
) -> tuple[socket.socket, str]:
    """The first address that answers: its socket, which the caller closes, and its name. ``note``
    is told of each try; ``source`` is the address and port to come from. Raises UnreachableError."""
    why = "no address"
    port: object = ""
    for address in addresses:
        name, port = named(address[4]), address[4][1]
        try:
            async with asyncio.timeout(CONNECT_S):
                sock = await _connect_one(address, source)
        except TimeoutError:
            why = f"no answer within {CONNECT_S:g} s"
        except OSError as error:
            why = _why(error)
        else:
            note(f"connected to {name}")
            return sock, name
        note(f"{name}: {why}")
    raise UnreachableError(
        f"cannot connect ({why})",
        where=f"{host}:{port}" if port else host,
        remedy="Check that the server runs, the port, and firewalls in between.",
    )


async def _connect_one(address: Address, source: tuple[str, int]) -> socket.socket:
    family, kind, protocol, _, target = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        if any(source):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((source[0] or ("::" if family == socket.AF_INET6 else "0.0.0.0"), source[1]))
        await asyncio.get_running_loop().sock_connect(sock, target)
    except BaseException:
        sock.close()
        raise
    return sock


def named(target: Sequence[object]) -> str:
    """``192.0.2.1:25`` or ``[2001:db8::1]:25``."""
    host = f"[{target[0]}]" if ":" in str(target[0]) else target[0]
    return f"{host}:{target[1]}"


def _why(error: OSError) -> str:
    # asyncio words a refused connection as "Connect call failed ...": the system's words are plainer.
    return os.strerror(error.errno) if error.errno else str(error)


def own_name(sock: socket.socket) -> str:
    """What EHLO says: this machine's name when it is a full one, else its address (RFC 5321
    section 4.1.4). No lookup: that could hang, and would tell a name server."""
    name = socket.gethostname()
    if _HOST_NAME.fullmatch(name):
        return name
    address = str(sock.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
