"""The demo's mail server as a child process, and the profile that reaches it."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from smtpadmin.model.errors import StorageError
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode

START_S = 30.0
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A running child. Its standard input is our hold on it: when we end, it ends."""

    process: asyncio.subprocess.Process
    profile: Profile
    secrets: dict[str, str]

    async def stop(self) -> None:
        """End it, politely first."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start_demo() -> DemoServer:
    """Start the demo's server with real traffic; it is ready when this returns.

    Raises StorageError with what it said when it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "smtpadmin", "serve", "--demo", "--json", "--exit-with-parent",
        "--smtp", "127.0.0.1:0", "--admin", "127.0.0.1:0",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
    except TimeoutError:
        process.kill()
        line = b""
    if not line:
        words = (await process.stderr.read()).decode("utf-8", "replace").strip()
        raise StorageError(
            f"the demo server did not start: {words[-500:] or 'no answer'}",
            remedy="Try smtpadmin serve --demo in a terminal.",
        )
    ready = json.loads(line)
    return DemoServer(process, _profile(ready), {"token": await _token(ready)})


async def _token(ready: dict[str, Any]) -> str:
    text = await asyncio.to_thread(Path(ready["token_file"]).read_text, "ascii")
    return text.strip()


def _profile(ready: dict[str, Any]) -> Profile:
    host, _, port = str(ready["smtp"]).rpartition(":")
    return Profile(
        uuid=str(uuid.uuid4()),
        name="mail.acme.example",
        kind="builtin",
        host=host,
        port=int(port),
        tls=TlsMode.STARTTLS,
        environment=Environment.TEST,
        safety=SafetyLevel.CONFIRM,
        settings=MappingProxyType(
            {"admin": ready["admin"], "smtp": ready["smtp"], "ca_file": ready["ca_file"]}
        ),
    )
