"""One link for all, opened anew when broken, failures shared and not hammered."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from smtpadmin.model.errors import LoginError, SmtpadminError, UnreachableError
from smtpadmin.transport.ssh_connect import SshLink
from smtpadmin.transport.ssh_keeper import LinkKeeper
from smtpadmin.util.backoff import Backoff


class Server:
    """Opens links, or fails as long as it is told."""

    def __init__(self) -> None:
        self.opened = 0
        self.failure: BaseException | None = None
        self.takes = 0.0

    async def connect(self) -> SshLink:
        self.opened += 1
        await asyncio.sleep(self.takes)
        if self.failure is not None:
            raise self.failure
        return SshLink([], "x")


def keeper(server: Server) -> LinkKeeper:
    return LinkKeeper(server.connect, "x", backoff=Backoff(0.2, 1.0, random.Random(1)))


async def test_all_share_one() -> None:
    server = Server()
    kept = keeper(server)
    links = await asyncio.gather(*(kept.link() for _ in range(10)))
    assert len({id(link) for link in links}) == 1
    assert server.opened == 1
    await kept.close()


async def test_a_lost_one_is_opened_anew() -> None:
    server = Server()
    kept = keeper(server)
    (await kept.link()).lost = True
    assert not (await kept.link()).lost
    assert server.opened == 2
    await kept.close()


async def test_who_gives_up_does_not_take_it_from_the_others() -> None:
    server = Server()
    server.takes = 0.1
    kept = keeper(server)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await kept.link()
    await kept.link()
    assert server.opened == 1
    await kept.close()


async def test_the_next_try_waits_after_a_failure() -> None:
    server = Server()
    server.failure = UnreachableError("down")
    kept = keeper(server)
    with pytest.raises(UnreachableError):
        await kept.link()
    server.failure = None
    begun = time.monotonic()
    await kept.link()
    assert time.monotonic() - begun > 0.1
    await kept.close()


async def test_a_refused_login_is_not_tried_again_at_once() -> None:
    server = Server()
    server.failure = LoginError("wrong password")
    kept = keeper(server)
    for _ in range(5):
        with pytest.raises(LoginError):
            await kept.link()
    assert server.opened == 1
    server.failure = None
    await asyncio.sleep(0.25)
    await kept.link()
    await kept.close()


async def test_closing_ends_the_opening_and_who_waits_for_it() -> None:
    server = Server()
    server.takes = 30
    kept = keeper(server)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_failure(kept))
        await asyncio.sleep(0.01)
        await kept.close()
    assert isinstance(waiting.result(), UnreachableError)
    assert isinstance(await _failure(kept), UnreachableError)


async def _failure(kept: LinkKeeper) -> SmtpadminError | None:
    try:
        await kept.link()
    except SmtpadminError as error:
        return error
    return None


@pytest.mark.expects_log
async def test_a_bug_of_ours_is_reported() -> None:
    server = Server()
    server.failure = ZeroDivisionError("oops")
    kept = keeper(server)
    with pytest.raises(ZeroDivisionError):
        await kept.link()
    await kept.close()
