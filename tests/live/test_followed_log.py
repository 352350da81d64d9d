"""A log of a real server as the Logs page gets it: every line once, through a rotation and a break."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import pytest

from smtpadmin.connectors.postfix import Postfix
from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Environment, Profile, SafetyLevel
from smtpadmin.services.log_follow import LogFollow
from smtpadmin.util.backoff import Backoff
from smtpadmin.util.tasks import TaskOwner
from tests.servers.postfix import PostfixInstance, running_postfix

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]


class Breaking:
    """A server whose connection is cut when it is told so."""

    def __init__(self, server: Postfix) -> None:
        self._server = server
        self.cut = asyncio.Event()

    def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        return self._server.read_log(since, until)

    async def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        async for batch in self._server.follow_log():
            yield batch
            if self.cut.is_set():
                self.cut.clear()
                raise UnreachableError("connection reset")


def written(instance: PostfixInstance) -> Counter[str]:
    """The lines of the log and of what was rotated away."""
    files = instance.log.parent.glob("mail.log*")
    return Counter(line for file in files for line in file.read_text().splitlines())


async def test_every_line_of_a_real_postfix_comes_once() -> None:
    with running_postfix() as lab:
        one = lab.short
        profile = Profile(
            "u", "mx1", "postfix", environment=Environment.TEST, safety=SafetyLevel.FREE,
            settings={"access": "local", "instance": str(one.etc)},
        )  # fmt: skip
        server = Breaking(Postfix(profile, {}))
        seen: list[LogRecord] = []
        owner = TaskOwner("test")
        follow = LogFollow(server, seen.extend, wait=0.01, backoff=Backoff(0.1, 0.5))
        one.send("x@good.test")
        owner.spawn("follow", follow.run())
        try:
            for step in range(12):
                one.send("x@good.test", subject=f"message {step}")
                if step == 4:
                    one.log.rename(one.log.with_suffix(".log.1"))
                    one.run("postfix", "reload")
                if step == 8:
                    server.cut.set()
                await asyncio.sleep(0.3)
            await settled(one, seen)
        finally:
            assert await owner.close() == ()
        assert Counter(record.raw for record in seen) == written(one)


async def settled(one: PostfixInstance, seen: list[LogRecord]) -> None:
    """Until all that was written is there, and a little longer."""
    deadline = time.monotonic() + 20
    while written(one) - Counter(record.raw for record in seen):
        assert time.monotonic() < deadline, written(one) - Counter(r.raw for r in seen)
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
