"""Opens the ports of the catch server and makes a session for each client; too many hear 421."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import ssl
from collections.abc import Callable

from smtpadmin.model.errors import NotPermittedError, UsageError
from smtpadmin.transport.catch_hooks import CatchOwner
from smtpadmin.transport.catch_smtp import CatchSession

TOO_MANY = b"421 4.3.2 Too many connections, try again later\r\n"
BACKLOG = 512
Address = tuple[str, int]


class CatchListener:
    """The ports of one catch server. ``sessions`` are those that last."""

    def __init__(self, owner: CatchOwner, hostname: str, most_sessions: int) -> None:
        self.sessions: set[CatchSession] = set()
        self._owner = owner
        self._hostname = hostname
        self._most = most_sessions
        self._listeners: list[asyncio.Server] = []

    async def open(
        self, address: Address, tls: ssl.SSLContext | None, *, implicit: bool, outside: bool = False
    ) -> Address:
        """Listen there; gives the address with the port that it got. Raises UsageError for a port
        that cannot be had, NotPermittedError for an address that others reach unless ``outside``."""
        if not outside and not is_loopback(address[0]):
            raise NotPermittedError(
                "others could reach the catch server there, and it takes everything",
                where=f"{address[0]}:{address[1]}",
                remedy="Use 127.0.0.1, or allow it explicitly.",
            )
        try:
            listener = await asyncio.get_running_loop().create_server(
                self._factory(tls, implicit), *address, backlog=BACKLOG
            )
        except OSError as error:
            raise UsageError(
                f"cannot listen there ({_why(error)})",
                where=f"{address[0]}:{address[1]}",
                remedy="Stop what uses the port, or choose another one.",
            ) from error
        self._listeners.append(listener)
        name = listener.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    async def close(self) -> None:
        """Take no more clients, send those who are here away, and wait until they have gone."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        await asyncio.gather(*(session.end() for session in tuple(self.sessions)))

    def _factory(
        self, tls: ssl.SSLContext | None, implicit: bool
    ) -> Callable[[], asyncio.BaseProtocol]:
        def make() -> asyncio.BaseProtocol:
            if len(self.sessions) >= self._most:
                return _Refusal()
            session = CatchSession(
                self._owner,
                tls_context=tls,
                implicit_tls=implicit,
                hostname=self._hostname,
                live=self.sessions,
                loop=asyncio.get_running_loop(),
            )
            # Now, not when it has begun: a flood is accepted in one go.
            self.sessions.add(session)
            return session

        return make


def _why(error: OSError) -> str:
    """The system's own words: asyncio's repeat the address."""
    known = error.errno is not None and error.errno > 0
    return os.strerror(error.errno) if known and error.errno else error.strerror or str(error)


class _Refusal(asyncio.Protocol):
    """Says 421 and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(TOO_MANY)
        transport.close()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address to listen on. A name other than ``localhost``
    is not asked for, and does not count."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
