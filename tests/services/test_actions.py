"""Actions are safe: levels, identity, copies first, results from the server, the journal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.model.errors import (
    NotPermittedError,
    ServerRefusedError,
    StorageError,
    UnreachableError,
)
from smtpadmin.model.profile import Environment, SafetyLevel
from smtpadmin.model.queue import ActionResult, QueueAction, QueueRecipient, StoredMessage
from smtpadmin.services.actions import (
    CHANGED,
    COPIES_AT_ONCE,
    GONE,
    NOT_SAID,
    NOT_TRIED,
    ActionOutcome,
    PendingDelete,
    Progress,
    QueueActions,
    summary,
)
from smtpadmin.settings.journal import Journal
from tests.support.memory_server import MemoryServer, entry, profile
from tests.support.waiting import until

DELETE = QueueAction.DELETE
BREAK = UnreachableError("connection reset")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer(profile(), {}).put(*map(entry, range(1, 8)))


@pytest.fixture
def actions(server: MemoryServer, journal: Journal) -> QueueActions:
    return QueueActions(server, profile(), journal, batch=2)


def messages(outcome: ActionOutcome) -> list[str]:
    return [result.message for result in outcome.results]


async def test_a_delete_keeps_copies_tells_results_and_is_journalled(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    outcome = await actions.run(DELETE, [entry(1), entry(2), entry(3)])
    assert outcome.results == tuple(ActionResult(f"Q{n}", True) for n in (1, 2, 3))
    assert set(server.queue) == {"Q4", "Q5", "Q6", "Q7"}
    assert server.acted == [(DELETE, ["Q1", "Q2"]), (DELETE, ["Q3"])]
    [activity] = journal.read()
    assert activity == outcome.activity
    assert (activity.ok, activity.failed, activity.queue_ids) == (3, 0, ("Q1", "Q2", "Q3"))
    assert activity.commands == ("memory delete",)
    copy = journal.load_copy(activity.copies[0])
    assert copy == StoredMessage(
        "Q1",
        "news@corp.example",
        ("u1@one.example",),
        b"Subject: x\r\n\r\nhello\r\n",
        entry(1).arrived,
    )


async def test_a_read_only_profile_refuses_everything(
    server: MemoryServer, journal: Journal
) -> None:
    there = profile(SafetyLevel.READ_ONLY)
    actions = QueueActions(server, there, journal)
    for action in (QueueAction.RETRY, DELETE):
        confirmed = actions.preview(action, [entry(1)]).confirm()
        with pytest.raises(NotPermittedError, match="read-only"):
            await actions.run(action, [entry(1)], confirmed)
    assert (server.acted, server.listings, journal.read()) == ([], 0, [])
    assert not any(offer.available for offer in actions.offers())


async def test_confirm_wants_consent_to_these_very_messages(
    server: MemoryServer, journal: Journal
) -> None:
    actions = QueueActions(server, profile(SafetyLevel.CONFIRM), journal)
    with pytest.raises(NotPermittedError, match="not confirmed"):
        await actions.run(DELETE, [entry(1)])
    one = actions.preview(DELETE, [entry(1)]).confirm()
    with pytest.raises(NotPermittedError):
        await actions.run(DELETE, [entry(1), entry(2)], one)
    with pytest.raises(NotPermittedError):
        await actions.run(QueueAction.BOUNCE, [entry(1)], one)
    assert server.acted == []
    assert (await actions.run(DELETE, [entry(1)], one)).ok == 1
    assert (await actions.run(QueueAction.HOLD, [entry(2)])).ok == 1


async def test_production_is_not_deleted_by_a_click(server: MemoryServer, journal: Journal) -> None:
    there = profile(SafetyLevel.CONFIRM, Environment.PRODUCTION)
    preview = QueueActions(server, there, journal).preview(DELETE, [entry(1)])
    assert preview.needs_confirmation
    assert preview.typed_name == "mx1"


async def test_what_the_server_lacks_is_refused_with_its_reason(actions: QueueActions) -> None:
    with pytest.raises(NotPermittedError, match="memory cannot requeue"):
        await actions.run(QueueAction.REQUEUE, [entry(1)])


async def test_a_server_without_queue_control_offers_nothing(journal: Journal) -> None:
    actions = QueueActions(object(), profile(), journal)
    assert {offer.available for offer in actions.offers()} == {False}
    with pytest.raises(NotPermittedError, match="cannot be acted on"):
        await actions.run(DELETE, [entry(1)])


async def test_an_id_used_again_since_the_listing_is_never_deleted(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    server.put(replace(entry(2), arrived=entry(99).arrived))
    del server.queue["Q3"]
    outcome = await actions.run(DELETE, [entry(1), entry(2), entry(3)])
    assert messages(outcome) == ["", CHANGED, GONE]
    assert [result.queue_id for result in outcome.failed] == ["Q2", "Q3"]
    assert "Q2" in server.queue
    assert server.acted == [(DELETE, ["Q1"])]
    assert "1 ok, 2 failed: Q2" in journal.read()[0].result


async def test_an_id_used_again_after_the_second_listing_is_not_deleted_either(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    another = replace(entry(1), sender="other@corp.example")
    server.before_act = lambda: server.put(another)
    outcome = await actions.run(DELETE, [entry(1)])
    assert messages(outcome) == ["not that message any more"]
    assert server.queue["Q1"] == another
    assert journal.read()[0].copies == (), "a copy of what was not deleted must not be put back"


async def test_the_second_listing_stops_when_all_are_found(
    server: MemoryServer, actions: QueueActions
) -> None:
    server.batch = 1
    server.listing_breaks = (3, BREAK)
    assert (await actions.run(QueueAction.RETRY, [entry(1), entry(2)])).ok == 2


async def test_when_the_second_listing_breaks_nothing_is_done(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    server.listing_breaks = (0, BREAK)
    with pytest.raises(UnreachableError):
        await actions.run(DELETE, [entry(1)])
    assert (server.acted, journal.read()) == ([], [])


async def test_the_server_says_for_each_message_whether_it_worked(
    server: MemoryServer, actions: QueueActions
) -> None:
    server.refuses = {"Q2"}
    progress: list[Progress] = []
    actions.progressed.connect(progress.append)
    outcome = await actions.run(DELETE, [entry(1), entry(2), entry(3)])
    assert messages(outcome) == ["", "refused", ""]
    assert (outcome.ok, len(outcome.failed), outcome.error) == (2, 1, None)
    assert outcome.activity.queue_ids == ("Q1", "Q3")
    assert progress == [Progress(2, 3, 1), Progress(3, 3, 1)]


async def test_without_a_copy_there_is_no_delete(
    server: MemoryServer, actions: QueueActions
) -> None:
    server.fetch_errors = {"Q2": ServerRefusedError("not readable")}
    outcome = await actions.run(DELETE, [entry(1), entry(2), entry(3)])
    assert messages(outcome) == ["", "not removed, because no copy could be kept: not readable", ""]
    assert "Q2" in server.queue


async def test_copies_are_fetched_a_few_at_a_time_and_in_order(
    server: MemoryServer, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, now, most = server.fetch_message, 0, 0

    async def slow(queue_id: str) -> StoredMessage:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01 if queue_id == "Q1" else 0.0)
        now -= 1
        return await fetch(queue_id)

    monkeypatch.setattr(server, "fetch_message", slow)
    outcome = await QueueActions(server, profile(), journal).run(
        DELETE, [entry(n) for n in range(1, 8)]
    )
    assert outcome.ok == 7
    assert most == COPIES_AT_ONCE
    kept = [journal.load_copy(path).queue_id for path in outcome.activity.copies]
    assert kept == [f"Q{n}" for n in range(1, 8)]


async def test_an_account_that_may_read_no_message_is_not_tried_for_each(
    server: MemoryServer, actions: QueueActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def refuse(queue_id: str) -> StoredMessage:
        asked.append(queue_id)
        raise NotPermittedError("no right", remedy="Add this line.")

    monkeypatch.setattr(server, "fetch_message", refuse)
    outcome = await actions.run(DELETE, [entry(n) for n in range(1, 8)])
    assert isinstance(outcome.error, NotPermittedError)
    assert outcome.ok == 0
    assert len(asked) <= COPIES_AT_ONCE
    assert messages(outcome)[-1] == NOT_TRIED
    assert len(server.queue) == 7


async def test_a_full_disk_stops_the_delete(
    server: MemoryServer, actions: QueueActions, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, full = journal.keep_copy, StorageError("disk full", where="/state")

    def fail_at_third(message: StoredMessage, name: str) -> str:
        if message.queue_id == "Q3":
            raise full
        return keep(message, name)

    monkeypatch.setattr(journal, "keep_copy", fail_at_third)
    outcome = await actions.run(DELETE, [entry(n) for n in range(1, 8)])
    assert outcome.error is full
    assert [result.ok for result in outcome.results] == [True, True] + [False] * 5
    assert messages(outcome)[3:] == [NOT_TRIED] * 4
    assert set(server.queue) == {f"Q{n}" for n in range(3, 8)}


async def test_without_copies_only_when_asked(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    server.fetch_errors = {"Q1": ServerRefusedError("not readable")}
    assert (await actions.run(DELETE, [entry(1)], keep_copies=False)).ok == 1
    assert journal.read()[0].copies == ()


async def test_recipients_who_have_it_are_not_in_the_copy(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    half = replace(
        entry(1),
        recipients=(QueueRecipient("a@x.example", delivered=True), QueueRecipient("b@x.example")),
    )
    server.put(half)
    outcome = await actions.run(DELETE, [half])
    assert journal.load_copy(outcome.activity.copies[0]).recipients == ("b@x.example",)


async def test_a_connection_lost_in_the_middle_is_told_honestly(
    server: MemoryServer, actions: QueueActions, journal: Journal
) -> None:
    def break_at_second() -> None:
        if server.acted:
            server.act_error = BREAK

    server.before_act = break_at_second
    outcome = await actions.run(DELETE, [entry(n) for n in range(1, 6)])
    assert outcome.error is BREAK
    assert [result.ok for result in outcome.results] == [True, True, False, False, False]
    assert all(text.startswith(f"{NOT_SAID}; its copy: ") for text in messages(outcome)[2:4])
    assert messages(outcome)[4] == NOT_TRIED
    [activity] = journal.read()
    assert (activity.ok, activity.failed, len(activity.copies)) == (2, 3, 2)


async def test_cancel_stops_after_the_messages_in_hand(
    server: MemoryServer, actions: QueueActions
) -> None:
    server.before_act = actions.cancel
    outcome = await actions.run(DELETE, [entry(n) for n in range(1, 6)])
    assert [result.ok for result in outcome.results] == [True, True, False, False, False]
    assert messages(outcome)[2:] == [NOT_TRIED] * 3
    server.before_act = lambda: None
    assert (await actions.run(DELETE, [entry(3)])).ok == 1


async def test_a_cancelled_task_is_still_journalled(
    server: MemoryServer, actions: QueueActions, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, act = asyncio.Event(), server.act

    async def hang_at_second(*args: object) -> list[ActionResult]:
        if server.acted:
            reached.set()
            await asyncio.Event().wait()
        return await act(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(server, "act", hang_at_second)
    task = asyncio.create_task(actions.run(DELETE, [entry(n) for n in range(1, 6)]))  # noqa: TID251
    async with asyncio.timeout(5):
        await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [activity] = journal.read()
    assert (activity.ok, activity.failed) == (2, 3)
    assert NOT_SAID in activity.result


async def test_a_journal_that_cannot_be_written_is_told(
    actions: QueueActions, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = StorageError("disk full")

    def fail(_activity: object) -> None:
        raise full

    monkeypatch.setattr(journal, "write", fail)
    outcome = await actions.run(QueueAction.RETRY, [entry(1)])
    assert (outcome.ok, outcome.error) == (1, full)


async def test_what_is_so_already_is_left_alone(
    server: MemoryServer, actions: QueueActions
) -> None:
    server.put(entry(1, "hold"))
    outcome = await actions.run(QueueAction.HOLD, [entry(1), entry(2)])
    assert messages(outcome) == ["was held already", ""]
    assert outcome.activity.queue_ids == ("Q2",), "undo must not release what we did not hold"
    outcome = await actions.run(QueueAction.RELEASE, [entry(3)])
    assert messages(outcome) == ["was not held"]


async def test_each_outcome_is_told(actions: QueueActions) -> None:
    told: list[ActionOutcome] = []
    actions.done.connect(told.append)
    outcome = await actions.run(QueueAction.RETRY, [entry(1)])
    assert told == [outcome]


def test_a_summary_names_the_first_failures() -> None:
    results = [ActionResult(f"Q{n}", n < 2, "no") for n in range(9)]
    assert summary(results) == "2 ok, 7 failed: Q2 no; Q3 no; Q4 no; Q5 no; Q6 no; …"
    assert summary(results[:2]) == "2 ok, 0 failed"


async def test_a_delete_waits_and_can_be_called_off(
    server: MemoryServer, actions: QueueActions
) -> None:
    pending = PendingDelete(lambda: actions.run(DELETE, [entry(1)]), delay=60)
    task = asyncio.create_task(pending.run())  # noqa: TID251
    await asyncio.sleep(0)
    assert pending.cancel() is True
    assert await task is None
    assert "Q1" in server.queue


async def test_after_the_wait_it_is_sent_and_cannot_be_called_off(
    server: MemoryServer, actions: QueueActions
) -> None:
    pending = PendingDelete(lambda: actions.run(DELETE, [entry(1)]), delay=0)
    outcome = await pending.run()
    assert outcome is not None
    assert outcome.ok == 1
    assert pending.cancel() is False
    assert "Q1" not in server.queue


async def test_a_window_that_closes_sends_nothing(
    server: MemoryServer, actions: QueueActions
) -> None:
    pending = PendingDelete(lambda: actions.run(DELETE, [entry(1)]), delay=60)
    task = asyncio.create_task(pending.run())  # noqa: TID251
    await asyncio.sleep(0)
    task.cancel()
    await until(task.done)
    assert task.cancelled()
    assert (pending.sent, server.acted) == (False, [])
