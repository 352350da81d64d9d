"""The demo: a real mail server, a real outside world, and people who write mail.

All of it runs in one event loop on loopback, in one data folder.
"""

from __future__ import annotations

import secrets
import ssl
from dataclasses import replace

from smtpadmin.builtin.config import Limits, Schedule, ServerConfig
from smtpadmin.builtin.demo_traffic import INSIDE, Traffic
from smtpadmin.builtin.demo_world import DemoWorld
from smtpadmin.builtin.passwords import make_record
from smtpadmin.builtin.server import MailServer
from smtpadmin.settings.server_tls import ca_path, server_context
from smtpadmin.util.tasks import TaskOwner

HOSTNAME = f"mail.{INSIDE}"
USER = "demo"
LOCAL_DOMAINS = {INSIDE: None, f"lists.{INSIDE}": frozenset({"staff"})}
SCHEDULE = Schedule(
    retry_s=(5, 10, 20, 30, 60, 120), expire_s=12 * 60, delay_notice_s=3 * 60, jitter=0.3
)
"""Minutes instead of days, so that delays and give-ups are seen while one looks."""


class Demo:
    """Starts and stops it. ``base`` says where data and ports are; the rest is the demo's own."""

    def __init__(self, base: ServerConfig) -> None:
        self._base = base
        self.world = DemoWorld()
        self._tasks = TaskOwner("demo")
        self.server: MailServer
        self.login = (USER, secrets.token_urlsafe(12))

    async def start(self) -> MailServer:
        """The running server; mail flows once :meth:`begin_traffic` is called. Raises what
        :meth:`MailServer.start` raises."""
        try:
            await self.world.start(server_context(self._base.data / "tls", HOSTNAME))
            self.server = MailServer(self._config())
            await self.server.start()
        except BaseException:
            await self.world.stop()
            raise
        return self.server

    def _config(self) -> ServerConfig:
        user, password = self.login
        return replace(
            self._base,
            hostname=HOSTNAME,
            local_domains=LOCAL_DOMAINS,
            routes=self.world.routes,
            users={user: make_record(password)},
            hold_senders=("*@acme-payments.example",),
            schedule=SCHEDULE,
            limits=Limits(deliveries=40),
            dns_servers=(self.world.dns,),
        )

    def begin_traffic(self) -> None:
        """Let people write."""
        trusting = ssl.create_default_context(cafile=str(ca_path(self._base.data / "tls")))
        traffic = Traffic(self.server.smtp, self.login, trusting)
        self._tasks.spawn("traffic", traffic.run())

    async def stop(self) -> None:
        """Stop people, server and world."""
        await self._tasks.close()
        await self.server.stop()
        await self.world.stop()
