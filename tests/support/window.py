"""The real window on a real built-in server: one child process, its profile, and waiting."""

from __future__ import annotations

import asyncio
import json
import smtplib
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.profile import Environment, Profile, SafetyLevel

CLOSED_PORT = 9


@dataclass
class Served:
    """A running built-in server: what it printed, its token, and mail for it."""

    ready: dict[str, object]
    token: str

    @property
    def smtp(self) -> tuple[str, int]:
        host, _, port = str(self.ready["smtp"]).rpartition(":")
        return host, int(port)

    def submit(
        self, count: int, domain: str = "down.example", sender: str = "a@acme.example"
    ) -> None:
        with smtplib.SMTP(*self.smtp, timeout=20) as client:
            for number in range(count):
                text = f"Subject: message {number}\r\nMessage-ID: <{uuid.uuid4()}@acme.example>\r\n\r\nhello\r\n"
                client.sendmail(sender, [f"user{number}@{domain}"], text)

    def profile(
        self, *, safety: SafetyLevel = SafetyLevel.FREE,
        environment: Environment = Environment.TEST, name: str = "mx1.acme.example",
    ) -> Profile:  # fmt: skip
        settings = {
            "admin": str(self.ready["admin"]), "smtp": str(self.ready["smtp"]),
            "ca_file": str(self.ready["ca_file"]),
        }  # fmt: skip
        return Profile(
            str(uuid.uuid4()), name, "builtin", environment=environment, safety=safety,
            settings=MappingProxyType(settings),
        )  # fmt: skip


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """Start ``smtpadmin serve`` with one local domain and one whose next hop refuses."""
    process = subprocess.Popen(
        [sys.executable, "-m", "smtpadmin", "serve", "--json", "--exit-with-parent",
         "--smtp", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", str(folder),
         "--hostname", "mx1.acme.example", "--domain", "acme.example",
         "--route", f"down.example=127.0.0.1:{CLOSED_PORT}", "--retry", "1h"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        ready = json.loads(await asyncio.to_thread(process.stdout.readline))
        yield Served(ready, Path(ready["token_file"]).read_text("ascii").strip())
    finally:
        process.stdin.close()
        await asyncio.to_thread(process.wait, 20)
        process.stdout.close()


@asynccontextmanager
async def opened_window(
    server: Served | None = None, profile: Profile | None = None
) -> AsyncIterator[MainWindow]:
    """The main window, with the server's profile chosen."""
    workspace = Workspace()
    window = MainWindow(workspace)
    window.resize(1280, 800)
    window.show()
    try:
        await window.start(demo=False)
        if server is not None:
            profile = profile or server.profile()
            await workspace.demo_profiles.add(profile, {"token": server.token})
            await workspace.reload()
            await window.open_server(profile.uuid)
        yield window
    finally:
        await window.close_for_good()
        await workspace.close()
        window.deleteLater()
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], timeout: float = 15.0) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.02)
