"""Opens the connections of a load test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from smtpadmin.formats.load_script import LoadScript
from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.load import LoadTarget
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.load_smtp import LoadConnection, LoadCounter

CONNECT_S = 20.0


async def open_connection(
    counter: LoadCounter,
    script: LoadScript,
    target: LoadTarget,
    tls: ssl.SSLContext | None,
) -> LoadConnection:
    """A TCP connection to the first address that answers, with TLS when that is implicit; nothing is
    said yet. Raises UnreachableError."""
    try:
        async with asyncio.timeout(CONNECT_S):
            for address in target.addresses[:-1]:
                with contextlib.suppress(OSError):
                    return await _connected(counter, script, target, tls, address)
            return await _connected(counter, script, target, tls, target.addresses[-1])
    except TimeoutError as error:
        raise UnreachableError(f"no connection within {CONNECT_S:g} s") from error
    except OSError as error:  # ssl.SSLError is one
        raise UnreachableError(f"cannot connect ({error.strerror or error})") from error


async def _connected(
    counter: LoadCounter,
    script: LoadScript,
    target: LoadTarget,
    tls: ssl.SSLContext | None,
    address: str,
) -> LoadConnection:
    loop = asyncio.get_running_loop()
    implicit = target.tls is TlsMode.IMPLICIT
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        sock.setblocking(False)
        # Not create_connection() alone, which looks for names: much of a short connection's work.
        await loop.sock_connect(sock, (address, target.port))
        _, connection = await loop.create_connection(
            lambda: LoadConnection(counter, script),
            sock=sock,
            ssl=tls if implicit else None,
            server_hostname=target.host if implicit else None,
        )
    except BaseException:
        sock.close()
        raise
    connection.address = address
    return connection
