"""Standing shells and channels within a server's limits, on a real sshd."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpadmin.model.errors import TotalDeadlineError, UnreachableError
from smtpadmin.transport.ssh import SshRunner
from smtpadmin.transport.ssh_channels import MOST_IDLE
from tests.servers.sshd import Account, Sshd, account, descendants, sshd_running
from tests.support.processes import gone, running_with
from tests.support.waiting import until


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with sshd_running() as server:
        yield server


@pytest.fixture(scope="module")
def user(sshd: Sshd) -> Iterator[Account]:
    with account(sshd) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_ssh_of_mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def shells(sshd: Sshd) -> list[int]:
    """The standing shells on the server."""
    found = []
    for pid in descendants(sshd.process.pid):
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes() == b"/bin/sh\0":
                found.append(pid)
        except OSError:
            continue
    return found


async def test_a_slow_start_up_file_is_paid_once(sshd: Sshd) -> None:
    with account(sshd) as slow:
        (slow.home / ".bashrc").write_text("echo Welcome; echo Hello >&2; sleep 0.3\n")
        runner = SshRunner(sshd.profile(slow), {})
        first = await runner.run(["echo", "0"])
        begun = time.monotonic()
        for number in range(20):
            done = await runner.run(["echo", str(number)])
            assert (done.stdout, done.stderr) == (b"%d\n" % number, b"")
        assert time.monotonic() - begun < 0.3 * 20 / 2
        with_input = await runner.run(["cat"], stdin=b"x")
        await runner.close()
    assert (first.stdout, first.stderr) == (b"0\n", b"")
    assert (with_input.stdout, with_input.stderr) == (b"x", b"")


async def test_only_so_many_shells_stay(sshd: Sshd, user: Account) -> None:
    runner = SshRunner(sshd.profile(user), {})
    await asyncio.gather(*(runner.run(["sleep", "0.1"]) for _ in range(12)))
    await until(lambda: len(shells(sshd)) == MOST_IDLE)
    await runner.close()
    await until(lambda: not shells(sshd))


async def test_a_shell_that_was_killed_is_replaced(sshd: Sshd, user: Account) -> None:
    runner = SshRunner(sshd.profile(user), {})
    await runner.run(["true"])
    (pid,) = shells(sshd)
    os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(0.1)
    assert (await runner.run(["echo", "again"])).stdout == b"again\n"
    assert shells(sshd) != [pid]
    await runner.close()


async def test_a_listing_left_in_the_middle_of_its_end_does_not_stop_the_shell(
    sshd: Sshd, user: Account
) -> None:
    runner = SshRunner(sshd.profile(user), {})
    async with runner.start(["head", "-c", "1048576", "/dev/zero"]) as running:
        await anext(running.chunks())
        await asyncio.sleep(0.3)
    for number in range(5):
        done = await runner.run(["echo", str(number)], deadline=5)
        assert done.stdout == b"%d\n" % number
    await runner.close()


async def test_a_connection_that_broke_unnoticed_is_opened_anew(sshd: Sshd, user: Account) -> None:
    runner = SshRunner(sshd.profile(user), {})
    await runner.run(["true"])
    link = await runner._keeper.link()
    sshd.cut()
    await until(lambda: link.lost)
    link.lost = False  # as if the news had not come yet
    assert (await runner.run(["cat"], stdin=b"again")).stdout == b"again"
    await runner.close()


async def test_a_command_that_kills_its_shell_is_lost_and_the_next_works(
    sshd: Sshd, user: Account
) -> None:
    runner = SshRunner(sshd.profile(user), {})
    with pytest.raises(UnreachableError, match="while the command ran"):
        await runner.run(["sh", "-c", "kill -9 $PPID"])
    assert (await runner.run(["echo", "again"])).stdout == b"again\n"
    await runner.close()


async def test_the_deadline_ends_a_command_in_a_shell_and_only_it(
    sshd: Sshd, user: Account
) -> None:
    runner = SshRunner(sshd.profile(user), {})
    other = asyncio.gather(runner.run(["sh", "-c", "sleep 0.8; echo whole"]))
    with pytest.raises(TotalDeadlineError):
        await runner.run(["sh", "-c", "sleep 81020.25 & sleep 81020.25"], deadline=0.3)
    await gone("81020.25")
    assert (await other)[0].stdout == b"whole\n"
    await runner.close()


@pytest.mark.parametrize("sessions", [1, 2, 3])
async def test_followers_and_commands_share_few_sessions(sessions: int) -> None:
    with sshd_running(f"MaxSessions {sessions}") as small, account(small) as user:
        runner = SshRunner(small.profile(user), {})
        for number in range(3):
            assert (await runner.run(["cat"], stdin=b"x")).stdout == b"x"
            assert (await runner.run(["echo", str(number)])).stdout == b"%d\n" % number
        if sessions > 1:
            async with runner.start(["sh", "-c", "echo up; sleep 81021.25"]) as running:
                assert await anext(running.chunks()) == b"up\n"
                done = await asyncio.gather(*(runner.run(["echo", str(n)]) for n in range(8)))
                assert [int(result.stdout) for result in done] == list(range(8))
            if sessions > 2:
                await gone("81021.25")
        await runner.close()
    assert not running_with("81021.25")


async def test_eight_followers_and_a_command_in_turn(sshd: Sshd, user: Account) -> None:
    runner = SshRunner(sshd.profile(user), {})

    async def follow(number: int) -> bytes:
        async with runner.start(["sh", "-c", f"echo {number}; sleep 81022.25"]) as running:
            return await anext(running.chunks())

    lines = await asyncio.gather(*(follow(n) for n in range(20)))
    assert [int(line) for line in lines] == list(range(20))
    await gone("81022.25")
    await runner.close()
