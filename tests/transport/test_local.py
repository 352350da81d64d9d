"""Commands on this computer, really run: what they are given, how they end, what is left of them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from smtpadmin.model.errors import ProtocolError, TotalDeadlineError, UsageError
from smtpadmin.transport.local import LocalRunner
from tests.support.processes import gone, running_with
from tests.support.waiting import until

HOSTILE = [
    "$(reboot)", "`id`", "a\nb", "'", '"', "*", "--", "-rf", "", "\\", "\udcff\udc80", "é", "; exit 3", "$HOME",
]  # fmt: skip


async def test_output_and_status() -> None:
    done = await LocalRunner().run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.status, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


async def test_arguments_stay_what_they_are() -> None:
    done = await LocalRunner().run(["printf", "%s\\0", *HOSTILE])
    assert [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]] == HOSTILE


async def test_megabytes_both_ways() -> None:
    data = os.urandom(5_000_000)
    assert (await LocalRunner().run(["cat"], stdin=data)).stdout == data


async def test_a_slow_reader_pauses_the_command() -> None:
    async with LocalRunner().start(["head", "-c", "20000000", "/dev/zero"]) as running:
        await asyncio.sleep(0.3)
        assert running._size < 4_000_000
        assert sum([len(chunk) async for chunk in running.chunks()]) == 20_000_000
        assert (await running.finish()).status == 0


async def test_input_that_nobody_reads_does_no_harm() -> None:
    assert (await LocalRunner().run(["true"], stdin=b"x" * 5_000_000)).status == 0


async def test_a_signal_is_negative() -> None:
    assert (await LocalRunner().run(["sh", "-c", "kill -TERM $$"])).status == -signal.SIGTERM


async def test_what_does_not_exist_is_127() -> None:
    done = await LocalRunner().run(["/nowhere/postqueue"])
    assert done.status == 127
    assert b"No such file" in done.stderr


async def test_what_is_not_executable_is_126(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert (await LocalRunner().run([str(tmp_path / "x")])).status == 126


async def test_the_environment_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_MESSAGES", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/nowhere")
    said = (await LocalRunner().run(["env"])).stdout.decode().splitlines()
    assert "LC_ALL=C" in said
    assert not any(line.startswith("LC_MESSAGES") for line in said)
    path = next(line for line in said if line.startswith("PATH="))
    assert {"/usr/sbin", "/sbin", "/usr/local/sbin"} <= set(path[5:].split(":"))


async def test_too_much_output_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="more than 1000 octets"):
        await LocalRunner().run(["head", "-c", "1001", "/dev/zero"], most=1000)


async def test_the_deadline_ends_the_command_and_its_children() -> None:
    mark = "81001.25"
    begun = time.monotonic()
    with pytest.raises(TotalDeadlineError):
        await LocalRunner().run(["sh", "-c", f"sleep {mark} & sleep {mark}"], deadline=0.3)
    assert time.monotonic() - begun < 3
    await gone(mark)


async def test_a_drip_of_output_does_not_stretch_the_deadline() -> None:
    with pytest.raises(TotalDeadlineError):
        await LocalRunner().run(["sh", "-c", "while :; do echo; sleep 0.05; done"], deadline=0.4)


async def test_leaving_the_context_ends_the_command() -> None:
    mark = "81002.25"
    async with LocalRunner().start(["sh", "-c", f"echo up; sleep {mark}"]) as running:
        assert await anext(running.chunks()) == b"up\n"
        await until(lambda: running_with(mark))
    await gone(mark)


async def test_what_a_command_left_on_purpose_runs_on() -> None:
    mark = "81003.25"
    await LocalRunner().run(["sh", "-c", f"sleep {mark} >/dev/null 2>&1 </dev/null &"])
    await until(lambda: running_with(mark))
    for pid in running_with(mark):
        os.kill(pid, signal.SIGKILL)


async def test_cancelling_ends_the_command() -> None:
    mark = "81004.25"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await LocalRunner().run(["sleep", mark])
    await gone(mark)


async def test_a_prefix_stands_before_every_command() -> None:
    runner = LocalRunner(["env", "PLACE=container"])
    assert (await runner.run(["sh", "-c", "echo $PLACE"])).stdout == b"container\n"
    assert runner.where == "local env PLACE=container"


async def test_root_needs_no_sudo() -> None:
    if os.geteuid() != 0:
        pytest.skip("not root")
    assert (await LocalRunner().run(["printenv", "SUDO_USER"], privileged=True)).status == 1


@pytest.mark.parametrize("argv", [[], [""], ["echo", "a\0b"]])
async def test_what_cannot_be_run_is_a_usage_error(argv: list[str]) -> None:
    with pytest.raises(UsageError):
        await LocalRunner().run(argv)
