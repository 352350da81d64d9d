"""Exim over a real SSH server: an account that may run it by sudo, and one that may not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.connectors.exim import EximServer
from smtpadmin.model.errors import NotPermittedError, UnreachableError
from smtpadmin.model.queue import QueueAction, QueueEntry, StoredMessage
from smtpadmin.model.routing import SessionEnvelope
from smtpadmin.transport.privileges import sudo_refused
from tests.servers.exim import Exim, as_the_default, running_exim
from tests.servers.sshd import Account, Sshd, account, sshd_running, write_sudoers
from tests.support.waiting import until

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def running() -> Iterator[Exim]:
    with running_exim() as exim:
        yield exim


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with sshd_running() as server:
        yield server


@pytest.fixture
def exim(running: Exim) -> Exim:
    running.empty()
    return running


@pytest.fixture(scope="module")
def by_sudo(sshd: Sshd, running: Exim) -> Iterator[Account]:
    commands = f"{running.binary}, /usr/bin/tail, /usr/bin/find, /usr/bin/cat"
    with account(sshd, sudoers=f"USER ALL=(root) NOPASSWD: {commands}") as user:
        yield user


@contextlib.asynccontextmanager
async def connected(
    sshd: Sshd, exim: Exim, user: Account, **settings: str
) -> AsyncIterator[EximServer]:
    own = {**exim.profile().settings, **settings, "access": "ssh"}
    profile = replace(sshd.profile(user, **own), kind="exim", name="ex1")
    server = EximServer(profile, {})
    try:
        yield server
    finally:
        await server.close()


async def listed(server: EximServer) -> dict[str, QueueEntry]:
    return {e.queue_id: e async for batch in server.list_queue() for e in batch}


async def test_everything_by_sudo(sshd: Sshd, exim: Exim, by_sudo: Account) -> None:
    stays, held, sent, doomed, bounced = (exim.put("u@down.test") for _ in range(5))
    async with connected(sshd, exim, by_sudo) as server:
        assert (await server.probe()).facts["Administrator"] == "by sudo"
        assert (await server.queue_counts()).total == 5
        rows = await listed(server)
        for action, queue_id in {
            QueueAction.HOLD: held,
            QueueAction.RETRY: sent,
            QueueAction.DELETE: doomed,
            QueueAction.BOUNCE: bounced,
        }.items():
            (result,) = await server.act(action, [rows[queue_id]])
            assert result.ok, (action, result.message)
        left = await listed(server)
        assert {stays, held, sent} <= set(left)
        assert not {doomed, bounced} & set(left)
        assert left[held].frozen
        (result,) = await server.act(QueueAction.RELEASE, [left[held]])
        assert result.ok
        message = await server.fetch_message(stays)
        assert message.recipients == ("u@down.test",)
        assert await server.fetch_message_log(stays)
        copy = StoredMessage(doomed, "", ('"$(reboot)"@down.test', "-x@down.test"), message.raw)
        new_id = await server.reinject(copy)
        back = await server.fetch_message(new_id)
        assert (back.sender, back.recipients) == ("", copy.recipients)
        assert back.raw.partition(b"\n\n")[2] == message.raw.partition(b"\n\n")[2]
        records = [r async for batch in server.read_log() for r in batch]
        assert any(r.queue_id == stays for r in records)
        assert await server.test_routing("u@good.test")
        session = await server.fake_session(
            "192.0.2.1", SessionEnvelope("c", "", ("$(id)@x.test",))
        )
        assert session.refused
        assert await server.advice() == []


async def test_an_account_that_may_nothing_is_told_the_line_it_lacks(
    sshd: Sshd, exim: Exim
) -> None:
    waiting = exim.put("u@down.test")
    entry = QueueEntry(waiting, "deferred", None, None, "")
    with account(sshd) as user:
        async with connected(sshd, exim, user) as server:
            assert (await server.probe()).facts["Administrator"] == "not at all"
            for call in (
                lambda: listed(server),
                server.queue_counts,
                lambda: server.act(QueueAction.DELETE, [entry]),
                lambda: server.fetch_message(waiting),
                lambda: server.reinject(StoredMessage(waiting, "", ("u@down.test",), b"\n")),
            ):
                with pytest.raises(NotPermittedError) as caught:
                    await call()
                line = f"{user.name} ALL=(root) NOPASSWD: {exim.binary} -C"
                assert line in caught.value.remedy
            assert (await server.test_routing("u@good.test"))[0].outcome == "delivers"
            with pytest.raises(NotPermittedError, match="log may not be read"):
                await anext(aiter(server.follow_log()))
            with pytest.raises(NotPermittedError, match="log may not be read"):
                await anext(aiter(server.read_log()))
            advice = await server.advice()
            assert [one.summary for one in advice] == ["the account is no administrator of Exim"]
    assert exim.ids() == [waiting]


async def test_the_lines_that_are_told_are_enough_to_list_look_and_act(
    sshd: Sshd, exim: Exim
) -> None:
    one, two = exim.put("u@down.test"), exim.put("v@down.test")
    with account(sshd) as user:
        async with connected(sshd, exim, user) as server:
            with pytest.raises(NotPermittedError) as caught:
                await listed(server)
        rules = Path(f"/etc/sudoers.d/smtpadmin-test-{user.name}")
        write_sudoers(rules, caught.value.remedy.partition("(visudo -f): ")[2])
        try:
            async with connected(sshd, exim, user) as server:
                rows = await listed(server)
                assert (await server.queue_counts()).total == 2
                for action in (QueueAction.HOLD, QueueAction.RELEASE, QueueAction.RETRY):
                    results = await server.act(action, [rows[one], rows[two]])
                    assert all(result.ok for result in results), (action, results)
                message = await server.fetch_message(one)
                assert await server.fetch_message_log(two)
                (bounced,) = await server.act(QueueAction.BOUNCE, [rows[one]])
                (deleted,) = await server.act(QueueAction.DELETE, [rows[two]])
                assert bounced.ok
                assert deleted.ok
                with pytest.raises(NotPermittedError, match="put a message back"):
                    await server.reinject(message)
                runner = server._exim.runner
                for args in (["-bp", "-C", "evil"], ["-Mvh", one, "-C", "evil"], ["-be", "x"],
                             ["-Mf", one, "-C", "/tmp/evil"], ["-C", "/tmp/evil", "-bpr"]):  # fmt: skip
                    argv = [str(exim.binary), "-C", str(exim.config), *args]
                    assert sudo_refused(await runner.run(argv, privileged=True)), args
        finally:
            rules.unlink()


async def test_listing_without_rights_where_exim_allows_it(sshd: Sshd) -> None:
    with running_exim(list_requires_admin=False) as exim, account(sshd) as user:
        waiting = exim.put("u@down.test")
        async with connected(sshd, exim, user) as server:
            with pytest.raises(NotPermittedError):  # with -C Exim would show an empty queue
                await listed(server)
        with as_the_default(exim):
            async with connected(sshd, exim, user, config="") as server:
                assert set(await listed(server)) == {waiting}
                assert (await server.queue_counts()).total == 1
                with pytest.raises(NotPermittedError):
                    await server.fetch_message(waiting)


async def test_a_connection_that_is_cut_while_following_is_a_typed_error_and_comes_back(
    sshd: Sshd, exim: Exim, by_sudo: Account
) -> None:
    async with connected(sshd, exim, by_sudo) as server:
        lines: list[str] = []

        async def follow() -> None:
            async for batch in server.follow_log():
                lines.extend(record.raw for record in batch)

        async def cut() -> None:
            try:
                await until(lambda: exim.put("u@down.test") and lines, 20)
            finally:
                sshd.cut()

        async with asyncio.timeout(60):
            followed, _ = await asyncio.gather(follow(), cut(), return_exceptions=True)
        assert isinstance(followed, UnreachableError), followed
        assert lines
        assert set(await listed(server)) == set(exim.ids())
