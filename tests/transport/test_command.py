"""All three runners are what connectors expect, with the same answers to the same commands."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from smtpadmin.model.errors import ProtocolError, TotalDeadlineError
from smtpadmin.model.profile import Profile
from smtpadmin.transport.command import CommandResult, CommandRunner
from smtpadmin.transport.open_runner import open_runner
from smtpadmin.transport.scripted import Answer, ScriptedRunner
from tests.servers.sshd import account, sshd_running

ANSWERS = {
    ("sh", "-c", "echo out; echo err >&2; exit 7"): Answer(b"out\n", b"err\n", 7),
    ("cat",): Answer(b"given"),
    ("sleep", "8.101"): Answer(hangs=True),
    ("echo", "0123456789"): Answer([b"01234", b"56789\n"]),
}


@pytest.fixture(scope="module", params=["local", "ssh", "scripted"])
def made(request: pytest.FixtureRequest) -> Iterator[Profile | None]:
    if request.param == "scripted":
        yield None
    elif request.param == "local":
        yield Profile("u", "n", "postfix")
    elif os.geteuid() == 0:
        with sshd_running() as sshd, account(sshd) as user:
            yield sshd.profile(user)
    else:
        pytest.skip("making users needs root")


@pytest.fixture
async def runner(
    made: Profile | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CommandRunner]:
    monkeypatch.setenv("HOME", str(tmp_path))
    opened: CommandRunner = ScriptedRunner(ANSWERS) if made is None else open_runner(made, {})
    yield opened
    await opened.close()
    await opened.close()


async def test_what_run_gives(runner: CommandRunner) -> None:
    done = await runner.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert done == CommandResult(7, b"out\n", b"err\n")
    assert (await runner.run(["cat"], stdin=b"given")).stdout == b"given"


async def test_what_start_gives(runner: CommandRunner) -> None:
    async with runner.start(["echo", "0123456789"]) as running:
        assert b"".join([chunk async for chunk in running.chunks()]) == b"0123456789\n"
        assert await running.finish() == CommandResult(0, b"", b"")


async def test_limits(runner: CommandRunner) -> None:
    with pytest.raises(TotalDeadlineError):
        await runner.run(["sleep", "8.101"], deadline=0.3)
    with pytest.raises(ProtocolError):
        await runner.run(["echo", "0123456789"], most=5)
    assert (await runner.run(["there-is-no-such-command"])).status == 127
