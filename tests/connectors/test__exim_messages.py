"""Putting back where Exim does not tell the new ID, on recorded answers."""

from __future__ import annotations

import re

import pytest

from smtpadmin.connectors._exim_commands import EximCommands, EximPlace
from smtpadmin.connectors._exim_messages import ID_NOT_TOLD, EximMessages, is_plain
from smtpadmin.connectors._exim_queue import EximQueue
from smtpadmin.model.errors import ServerRefusedError
from smtpadmin.model.queue import StoredMessage
from smtpadmin.transport.scripted import Answer, ScriptedRunner

A, B = "1rABcd-000DEF-99", "1rABcd-000DEF-98"
LISTED = b"".join(b" 0m   306 %s <a@b.test>\n          c@d.test\n\n" % i.encode() for i in (A, B))
COPY = StoredMessage(A, "a@b.test", ("c@d.test",), b"Subject: x\r\n\r\nhello\r\n")
BASE = {
    ("exim9", "-bV"): Answer(b"Exim version 4.96 #2\n"),
    ("exim9", "-Mvl", "..."): Answer(b"Failed to open msglog file\n", status=1),
    ("exim9", "-bpr"): Answer(LISTED),
    ("exim9", "-d-all+receive", "..."): Answer(),
}


def messages(answers: dict[tuple[str, ...], Answer]) -> tuple[EximMessages, ScriptedRunner]:
    runner = ScriptedRunner({**BASE, **answers})
    exim = EximCommands(runner, EximPlace("exim9"))
    return EximMessages(exim, EximQueue(exim, "ex1")), runner


async def test_an_id_that_exim_did_not_tell_is_not_guessed() -> None:
    putting, runner = messages({("exim9", "-Mvh", "..."): Answer(b"another message\n")})
    assert await putting.reinject(COPY) == ID_NOT_TOLD
    given = next(asked for asked in runner.asked if "-odq" in asked.argv)
    assert given.stdin == b"Subject: x\n\nhello\n"
    assert given.argv[-3:] == ("a@b.test", "--", "<c@d.test>")
    assert re.fullmatch(r"reinjected-[0-9a-f]{12}", given.argv[given.argv.index("-oMr") + 1])


async def test_an_id_that_a_hostile_header_told_is_not_believed() -> None:
    told = f"Data file written for message {B}\n".encode()
    putting, _ = messages({
        ("exim9", "-d-all+receive", "..."): Answer(stderr=told),
        ("exim9", "-Mvh", "..."): Answer(b"another message\n"),
    })  # fmt: skip
    assert await putting.reinject(COPY) == ID_NOT_TOLD


@pytest.mark.parametrize(
    "recipients", [(), ("",), ("a\nb@c.test",), ("\\xff@c.test",), ("x" * 200 + "@d.test",) * 1_000]
)
async def test_an_envelope_that_cannot_be_given(recipients: tuple[str, ...]) -> None:
    putting, runner = messages({})
    with pytest.raises(ServerRefusedError):
        await putting.reinject(StoredMessage(A, "", recipients, b"x"))
    assert runner.asked == []


async def test_what_exim_refuses_is_told_in_its_words() -> None:
    said = b">>Headers received:\nexim: message header longer than 1048576 characters received\n"
    putting, _ = messages({("exim9", "-d-all+receive", "..."): Answer(stderr=said, status=1)})
    with pytest.raises(ServerRefusedError, match="header longer than 1048576"):
        await putting.reinject(COPY)


async def test_a_message_that_comes_cut_is_a_typed_error() -> None:
    putting, _ = messages({
        ("exim9", "-Mvh", A): Answer(f"{A}-H\nroot 0 0\n".encode()),
        ("exim9", "-Mvb", A): Answer(b"body\n"),
    })  # fmt: skip
    with pytest.raises(ServerRefusedError, match="cannot be read"):
        await putting.fetch(A)


async def test_a_server_that_keeps_no_log_of_each_message() -> None:
    said = b"Failed to open msglog file for X: No such file\n(No message logs are being created because the message_logs option is false.)\n"
    putting, _ = messages({("exim9", "-Mvl", A): Answer(said, status=1)})
    with pytest.raises(ServerRefusedError, match="keeps no log of each message"):
        await putting.log(A)


def test_plain_addresses() -> None:
    assert is_plain("-x@y.test")
    assert is_plain('"$(reboot); a"@y.test')
    assert is_plain("grüße@y.test")
    for address in ("a\0@y", "a\r\nb@y", "a\u202eb@y", "\\xff@y", "x" * 1_001):
        assert not is_plain(address)
