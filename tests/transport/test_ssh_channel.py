"""Finding the process group in standard error, however the octets arrive."""

from __future__ import annotations

import signal

import asyncssh
import pytest

from smtpadmin.model.errors import UnreachableError
from smtpadmin.transport.command_output import MOST_STDERR
from smtpadmin.transport.ssh_channel import CommandChannel

STDERR = asyncssh.EXTENDED_DATA_STDERR


def channel() -> CommandChannel:
    return CommandChannel("ssh mx1", None)


@pytest.mark.parametrize("line", [b"smtpadmin-group x\n", b"smtpadmin-group -1\n", b"", b"123\n"])
async def test_without_the_mark_all_of_it_is_kept(line: bytes) -> None:
    made = channel()
    made.data_received(line, STDERR)
    made.data_received(line, None)
    made.exit_status_received(1)
    made.connection_lost(None)
    assert made.group is None
    assert b"".join([chunk async for chunk in made.output.chunks()]) == line
    assert (await made.output.finish()).stderr == line


def test_a_flood_without_the_mark_is_not_kept_for_ever() -> None:
    made = channel()
    for _ in range(20):
        made.data_received(b"x" * 10_000, STDERR)
    assert 0 < len(made.output.stderr) <= MOST_STDERR


async def test_signals_are_negative_even_unknown_ones() -> None:
    for name, number in (("TERM", signal.SIGTERM), ("WHAT@openssh.com", signal.SIGKILL)):
        made = channel()
        made.exit_signal_received(name, False, "", "")
        made.connection_lost(None)
        assert (await made.output.finish()).status == -number


async def test_an_end_without_a_status_is_a_broken_connection() -> None:
    made = channel()
    made.connection_lost(asyncssh.ConnectionLost("reset"))
    with pytest.raises(UnreachableError, match="broke while the command ran"):
        await made.output.finish()
