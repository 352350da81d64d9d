"""Answers that a healthy Exim does not give, on recorded ones; the real ones are in test_exim."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smtpadmin.connectors import _exim_actions
from smtpadmin.connectors._exim_actions import CHANGED, STILL_BUSY, EximActions, offers
from smtpadmin.connectors._exim_commands import EximCommands, EximPlace
from smtpadmin.connectors._exim_queue import EximQueue
from smtpadmin.formats.exim_actions import MALFORMED, NOT_SAID
from smtpadmin.formats.exim_id import arrival_of
from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.queue import QueueAction, QueueEntry
from smtpadmin.transport.scripted import Answer, ScriptedRunner

A, B = "1rABcd-000DEF-99", "1rABcd-000DEF-98"
LISTED = b"".join(b" 0m   306 %s <a@b.test>\n          c@d.test\n\n" % i.encode() for i in (A, B))
BASE = {
    ("exim9", "-bV"): Answer(b"Exim version 4.96 #2\n"),
    ("exim9", "-Mvl", "..."): Answer(b"Failed to open msglog file\n", status=1),
    ("exim9", "-bp", "..."): Answer(LISTED),
}


def entry(queue_id: str) -> QueueEntry:
    return QueueEntry(queue_id, "deferred", arrival_of(queue_id), 306, "a@b.test")


def actions(**answers: Answer) -> tuple[EximActions, ScriptedRunner]:
    keys = {("exim9", f"-{name}", "..."): answer for name, answer in answers.items()}
    runner = ScriptedRunner({**BASE, **keys})
    exim = EximCommands(runner, EximPlace("exim9"))
    return EximActions(exim, EximQueue(exim, "ex1")), runner


async def test_each_entry_has_its_result_in_order_and_a_wrong_one_costs_no_other() -> None:
    acting, runner = actions(Mrm=Answer(f"Message {A} has been removed\n".encode()))
    wrong = [entry("; reboot"), replace(entry(B), size=1), replace(entry(B), sender="x@y.test")]
    results = await acting.act(QueueAction.DELETE, [wrong[0], entry(A), *wrong[1:]])
    assert [(r.ok, r.message) for r in results] == [
        (False, MALFORMED), (True, ""), (False, CHANGED), (False, CHANGED),
    ]  # fmt: skip
    assert ("exim9", "-Mrm", A) in [asked.argv for asked in runner.asked]
    assert all("; reboot" not in asked.argv for asked in runner.asked)


async def test_a_full_disk_is_told_for_each() -> None:
    said = f"Message {A} could not be frozen: No space left on device\n"
    acting, _ = actions(Mf=Answer(said.encode(), status=1))
    results = await acting.act(QueueAction.HOLD, [entry(A), entry(B)])
    assert [(r.ok, r.message) for r in results] == [
        (False, "could not be frozen: No space left on device"),
        (False, NOT_SAID),
    ]


async def test_the_server_goes_down_before_it_answers() -> None:
    acting, _ = actions(Mrm=Answer(error=UnreachableError("the connection was lost")))
    with pytest.raises(UnreachableError):
        await acting.act(QueueAction.DELETE, [entry(A)])


async def test_a_delivery_that_takes_too_long_is_one_failed_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_exim_actions, "DELIVERY_S", 0.05)
    acting, _ = actions(v=Answer(hangs=True))
    results = await acting.act(QueueAction.RETRY, [entry(A), entry(B)])
    assert [(r.ok, r.message) for r in results] == [(False, STILL_BUSY)] * 2


async def test_what_is_still_there_was_not_bounced() -> None:
    acting, _ = actions(Mg=Answer(stderr=b"failed to fork\n", status=1))
    results = await acting.act(QueueAction.BOUNCE, [entry(A)])
    assert (results[0].ok, results[0].message) == (False, "still in the queue: failed to fork")


async def test_no_requeue_and_nothing_is_asked() -> None:
    acting, runner = actions()
    (result,) = await acting.act(QueueAction.REQUEUE, [entry(A)])
    assert not result.ok
    assert runner.asked == []
    assert [offer.action for offer in offers("exim") if not offer.available] == ["requeue"]
