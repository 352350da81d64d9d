"""All three runners are what connectors expect, with the same answers to the same commands."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.model.errors import ProtocolError, TotalDeadlineError
from smtpadmin.model.profile import Profile
from smtpadmin.transport.command import CommandResult, CommandRunner
from smtpadmin.transport.open_runner import open_runner
from smtpadmin.transport.scripted import Answer, ScriptedRunner
from tests.servers.sshd import account, sshd_running
from tests.support.processes import gone, running_with
from tests.support.waiting import until

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


DOCKER = """#!/bin/sh
# As docker exec: the command is no child of the client's session, and outlives it.
shift 2
exec 3<&0
setsid "$@" <&3 &
wait $!
"""


@pytest.fixture
async def in_container(
    made: Profile | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CommandRunner]:
    if made is None:
        pytest.skip("nothing runs behind the scripted runner")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    docker = folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    opened = open_runner(replace(made, prefix=f"{docker} exec mail"), {})
    yield opened
    await opened.close()
    shutil.rmtree(folder)


async def test_through_a_container(in_container: CommandRunner) -> None:
    done = await in_container.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert done == CommandResult(7, b"out\n", b"err\n")
    assert (await in_container.run(["cat"], stdin=b"given")).stdout == b"given"
    assert (await in_container.run(["printenv", "LC_ALL"])).stdout == b"C\n"
    assert (await in_container.run(["there-is-no-such-command"])).status == 127


async def test_what_was_left_in_a_container_is_ended(in_container: CommandRunner) -> None:
    async with in_container.start(["sh", "-c", "echo up; sleep 81030.25"]) as running:
        assert await anext(running.chunks()) == b"up\n"
        await until(lambda: running_with("81030.25"))
    await gone("81030.25")
    with pytest.raises(TotalDeadlineError):
        await in_container.run(["sleep", "81031.25"], deadline=0.5)
    await gone("81031.25")
