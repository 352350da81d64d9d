"""An SMTP server over implicit TLS, in a thread, that never answers the client's TLS goodbye."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

DEADLINE_S = 20.0


@contextmanager
def rude_tls_server(
    context: ssl.SSLContext, replies: Sequence[bytes], *, connections: int = 1
) -> Iterator[int]:
    """Say the first reply at once and the next after each line of the client (after its last dot
    once 354 was said), then keep the connection open without reading. Gives the port."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(DEADLINE_S)
    servers = [
        threading.Thread(target=_serve, args=(listener, context, replies, over))
        for _ in range(connections)
    ]
    for server in servers:
        server.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        for server in servers:
            server.join()
        listener.close()


def _serve(
    listener: socket.socket,
    context: ssl.SSLContext,
    replies: Sequence[bytes],
    over: threading.Event,
) -> None:
    accepted, _ = listener.accept()
    accepted.settimeout(DEADLINE_S)
    with context.wrap_socket(accepted, server_side=True) as talk, talk.makefile("rb") as lines:
        for number, reply in enumerate(replies):
            if number and replies[number - 1].startswith(b"354"):
                while lines.readline() != b".\r\n":
                    pass
            elif number:
                lines.readline()
            talk.sendall(reply)
        over.wait(DEADLINE_S)
