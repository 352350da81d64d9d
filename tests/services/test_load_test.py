"""Whole runs: who may be tested, figures, errors, an end at once; against smtp-sink, too."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from smtpadmin.model.errors import NotPermittedError, StorageError, UsageError
from smtpadmin.model.load import LoadFigures, LoadPlan, LoadTarget
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from smtpadmin.services.load_test import LoadTest, check_plan, permitted_target
from smtpadmin.util.tasks import TaskOwner
from tests.support.catch import catching, program
from tests.support.odd_server import odd_server, script


def profile(environment: Environment, safety: SafetyLevel) -> Profile:
    return Profile("u", "mx1", "smtp", environment=environment, safety=safety)


@pytest.mark.parametrize(
    ("environment", "safety", "says_so", "permitted"),
    [
        (Environment.PRODUCTION, SafetyLevel.FREE, True, False),
        (Environment.STAGING, SafetyLevel.READ_ONLY, True, False),
        (Environment.STAGING, SafetyLevel.CONFIRM, False, False),
        (Environment.STAGING, SafetyLevel.CONFIRM, True, True),
        (Environment.TEST, SafetyLevel.FREE, False, True),
    ],
)
async def test_which_profiles_may_be_tested(
    environment: Environment, safety: SafetyLevel, says_so: bool, permitted: bool
) -> None:
    asked = permitted_target(
        "192.0.2.1", 25, profile=profile(environment, safety), i_own_this_server=says_so
    )
    if permitted:
        assert (await asked).addresses == ("192.0.2.1",)
    else:
        with pytest.raises(NotPermittedError):
            await asked


async def test_loopback_is_ones_own_and_any_other_host_needs_the_word() -> None:
    assert (await permitted_target("localhost", 25)).host == "localhost"
    assert (await permitted_target("127.0.0.9", 25)).addresses == ("127.0.0.9",)
    with pytest.raises(NotPermittedError, match="--i-own-this-server"):
        await permitted_target("192.0.2.1", 25)
    assert await permitted_target("192.0.2.1", 25, i_own_this_server=True)
    prod = profile(Environment.PRODUCTION, SafetyLevel.FREE)
    with pytest.raises(NotPermittedError):
        await permitted_target("127.0.0.1", 25, profile=prod)


@pytest.mark.parametrize(
    "plan",
    [
        LoadPlan(connections=0), LoadPlan(connections=10**6), LoadPlan(messages=0), LoadPlan(size=0),
        LoadPlan(size=2**40), LoadPlan(recipients=0), LoadPlan(rate=-1), LoadPlan(rate=float("nan")),
        LoadPlan(sender="a@x>\r\nRSET"), LoadPlan(recipient="ü@x"), LoadPlan(helo="a b"), LoadPlan(answer_s=0),
    ],
)  # fmt: skip
def test_plans_that_cannot_be(plan: LoadPlan) -> None:
    with pytest.raises(UsageError):
        check_plan(plan)


def target(address: tuple[str, int] | None) -> LoadTarget:
    assert address is not None
    return LoadTarget("localhost", (address[0],), address[1])


async def test_everything_arrives_and_the_figures_say_so() -> None:
    told: list[LoadFigures] = []
    async with catching() as server:
        test = LoadTest(target(server.address), LoadPlan(connections=5, messages=200))
        test.progress.connect(told.append)
        figures = await asyncio.wait_for(test.run(), 30)
        assert len(server.store) == 200
    assert (figures.accepted, figures.failed, figures.errors) == (200, 0, ())
    assert figures.connections_made == 5
    assert figures.finished
    assert not figures.stopped
    assert figures.open_connections == 0
    assert (
        0 < figures.latency.p50 <= figures.latency.p95 <= figures.latency.p99 <= figures.latency.max
    )
    assert figures.connect.p50 > 0
    assert figures.mean_rate == pytest.approx(200 / figures.elapsed_s, rel=0.05)
    assert told[-1] == figures


async def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    async with catching() as server:
        assert server.address is not None
        both = LoadTarget("localhost", ("127.0.0.77", "127.0.0.1"), server.address[1])
        plan = LoadPlan(connections=2, messages=6, per_connection=1)
        figures = await asyncio.wait_for(LoadTest(both, plan).run(), 30)
    assert (figures.accepted, figures.failed) == (6, 0)


async def test_a_connection_for_each_message() -> None:
    async with catching() as server:
        plan = LoadPlan(connections=4, messages=30, per_connection=1)
        figures = await asyncio.wait_for(LoadTest(target(server.address), plan).run(), 30)
    assert figures.accepted == 30
    assert 30 <= figures.connections_made <= 33  # one that finds nothing left to send says QUIT


async def test_a_rate_is_kept() -> None:
    async with catching() as server:
        plan = LoadPlan(connections=4, messages=25, rate=50)
        figures = await asyncio.wait_for(LoadTest(target(server.address), plan).run(), 30)
    assert figures.elapsed_s >= 24 / 50
    assert figures.mean_rate <= 55


async def test_errors_are_grouped_by_what_they_say() -> None:
    rules = (
        'rcpt recipient=u1@* times=3 reply="451 4.7.1 later"',
        'dot reply="554 5.7.1 spam" times=2',
    )
    async with catching(*rules) as server:
        plan = LoadPlan(connections=2, messages=20, recipient="u%d@y.example")
        figures = await asyncio.wait_for(LoadTest(target(server.address), plan).run(), 30)
    assert figures.accepted == 15
    assert figures.failed == 5
    assert figures.recipients_refused == 3
    found = {(e.stage, e.reply): e.count for e in figures.errors}
    assert found[("dot", "554 5.7.1 spam")] == 2
    assert found[("rcpt", "451 4.7.1 later")] == 3  # a message's only recipient is one error


async def test_connections_that_drop_are_made_anew() -> None:
    async with catching("dot drop odds=50", seed=1) as server:
        plan = LoadPlan(connections=3, messages=40)
        figures = await asyncio.wait_for(LoadTest(target(server.address), plan).run(), 30)
    assert figures.accepted + figures.failed == 40
    assert 5 < figures.failed < 35
    assert {(e.stage, e.reply) for e in figures.errors} == {("dot", "the connection was lost")}


async def test_a_dead_server_ends_the_run() -> None:
    plan = LoadPlan(connections=10, messages=40)
    figures = await asyncio.wait_for(
        LoadTest(LoadTarget("localhost", ("127.0.0.1",), 1), plan).run(), 20
    )
    assert (figures.accepted, figures.failed) == (0, 40)
    assert [e.stage for e in figures.errors] == ["connect"]


async def test_a_server_that_falls_silent_ends_the_run() -> None:
    async with odd_server(script(b"220 x\r\n", b"250 x\r\n", hang=True)) as port:
        plan = LoadPlan(connections=3, messages=3, answer_s=0.3)
        figures = await asyncio.wait_for(
            LoadTest(LoadTarget("localhost", ("127.0.0.1",), port), plan).run(), 10
        )
    assert figures.failed == 3


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_it_ends_at_once(how: str) -> None:
    async with catching("dot delay=20s") as server:
        test = LoadTest(target(server.address), LoadPlan(connections=20, messages=1_000))
        running = TaskOwner("test").spawn("run", test.run())
        assert running is not None
        while test.figures().connections_made < 20:
            await asyncio.sleep(0.01)
        began = asyncio.get_running_loop().time()
        if how == "stop":
            test.stop()
            figures = await asyncio.wait_for(running, 5)
            assert figures.stopped
            assert figures.failed == 0
        else:
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert asyncio.get_running_loop().time() - began < 2
        assert test.figures().open_connections == 0


async def test_an_untrusted_certificate_is_an_error_and_a_missing_ca_file_is_told_at_once() -> None:
    async with catching() as server:
        assert server.implicit_address is not None
        host, port = server.implicit_address
        tls = LoadTarget("localhost", (host,), port, TlsMode.IMPLICIT)
        figures = await asyncio.wait_for(LoadTest(tls, LoadPlan(messages=1)).run(), 10)
        assert figures.failed == 1
        bad = LoadTarget("localhost", (host,), port, TlsMode.IMPLICIT, ca_file="/nowhere.pem")
        with pytest.raises(StorageError):
            await LoadTest(bad, LoadPlan(messages=1)).run()


@asynccontextmanager
async def smtp_sink(*options: str) -> AsyncIterator[int]:
    sink = program("smtp-sink")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    process = await asyncio.create_subprocess_exec(
        str(sink), *user, *options, f"127.0.0.1:{port}", "100", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        yield port
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("pipelining", [False, True])
async def test_postfix_smtp_sink_takes_everything(pipelining: bool) -> None:
    async with smtp_sink() as port:
        plan = LoadPlan(connections=10, messages=500, recipients=3, pipelining=pipelining)
        figures = await asyncio.wait_for(LoadTest(target(("127.0.0.1", port)), plan).run(), 30)
    assert (figures.accepted, figures.failed) == (500, 0)


async def test_postfix_smtp_sink_that_refuses_data() -> None:
    async with smtp_sink("-r", "data") as port:
        plan = LoadPlan(connections=5, messages=50)
        figures = await asyncio.wait_for(LoadTest(target(("127.0.0.1", port)), plan).run(), 30)
    assert (figures.accepted, figures.failed) == (0, 50)
    assert [(e.stage, e.reply[:1], e.count) for e in figures.errors] == [("data", "4", 50)]


@pytest.mark.gui
async def test_on_the_windows_own_event_loop() -> None:
    async with catching() as server:
        plan = LoadPlan(connections=3, messages=30)
        figures = await asyncio.wait_for(LoadTest(target(server.address), plan).run(), 30)
    assert (figures.accepted, figures.failed) == (30, 0)
