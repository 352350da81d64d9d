"""A standing shell: where one command ends and the next begins."""

from __future__ import annotations

import signal

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UnreachableError, UsageError
from smtpadmin.transport.group_mark import GROUP_MARK
from smtpadmin.transport.remote_line import MOST_LINE
from smtpadmin.transport.ssh_shell import Ending, ShellChannel

STDERR = asyncssh.EXTENDED_DATA_STDERR
TOKEN = b"0123456789abcdef"


class Wire:
    """The channel of a shell: keeps what was written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    @property
    def token(self) -> bytes:
        return self.written.rpartition(b"echo ")[2].split(b" ")[0]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def shell(wire: Wire) -> ShellChannel:
    made = ShellChannel("ssh mx1", None)
    made.connection_made(wire)  # type: ignore[arg-type]
    made.data_received(b"Welcome!\n" + GROUP_MARK + b"4711\n", None)
    made.data_received(GROUP_MARK + b"4711\n", STDERR)
    return made


@given(st.binary(max_size=80), st.lists(st.integers(0, 100), max_size=6))
def test_the_token_is_found_however_it_arrives(data: bytes, cuts: list[int]) -> None:
    if TOKEN in data + TOKEN[:-1]:
        return
    whole = data + TOKEN + b" 7\n"
    ending, found = Ending(TOKEN), b""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(whole)], strict=True):
        found += ending.take(whole[start:end])
    assert (found, ending.rest) == (data, b" 7")


async def test_one_command_after_the_other(shell: ShellChannel, wire: Wire) -> None:
    for number in range(3):
        assert shell.idle
        output = shell.begin(["echo", str(number)], None)
        assert not shell.idle
        shell.data_received(b"out%d" % number + wire.token + b" %d\n" % number, None)
        assert not output.ended
        shell.data_received(b"err" + wire.token + b"\n", STDERR)
        assert b"".join([chunk async for chunk in output.chunks()]) == b"out%d" % number
        done = await output.finish()
        assert (done.status, done.stderr) == (number, b"err")
    assert shell.group == 4711


async def test_a_line_that_is_followed_does_not_wait_for_the_next(
    shell: ShellChannel, wire: Wire
) -> None:
    output = shell.begin(["tail", "-F", "log"], None)
    shell.data_received(b"one line\n", None)
    assert await anext(output.chunks()) == b"one line\n"
    shell.data_received(b"tricks" + wire.token + b"9" * 200, None)
    shell.data_received(wire.token + b"\n", STDERR)
    assert (await output.finish()).status == 128


async def test_what_comes_between_commands_is_of_none(shell: ShellChannel, wire: Wire) -> None:
    shell.data_received(b"a straggler", None)
    output = shell.begin(["true"], None)
    shell.data_received(wire.token + b" 0\n", None)
    shell.data_received(wire.token + b"\n", STDERR)
    assert [chunk async for chunk in output.chunks()] == []


@pytest.mark.parametrize(
    ("told", "status"), [(b" 143", -signal.SIGTERM), (b" 255", 255), (b" 128", 128), (b" x", 128)]
)
async def test_a_status_above_128_is_a_signal(
    shell: ShellChannel, wire: Wire, told: bytes, status: int
) -> None:
    output = shell.begin(["true"], None)
    shell.data_received(wire.token + told + b"\n", None)
    shell.data_received(wire.token + b"\n", STDERR)
    assert (await output.finish()).status == status


async def test_a_shell_that_ends_in_the_middle_loses_the_command(
    shell: ShellChannel,
) -> None:
    output = shell.begin(["true"], None)
    shell.exit_status_received(0)
    shell.connection_lost(None)
    with pytest.raises(UnreachableError, match="while the command ran"):
        await output.finish()
    assert not shell.idle


def test_a_line_that_is_too_long_leaves_the_shell_waiting(shell: ShellChannel) -> None:
    with pytest.raises(UsageError):
        shell.begin(["echo", "x" * (MOST_LINE + 1)], None)
    assert shell.idle
