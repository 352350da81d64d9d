"""A greylisting policy service, as Postfix asks one (SMTPD_POLICY_README): the first try of a
client, sender and recipient is put off, the next one is let through."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Greylisting:
    """``listed`` are the recipients whose mail is put off once; the others' is not."""

    port: int = 0
    listed: frozenset[str] = frozenset()
    seen: set[tuple[str, ...]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def action(self, asked: dict[str, str]) -> str:
        """What Postfix should do."""
        triplet = tuple(asked.get(name, "") for name in ("client_address", "sender", "recipient"))
        with self.lock:
            first = triplet not in self.seen
            self.seen.add(triplet)
        if first and triplet[2] in self.listed:
            return "450 4.7.1 Greylisted, please try again later"
        return "DUNNO"

    def forget(self) -> None:
        """Everybody is new again."""
        with self.lock:
            self.seen.clear()


@contextmanager
def running_greylisting(*listed: str) -> Iterator[Greylisting]:
    """On a free loopback port until the end of the block."""
    service = Greylisting(listed=frozenset(listed))

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked: dict[str, str] = {}
            while line := self.rfile.readline(4096):
                name, equals, value = line.decode("utf-8", "replace").rstrip("\n").partition("=")
                if equals:
                    asked[name] = value
                else:
                    self.wfile.write(f"action={service.action(asked)}\n\n".encode())
                    asked = {}

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join(10)
