"""How a message is handed in; that it arrives whole, tests/connectors/test_postfix.py shows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.connectors._postfix_commands import PostfixCommands
from smtpadmin.connectors._postfix_queue import PostfixQueue
from smtpadmin.connectors._postfix_reinject import (
    LISTED_FOR_THE_ID,
    UNKNOWN_ID,
    PostfixReinject,
    check_addresses,
    chunks,
)
from smtpadmin.model.errors import ServerRefusedError, UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import StoredMessage
from smtpadmin.transport.scripted import Answer, ScriptedRunner

LISTING = ("postqueue", "-j")
MESSAGE = StoredMessage("A1B2C3", "", ("b@y.org", "'; reboot@y.org"), b"Subject: x\n\n.\n")


def line(queue_id: str, queue: str = "incoming", sender: str = "MAILER-DAEMON") -> bytes:
    return json.dumps({
        "queue_name": queue, "queue_id": queue_id, "arrival_time": 1, "message_size": 1,
        "sender": sender, "recipients": [{"address": "b@y.org"}],
    }).encode() + b"\n"  # fmt: skip


def reinject(
    *listings: bytes, sendmail: Answer | list[Answer] | None = None
) -> tuple[PostfixReinject, ScriptedRunner]:
    runner = ScriptedRunner({
        LISTING: [Answer(listing) for listing in listings],
        ("postconf", "..."): Answer(b"sendmail_path = /usr/lib/sendmail\n"),
        ("/usr/lib/sendmail", "..."): sendmail or Answer(),
    })  # fmt: skip
    commands = PostfixCommands(runner, Profile("u", "mx1", "postfix"))
    return PostfixReinject(commands, PostfixQueue(commands)), runner


async def test_envelope_as_arguments_and_the_message_on_standard_input() -> None:
    made, runner = reinject(b"", b"", line("D1B2C3D4"))
    assert await made.put_back(MESSAGE) == "D1B2C3D4"
    (sent,) = [one for one in runner.asked if one.argv[0] == "/usr/lib/sendmail"]
    assert sent.argv == (
        "/usr/lib/sendmail", "-oi", "-f", "", "--", "b@y.org", "'; reboot@y.org",
    )  # fmt: skip
    assert sent.stdin == MESSAGE.raw
    assert not sent.privileged


@pytest.mark.parametrize(
    "after",
    [
        b"",
        line("C1B2C3D4", "maildrop"),
        line("C1B2C3D4", sender="somebody@else.org"),
        line("C1B2C3D4") + line("D1B2C3D4"),
    ],
    ids=["delivered at once", "not yet picked up", "of another sender", "two of them"],
)
async def test_an_id_that_cannot_be_known_is_not_made_up(after: bytes) -> None:
    made, _ = reinject(line("A1B2C3"), line("A1B2C3"), line("A1B2C3") + after)
    assert await made.put_back(MESSAGE) == UNKNOWN_ID


async def test_a_long_queue_is_not_listed_for_the_id() -> None:
    many = b"".join(line(f"{n:08X}") for n in range(LISTED_FOR_THE_ID + 1))
    made, runner = reinject(many)
    for _ in range(5):
        assert await made.put_back(MESSAGE) == UNKNOWN_ID
    assert [one.argv for one in runner.asked].count(LISTING) == 1, "it was counted, and once"


async def test_a_refusal_is_told() -> None:
    full = Answer(stderr=b"sendmail: fatal: queue file write error\n", status=75)
    made, _ = reinject(b"", sendmail=full)
    with pytest.raises(ServerRefusedError, match="queue file write error"):
        await made.put_back(MESSAGE)


async def test_what_was_queued_before_a_refusal_is_told_too() -> None:
    full = Answer(stderr=b"sendmail: fatal: queue file write error\n", status=75)
    made, _ = reinject(b"", sendmail=[Answer(), full])
    many = StoredMessage("X", "a@b", tuple(f"{'r' * 60}{n}@y.org" for n in range(1_500)), b"x\n")
    with pytest.raises(ServerRefusedError, match="only part of the recipients was queued again"):
        await made.put_back(many)


@pytest.mark.parametrize(
    "addresses", [("a\nb@c", "d@e"), ("", "d\x7f@e"), ("a@b", ""), ("\0", "a")]
)
def test_addresses_that_no_command_can_carry(addresses: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        check_addresses(addresses)


@given(st.lists(st.text("ab'é@", min_size=1, max_size=30), max_size=60), st.integers(1, 200))
def test_chunks_lose_nothing_and_keep_the_order(recipients: list[str], most: int) -> None:
    groups = list(chunks(recipients, most))
    assert [address for group in groups for address in group] == recipients
    assert all(groups)
    for group in groups:
        assert len(group) == 1 or sum(len(a.encode()) for a in group) <= most
