"""The demo: a real mail server, a real outside world, and people who write mail."""

from __future__ import annotations

import secrets
import ssl
from dataclasses import replace
from pathlib import Path

from smtpadmin.builtin.config import Limits, Schedule, ServerConfig
from smtpadmin.builtin.demo_traffic import Traffic
from smtpadmin.builtin.demo_world import DemoWorld
from smtpadmin.builtin.passwords import make_record
from smtpadmin.builtin.server import MailServer
from smtpadmin.builtin.tls import ca_path, server_context
from smtpadmin.util.tasks import TaskOwner

HOSTNAME = "mail.acme.example"
USER = "demo"
SCHEDULE = Schedule(retry_s=(8, 12, 20, 30, 60, 120, 300), expire_s=30 * 60, delay_notice_s=10 * 60)


class Demo:
    """Starts and stops all of it in one data folder."""

    def __init__(self, base: ServerConfig) -> None:
        self._base = base
        self._world = DemoWorld()
        self._tasks = TaskOwner("demo")
        self.server: MailServer

    async def start(self) -> MailServer:
        """The running server; mail begins to flow when :meth:`begin_traffic` is called."""
        tls_folder = self._base.data / "tls"
        await self._world.start(server_context(tls_folder, HOSTNAME))
        self._password = secrets.token_urlsafe(12)
        config = replace(
            self._base,
            hostname=HOSTNAME,
            local_domains={"acme.example": None},
            routes=self._world.routes,
            users={USER: make_record(self._password)},
            relay_networks=(),
            hold_senders=("*@acme-payments.example",),
            schedule=SCHEDULE,
            limits=Limits(deliveries=40),
            dns_servers=(self._world.dns,),
        )
        self.server = MailServer(config)
        await self.server.start()
        return self.server

    def begin_traffic(self) -> None:
        """Let people write."""
        context = _client_context(ca_path(self._base.data / "tls"))
        traffic = Traffic(self.server.smtp, (USER, self._password), context)
        self._tasks.spawn("traffic", traffic.run())

    async def stop(self) -> None:
        """Stop people, server and world."""
        await self._tasks.close()
        await self.server.stop()
        await self._world.stop()


def _client_context(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))
