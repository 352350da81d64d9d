"""The way to a server, as a connected socket: straight, from a chosen address, over IPv4 or IPv6
alone, to a Unix socket, through a SOCKS or HTTP proxy, or from another machine (an SSH jump).

Whatever the way, the session above it is the same.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import urlsplit

from smtpadmin.model.errors import SmtpadminError, UnreachableError, UsageError
from smtpadmin.model.smtp import Stage
from smtpadmin.model.smtp_plan import Target
from smtpadmin.transport.smtp_connect import CONNECT_S, Address, Resolver, connect, named, resolve
from smtpadmin.util.tasks import TaskOwner

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
PROXIES = {"socks5": "SOCKS5", "socks4": "SOCKS4", "http": "HTTP"}
CHUNK = 64 * 1024


class Reader(Protocol):
    """What comes from the far side of a jump; nothing at its end."""

    def read(self, n: int = -1, /) -> Awaitable[bytes]:
        """At most ``n`` octets."""
        ...


class Writer(Protocol):
    """What goes to the far side of a jump."""

    def write(self, data: bytes, /) -> object:
        """Queue octets."""
        ...

    def drain(self) -> Awaitable[None]:
        """Wait until there is room."""
        ...

    def close(self) -> object:
        """Close it."""
        ...


Opener = Callable[[str, int], Awaitable[tuple[Reader, Writer]]]
"""Opens a connection to a host and port from another machine. Raises SmtpadminError or OSError."""
Enter = Callable[[Stage], None]
Note = Callable[[str], None]


@asynccontextmanager
async def open_route(
    target: Target,
    enter: Enter,
    note: Note,
    *,
    resolver: Resolver,
    opener: Opener | None = None,
    proxy_login: tuple[str, str] = ("", ""),
) -> AsyncIterator[tuple[socket.socket, str]]:
    """A connected socket, which whoever takes it closes, and the address it leads to. Raises
    UnreachableError, TotalDeadlineError and UsageError."""
    if opener is not None:
        async with _jump(target, opener, enter, note) as sock:
            yield sock, f"{target.host}:{target.port}"
    elif target.socket_path:
        enter(Stage.CONNECT)
        yield await _unix(target.socket_path, note), target.socket_path
    elif target.proxy_url:
        enter(Stage.CONNECT)
        yield await _proxied(target, note, proxy_login), f"{target.host}:{target.port}"
    else:
        yield await _straight(target, enter, note, resolver)


async def _straight(
    target: Target, enter: Enter, note: Note, resolver: Resolver
) -> tuple[socket.socket, str]:
    found = await resolve(target.host, target.port, resolver)
    addresses = _of_family(found, target)
    enter(Stage.CONNECT)
    return await connect(target.host, addresses, note, (target.source, target.source_port))


def _of_family(found: Sequence[Address], target: Target) -> Sequence[Address]:
    family = target.family
    if not family and target.source:
        family = 6 if ":" in target.source else 4
    if not family:
        return found
    addresses = [address for address in found if address[0] == FAMILIES[family]]
    if not addresses:
        others = ", ".join(named(address[4]) for address in found) or "none"
        raise UnreachableError(
            f"the name has no IPv{family} address (it has {others})",
            where=target.host,
            remedy=f"Leave out IPv{family}, or look at the name's A and AAAA records.",
        )
    return addresses


async def _unix(path: str, note: Note) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise UsageError("this system has no Unix sockets", where=path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        async with asyncio.timeout(CONNECT_S):
            await asyncio.get_running_loop().sock_connect(sock, path)
    except BaseException as error:
        sock.close()
        if isinstance(error, OSError):
            raise UnreachableError(
                f"cannot connect ({error.strerror or error})",
                where=path,
                remedy="Check the path, and that this account may use the socket.",
            ) from error
        raise
    note(f"connected to {path}")
    return sock


async def _proxied(target: Target, note: Note, login: tuple[str, str]) -> socket.socket:
    """The proxy resolves the name. ``login`` is its user and password."""
    from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
    from python_socks.async_.asyncio import Proxy

    kind, host, port = read_proxy_url(target.proxy_url)
    where = f"{kind.lower()}://{host}:{port}"
    proxy = Proxy(ProxyType[kind], host, port, login[0] or None, login[1] or None, rdns=True)
    try:
        sock = await proxy.connect(target.host, target.port, timeout=CONNECT_S)
    except (ProxyError, ProxyConnectionError, ProxyTimeoutError, OSError) as error:
        raise UnreachableError(
            f"no way through the proxy ({error})",
            where=where,
            remedy="Check that the proxy runs, and that it lets this host and port through.",
        ) from error
    note(f"connected to {target.host}:{target.port} through {where}")
    assert isinstance(sock, socket.socket)
    sock.setblocking(False)
    return sock


def read_proxy_url(url: str) -> tuple[str, str, int]:
    """Kind (SOCKS5, SOCKS4, HTTP), host and port. Raises UsageError; a password has no place here."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts = urlsplit("")
        host = port = None
    if parts.scheme not in PROXIES or not host or not port:
        raise UsageError(
            "this is no address of a proxy", where="proxy", remedy="Use socks5://host:port."
        )
    if parts.password:
        raise UsageError(
            "the proxy's password must not stand in its address",
            where="proxy",
            remedy="It would be saved and shown with it.",
        )
    return PROXIES[parts.scheme], host, port


@asynccontextmanager
async def _jump(
    target: Target, opener: Opener, enter: Enter, note: Note
) -> AsyncIterator[socket.socket]:
    """The far connection behind a local socket pair, so that TLS works on it as on any other."""
    enter(Stage.CONNECT)
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await opener(target.host, target.port)
    except SmtpadminError:
        raise
    except (OSError, TimeoutError) as error:
        raise UnreachableError(
            f"cannot connect from there ({str(error) or 'no answer in time'})",
            where=f"{target.host}:{target.port}",
            remedy="Check the port and firewalls as seen from that machine.",
        ) from error
    note(f"connected to {target.host}:{target.port} from the other machine")
    near, far = socket.socketpair()
    near.setblocking(False)
    near_reader, near_writer = await asyncio.open_connection(sock=far)
    owner = TaskOwner("jump", lambda name, error: note(f"({name}: {error})"))
    owner.spawn("there", _pump(near_reader, writer))
    owner.spawn("back", _pump(reader, near_writer))
    try:
        yield near
    finally:
        await owner.close()
        writer.close()
        near_writer.close()


async def _pump(source: Reader, sink: Writer) -> None:
    """Carry octets until their end, or until either side breaks, which the session sees itself."""
    try:
        while octets := await source.read(CHUNK):
            sink.write(octets)
            await sink.drain()
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        sink.close()
