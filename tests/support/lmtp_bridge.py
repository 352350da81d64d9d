"""A next hop by SMTP that hands everything to a server by LMTP, as a mail hub does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP


class _Hand:
    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        self._deliver = deliver

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        head = (
            b"Received: from hub.other.example (hub.other.example [192.0.2.2]) by bridge.example; "
        )
        stamp = b"Mon, 2 Mar 2026 10:00:00 +0000\r\n"
        await asyncio.to_thread(self._deliver, head + stamp + envelope.content)
        return "250 2.0.0 Ok: queued as BR1DGE0001"


@asynccontextmanager
async def lmtp_bridge(deliver: Callable[[bytes], None]) -> AsyncIterator[int]:
    """Gives its port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(_Hand(deliver), hostname="bridge.example"), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
