from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exim_actions import (
    GONE,
    LOCKED,
    NOT_PERMITTED,
    NOT_SAID,
    UNREADABLE_REMOVED,
    is_permission_denied,
    parse_accepted,
    parse_action,
    parse_delivery,
)
from smtpadmin.formats.exim_id import is_message_id
from smtpadmin.model.queue import QueueAction

DATA = Path(__file__).parents[1] / "data/exim/4.97"
A, B, C = "1xVViO-0006Oq-2l", "1xVViO-0006Oq-2P", "1rABcd-00000001abC-2dEf"


def test_one_result_for_each_id_in_order() -> None:
    said = f"Message {A} is now frozen\nMessage {B} is already frozen\n"
    assert [(r.queue_id, r.ok, r.message) for r in parse_action(QueueAction.HOLD, [B, A, C], said)] == [
        (B, False, "is already frozen"),
        (A, True, ""),
        (C, False, NOT_SAID),
    ]  # fmt: skip


def test_longer_ids() -> None:
    said = (DATA / "actions.txt").read_text()
    ids = [C, "1rABcd-00000001abD-0000", "1rABcd-000DEF-99"]
    assert [(r.ok, r.message) for r in parse_action(QueueAction.HOLD, ids, said)] == [
        (True, ""),
        (False, GONE),
        (False, "is already frozen"),
    ]


@pytest.mark.parametrize(
    ("action", "said", "message"),
    [
        (QueueAction.HOLD, f"Message {A} is locked", LOCKED),
        (QueueAction.HOLD, f"Couldn't open spool file for {A}: Permission denied", NOT_PERMITTED),
        (QueueAction.HOLD, "Permission denied", NOT_PERMITTED),
        (QueueAction.HOLD, f"Spool read error for {A}-H: No such file or directory", GONE),
        (QueueAction.HOLD, f"Message {A} could not be frozen: disk full", "could not be frozen: disk full"),
        (QueueAction.DELETE, f"Spool data file for {A} does not exist\nContinuing, to ensure all files removed\nMessage {A} has been removed or did not exist", GONE),
        (QueueAction.DELETE, f"Message {A} is now frozen", "is now frozen"),
        (QueueAction.RELEASE, f"Message {A} is not frozen", "is not frozen"),
        (QueueAction.RELEASE, f"Spool format error for {A}-H", f"Spool format error for {A}-H"),
        (QueueAction.RELEASE, f"Message {A} is no longer frozen\x1b[2J", "is no longer frozen␛[2J"),
        (QueueAction.DELETE, "", NOT_SAID),
    ],
)  # fmt: skip
def test_what_did_not_work(action: QueueAction, said: str, message: str) -> None:
    (result,) = parse_action(action, [A], said)
    assert (result.ok, result.message) == (False, message)


def test_what_worked() -> None:
    for action, said in {
        QueueAction.HOLD: "is now frozen",
        QueueAction.RELEASE: "is no longer frozen",
        QueueAction.DELETE: "has been removed",
    }.items():
        assert parse_action(action, [A], f"Message {A} {said}")[0].ok


def test_a_broken_message_that_was_removed() -> None:
    said = (
        f"Spool format error for {A}-H\nContinuing to ensure all files removed\n"
        f"Message {A} has been removed or did not exist\n"
    )
    (result,) = parse_action(QueueAction.DELETE, [A], said)
    assert (result.ok, result.message) == (True, UNREADABLE_REMOVED)


def test_a_delivery_that_was_tried() -> None:
    said = (
        f"delivering {A}\nConnecting to 127.0.0.1 [127.0.0.1]:2599 ...\n connected\n"
        "  SMTP<< 250 LOG: MAIN\nLOG: MAIN\n  Unfrozen by forced delivery\n"
        "LOG: MAIN\n  => anna <anna@lab.test> R=mailbox T=maildir DT=0s\n"
        "LOG: MAIN\n  == u@down.test R=down T=closed defer (111): Connection refused DT=0.01s\n"
        "LOG: MAIN\n  ** x@y.test: Unrouteable address DT=0s\n"
        f"delivering {B}\nLOG: MAIN\n  => ben <ben@lab.test> R=mailbox T=maildir DT=0s\n"
    )
    result = parse_delivery(A, said)
    assert (result.ok, result.message) == (
        True,
        "1 delivered, 1 deferred, 1 failed: Unrouteable address",
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (f"delivering {A}\nLOG: MAIN\n  Spool file {A}-D not found\n", GONE),
        (f"LOG: skip_delivery MAIN\n  Spool file for {A} is locked (another process is handling this message)\n", LOCKED),
        ("exim: Permission denied\n", NOT_PERMITTED),
        ("LOG: MAIN", NOT_SAID),
        ("", NOT_SAID),
    ],
)  # fmt: skip
def test_a_delivery_that_was_not(said: str, message: str) -> None:
    result = parse_delivery(A, said)
    assert (result.ok, result.message) == (False, message)


def test_the_id_of_a_message_that_was_taken() -> None:
    said = (
        ">>Headers received:\nSubject: x\n Data file written for message 1aaaaa-000000-aa\n"
        f"Data file written for message {A}\n>>Generated Received: header line\n"
    )
    assert parse_accepted(said) == A
    assert parse_accepted(f"Data file written for message {C}\n") == C
    assert parse_accepted("Data file written for message -bd\n") is None


def test_permission() -> None:
    assert is_permission_denied("exim: permission denied")
    assert is_permission_denied("x\nPermission denied\n")
    assert not is_permission_denied("permission denied by policy is what a Subject said"[11:])


@given(st.sampled_from(list(QueueAction)), st.text(max_size=400))
def test_any_answer_gives_one_result_an_id(action: QueueAction, said: str) -> None:
    assert [r.queue_id for r in parse_action(action, [A, B], said)] == [A, B]
    assert parse_delivery(A, said).queue_id == A


def test_every_recorded_answer() -> None:
    path = Path(__file__).parents[3] / "shared/lab/samples/exim-actions.txt"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    actions = {"-Mf": QueueAction.HOLD, "-Mt": QueueAction.RELEASE, "-Mrm": QueueAction.DELETE}
    seen = 0
    for block in path.read_text("utf-8").split("\n$ "):
        words = block.split("\n")[0].split()
        action = next((actions[word] for word in words if word in actions), None)
        ids = [word for word in words if is_message_id(word)]
        if action is None or not ids:
            continue
        results = parse_action(action, ids, block.partition("\n")[2])
        assert {r.ok for r in results} == {"--- rc=0" in block}, block
        seen += 1
    assert seen >= 7
