"""A well-behaved SMTP server (aiosmtpd) that keeps what it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

PASSWORD = "correct horse battery"


class Handler:
    def __init__(self) -> None:
        self.received: list[tuple[str, list[str], bytes]] = []

    async def handle_RCPT(
        self, server: SMTP, session: object, envelope: object, address: str, options: object
    ) -> str:
        if address.startswith("gone"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: object, envelope: object) -> str:
        e = envelope
        self.received.append((e.mail_from, e.rcpt_tos, e.content))  # type: ignore[attr-defined]
        return "250 2.0.0 Ok: queued as ABCDEF123456"


def authenticate(
    server: object, session: object, envelope: object, mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@asynccontextmanager
async def real_server(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False
) -> AsyncIterator[tuple[int, Handler]]:
    handler = Handler()
    loop = asyncio.get_running_loop()

    def factory() -> SMTP:
        return SMTP(
            handler, hostname="mx.example", loop=loop, enable_SMTPUTF8=True,
            tls_context=None if implicit else tls, authenticator=authenticate, auth_require_tls=False,
        )  # fmt: skip

    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=tls if implicit else None)
    try:
        yield server.sockets[0].getsockname()[1], handler
    finally:
        server.close()
