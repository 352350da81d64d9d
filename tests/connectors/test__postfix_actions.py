"""What is told of each message; that it is also done, tests/connectors/test_postfix.py shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from smtpadmin.connectors._postfix_actions import NO_INPUT, PostfixActions
from smtpadmin.connectors._postfix_commands import PostfixCommands
from smtpadmin.connectors._postfix_queue import PostfixQueue
from smtpadmin.model.errors import NotPermittedError, UnreachableError
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import QueueAction, QueueEntry
from smtpadmin.transport.scripted import Answer, ScriptedRunner

A, B = "A1B2C3D4E5", "B1B2C3D4E5"
HOLD, RELEASE, DELETE = (("postsuper", option, "-") for option in ("-h", "-H", "-d"))
LISTING = ("postqueue", "-j")


def line(queue_id: str, queue: str = "deferred", size: int = 10) -> bytes:
    return json.dumps({
        "queue_name": queue, "queue_id": queue_id, "arrival_time": 1_795_445_581,
        "message_size": size, "sender": "a@x.org", "recipients": [{"address": "b@y.org"}],
    }).encode() + b"\n"  # fmt: skip


def entry(queue_id: str) -> QueueEntry:
    arrived = datetime.fromtimestamp(1_795_445_581, UTC)
    return QueueEntry(queue_id, "deferred", arrived, 10, "a@x.org")


def held(*ids: str) -> Answer:
    said = "".join(f"postsuper: {i}: placed on hold\n" for i in ids)
    return Answer(stderr=f"{said}postsuper: Placed on hold: {len(ids)} messages\n".encode())


def actions(
    answers: dict[tuple[str, ...], Answer | list[Answer]],
) -> tuple[PostfixActions, ScriptedRunner]:
    runner = ScriptedRunner({("postconf", "..."): Answer(b"mail_version = 3.7.11\n"), **answers})
    commands = PostfixCommands(runner, Profile("u", "mx1", "postfix"))
    return PostfixActions(commands, PostfixQueue(commands), lambda: "Add this line."), runner


def asked(runner: ScriptedRunner) -> list[tuple[tuple[str, ...], bytes]]:
    return [(one.argv, one.stdin) for one in runner.asked if one.argv[0] == "postsuper"]


async def test_a_stranger_with_the_id_is_released_and_never_deleted() -> None:
    made, runner = actions({
        LISTING: [Answer(line(A) + line(B)), Answer(line(A, "hold", size=99) + line(B, "hold"))],
        HOLD: held(A, B),
        RELEASE: Answer(stderr=b"postsuper: A1B2C3D4E5: released from hold\n"),
        DELETE: Answer(stderr=b"postsuper: B1B2C3D4E5: removed\npostsuper: Deleted: 1 message\n"),
    })  # fmt: skip
    results = await made.act(QueueAction.DELETE, [entry(A), entry(B)])
    assert [(r.ok, r.message) for r in results] == [
        (False, "the queue ID now belongs to another message"), (True, "removed"),
    ]  # fmt: skip
    assert asked(runner) == [
        (HOLD, f"{A}\n{B}\n".encode()), (RELEASE, f"{A}\n".encode()), (DELETE, f"{B}\n".encode()),
    ]  # fmt: skip


async def test_a_stranger_that_was_on_hold_already_stays_there() -> None:
    made, runner = actions({
        LISTING: [Answer(line(A)), Answer(line(A, "hold", size=99))], HOLD: held(),
    })  # fmt: skip
    (result,) = await made.act(QueueAction.DELETE, [entry(A)])
    assert not result.ok
    assert [argv for argv, _ in asked(runner)] == [HOLD]


async def test_what_could_not_be_put_on_hold_is_not_deleted() -> None:
    made, runner = actions({LISTING: Answer(line(A) + line(B)), HOLD: held(B)})
    results = await made.act(QueueAction.DELETE, [entry(A)])
    assert not results[0].ok
    assert "on hold first" in results[0].message
    assert [argv for argv, _ in asked(runner)] == [HOLD]


async def test_a_prefix_that_eats_standard_input_is_named() -> None:
    made, _ = actions({LISTING: Answer(line(A)), HOLD: held()})
    (result,) = await made.act(QueueAction.DELETE, [entry(A)])
    assert (result.ok, result.message) == (False, NO_INPUT)


async def test_status_0_although_nothing_was_deleted() -> None:
    made, _ = actions({
        LISTING: [Answer(line(A)), Answer(line(A, "hold"))], HOLD: held(A),
        DELETE: Answer(stderr=b"postsuper: Deleted: 0 messages\n"),
    })  # fmt: skip
    (result,) = await made.act(QueueAction.DELETE, [entry(A)])
    assert (result.ok, result.message) == (False, "postsuper did not say that it was done")


async def test_postsuper_that_stops_in_the_middle() -> None:
    made, _ = actions({
        LISTING: [Answer(line(A) + line(B)), Answer(line(A, "hold") + line(B, "hold"))],
        HOLD: held(A, B),
        DELETE: Answer(stderr=b"postsuper: A1B2C3D4E5: removed\npostsuper: fatal: CHECK YOUR QUEUE IDS\n", status=1),
    })  # fmt: skip
    first, second = await made.act(QueueAction.DELETE, [entry(A), entry(B)])
    assert first.ok
    assert (second.ok, second.message) == (False, "postsuper: fatal: CHECK YOUR QUEUE IDS")


async def test_a_missing_right_names_the_remedy_and_nothing_was_done() -> None:
    made, runner = actions(
        {LISTING: Answer(line(A)), HOLD: Answer(stderr=b"sudo: a password is required\n", status=1)}
    )
    with pytest.raises(NotPermittedError, match="Add this line"):
        await made.act(QueueAction.HOLD, [entry(A)])
    assert all(one.privileged for one in runner.asked if one.argv[0] == "postsuper")


async def test_the_connection_breaks_before_the_delete() -> None:
    made, _ = actions({
        LISTING: [Answer(line(A)), Answer(line(A, "hold"))], HOLD: held(A),
        DELETE: Answer(error=UnreachableError("the connection broke")),
    })  # fmt: skip
    with pytest.raises(UnreachableError):
        await made.act(QueueAction.DELETE, [entry(A)])


async def test_a_flush_that_is_refused_raises_after_all_were_asked() -> None:
    refused = Answer(
        stderr=b"postqueue: fatal: Cannot flush mail queue - mail system is down\n", status=69
    )
    made, runner = actions({
        LISTING: Answer(line(A) + line(B)),
        ("postqueue", "-i", A): refused, ("postqueue", "-i", B): Answer(),
    })  # fmt: skip
    with pytest.raises(UnreachableError, match="down"):
        await made.act(QueueAction.RETRY, [entry(A), entry(B)])
    assert ("postqueue", "-i", B) in [one.argv for one in runner.asked]


async def test_no_command_runs_for_no_entry_that_stands() -> None:
    made, runner = actions({LISTING: Answer(b"")})
    results = await made.act(QueueAction.DELETE, [entry(A)])
    assert results[0].message == "no longer in the queue"
    assert asked(runner) == []


async def test_two_entries_with_one_id() -> None:
    made, _ = actions({
        LISTING: [Answer(line(A)), Answer(line(A, "hold"))], HOLD: held(A),
        DELETE: Answer(stderr=b"postsuper: A1B2C3D4E5: removed\n"),
    })  # fmt: skip
    other = QueueEntry(A, "deferred", None, 11, "a@x.org")
    results = await made.act(QueueAction.DELETE, [other, entry(A)])
    assert [r.ok for r in results] == [False, True]
