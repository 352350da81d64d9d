"""Commands over a real sshd: what arrives, how they end, what a broken connection leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.model.errors import (
    NotPermittedError,
    ProtocolError,
    TotalDeadlineError,
    UnreachableError,
)
from smtpadmin.transport.privileges import check_sudo
from smtpadmin.transport.remote_line import parse_prefix
from smtpadmin.transport.ssh import SshRunner
from tests.servers.sshd import Account, Sshd, account, children, free_port, sshd_running, start_sshd
from tests.support.processes import gone, running_with
from tests.support.waiting import until
from tests.transport.test_local import HOSTILE


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with sshd_running() as server:
        yield server


@pytest.fixture(scope="module")
def user(sshd: Sshd) -> Iterator[Account]:
    rules = "USER ALL=(root) NOPASSWD: /usr/bin/id, /usr/bin/tail\nUSER ALL=(root) PASSWD: /usr/bin/true"
    with account(sshd, sudoers=rules) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_ssh_of_mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
async def runner(sshd: Sshd, user: Account) -> AsyncIterator[SshRunner]:
    runner = SshRunner(sshd.profile(user), {})
    yield runner
    await runner.close()


async def test_output_and_status(runner: SshRunner) -> None:
    done = await runner.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.status, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash"])
async def test_arguments_stay_what_they_are(sshd: Sshd, shell: str) -> None:
    with account(sshd, shell=shell) as user:
        runner = SshRunner(sshd.profile(user), {})
        done = await runner.run(["printf", "%s\\0", *HOSTILE])
        await runner.close()
    assert [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]] == HOSTILE


async def test_megabytes_both_ways(runner: SshRunner) -> None:
    data = os.urandom(5_000_000)
    assert (await runner.run(["cat"], stdin=data)).stdout == data


async def test_a_slow_reader_pauses_the_command(runner: SshRunner) -> None:
    async with runner.start(["head", "-c", "20000000", "/dev/zero"]) as running:
        await asyncio.sleep(0.5)
        assert running._size < 4_000_000
        assert sum([len(chunk) async for chunk in running.chunks()]) == 20_000_000
        assert (await running.finish()).status == 0


async def test_leaving_a_flood_unread_ends_it_at_once(runner: SshRunner) -> None:
    begun = time.monotonic()
    async with runner.start(["yes", "81010.25"]) as running:
        await anext(running.chunks())
        await asyncio.sleep(0.2)
    assert time.monotonic() - begun < 1.5
    await gone("81010.25")


async def test_a_signal_is_negative(runner: SshRunner) -> None:
    assert (await runner.run(["sh", "-c", "kill -TERM $$"])).status == -signal.SIGTERM


async def test_what_does_not_exist_is_127(runner: SshRunner) -> None:
    done = await runner.run(["postnowhere"])
    assert done.status == 127
    assert b"not found" in done.stderr


async def test_sbin_is_in_the_path_and_the_locale_is_c(runner: SshRunner) -> None:
    said = (await runner.run(["env"])).stdout.decode().splitlines()
    assert "LC_ALL=C" in said
    path = next(line for line in said if line.startswith("PATH="))
    assert {"/usr/sbin", "/sbin", "/usr/local/sbin"} <= set(path[5:].split(":"))


async def test_too_much_output_is_an_error(runner: SshRunner) -> None:
    with pytest.raises(ProtocolError, match="more than 1000 octets"):
        await runner.run(["head", "-c", "1001", "/dev/zero"], most=1000)


async def test_the_deadline_ends_the_command_on_the_server(runner: SshRunner) -> None:
    mark = "81011.25"
    with pytest.raises(TotalDeadlineError):
        await runner.run(["sh", "-c", f"sleep {mark} & sleep {mark}"], deadline=0.5)
    await gone(mark)


async def test_cancelling_ends_the_command_on_the_server(runner: SshRunner) -> None:
    mark = "81012.25"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await runner.run(["sleep", mark])
    await gone(mark)


async def test_a_command_that_ignores_sigterm_is_killed(runner: SshRunner) -> None:
    mark = "81013.25"
    async with runner.start(["sh", "-c", f"trap '' TERM; echo up; sleep {mark}"]) as running:
        assert await anext(running.chunks()) == b"up\n"
    await gone(mark)


async def test_leaving_ends_what_runs_as_root_through_sudo(
    runner: SshRunner, tmp_path: Path
) -> None:
    log = tmp_path / "log-81014"
    log.write_text("a line\n")
    async with runner.start(["tail", "-F", str(log)], privileged=True) as running:
        assert await anext(running.chunks()) == b"a line\n"
        await until(lambda: running_with(str(log)))
    await gone(str(log))


async def test_more_commands_than_the_server_has_sessions(runner: SshRunner, sshd: Sshd) -> None:
    done = await asyncio.gather(
        *(runner.run(["sh", "-c", f"sleep 0.05; echo {n}"]) for n in range(40))
    )
    assert [int(result.stdout) for result in done] == list(range(40))
    assert len(sshd.sessions()) == 1


async def test_a_server_with_fewer_sessions_is_learnt(sshd: Sshd) -> None:
    with sshd_running("MaxSessions 2") as small, account(small) as user:
        runner = SshRunner(small.profile(user), {})
        done = await asyncio.gather(
            *(runner.run(["sh", "-c", f"sleep 0.1; echo {n}"]) for n in range(12))
        )
        await runner.close()
    assert [int(result.stdout) for result in done] == list(range(12))


async def test_a_cut_connection_ends_the_commands_and_the_next_opens_it_anew(
    runner: SshRunner, sshd: Sshd
) -> None:
    async with runner.start(["sh", "-c", "echo up; sleep 5.8101"]) as running:
        assert await anext(running.chunks()) == b"up\n"
        sshd.cut()
        with pytest.raises(UnreachableError, match="the connection broke while the command ran"):
            await running.finish()
    assert (await runner.run(["echo", "again"])).stdout == b"again\n"


async def test_a_server_that_went_away_and_came_back(tmp_path: Path) -> None:
    with sshd_running() as server, account(server) as user:
        runner = SshRunner(server.profile(user), {})
        await runner.run(["true"])
        server.stop()
        with pytest.raises(UnreachableError):
            await runner.run(["true"])
        with pytest.raises(UnreachableError, match="nothing listens"):
            await runner.run(["true"])
        server.process = start_sshd(server.folder, port=server.port).process
        assert (await runner.run(["echo", "back"])).stdout == b"back\n"
        await runner.close()


async def test_a_frozen_server_does_not_outlast_the_deadline(runner: SshRunner, sshd: Sshd) -> None:
    await runner.run(["true"])
    frozen = sshd.sessions()
    frozen += [child for pid in frozen for child in children(pid)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(TotalDeadlineError):
            await runner.run(["true"], deadline=0.5)
        assert time.monotonic() - begun < 4
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)


async def test_a_prefix_stands_before_every_command(sshd: Sshd, user: Account) -> None:
    profile = replace(sshd.profile(user), prefix="env 'PLACE=a container'")
    runner = SshRunner(profile, {}, parse_prefix(profile.prefix))
    done = await runner.run(["sh", "-c", "echo $PLACE"])
    await runner.close()
    assert done.stdout == b"a container\n"


async def test_privileged_commands_go_through_sudo(runner: SshRunner) -> None:
    assert (await runner.run(["id", "-u"], privileged=True)).stdout == b"0\n"
    assert (await runner.run(["id", "-u"])).stdout != b"0\n"


async def test_sudo_that_asks_for_a_password_is_not_permitted(
    runner: SshRunner, user: Account
) -> None:
    done = await runner.run(["true"], privileged=True)
    with pytest.raises(NotPermittedError) as caught:
        check_sudo(done, where=runner.where, user=user.name, commands=["/usr/bin/true"])
    assert f"{user.name} ALL=(root) NOPASSWD: /usr/bin/true" in caught.value.remedy


async def test_a_connection_from_the_server_itself(runner: SshRunner, sshd: Sshd) -> None:
    reader, writer = await runner.open_connection("127.0.0.1", sshd.port)
    assert (await reader.readline()).startswith(b"SSH-2.0-OpenSSH")
    writer.close()


async def test_a_connection_from_the_server_to_a_closed_port(runner: SshRunner) -> None:
    with pytest.raises(UnreachableError, match="refused"):
        await runner.open_connection("127.0.0.1", free_port())


async def test_ten_commands_share_one_failed_login(sshd: Sshd, user: Account) -> None:
    runner = SshRunner(sshd.profile(user, key_file=""), {"password": "wrong"})
    before = sshd.log.count("Failed password")
    done = await asyncio.gather(*(runner.run(["true"]) for _ in range(10)), return_exceptions=True)
    assert all("refused the password" in str(error) for error in done)
    with pytest.raises(Exception, match="refused the password"):
        await runner.run(["true"])
    await until(lambda: sshd.log.count("Failed password") > before)
    assert sshd.log.count("Failed password") == before + 1
    await runner.close()


async def test_closing_twice_and_commands_afterwards(runner: SshRunner) -> None:
    await runner.run(["true"])
    await runner.close()
    await runner.close()
    with pytest.raises(UnreachableError, match="given up"):
        await runner.run(["true"])
