"""A schedule that stands, and outcomes that change."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from smtpadmin.model.errors import UnreachableError, UsageError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.repeat import Outcome, Run, outcome_of
from smtpadmin.model.smtp import SubmissionEndpoint
from smtpadmin.services import repeat as module
from smtpadmin.services.repeat import Repeater, is_different, repeat
from smtpadmin.services.send_test import TestSender
from smtpadmin.settings.run_history import RunHistory
from smtpadmin.transport.smtp_endpoint import plan_of
from smtpadmin.transport.smtp_run import Secrets
from tests.support.catch import catching
from tests.support.waiting import until

EVERY = timedelta(milliseconds=50)
OK = Outcome("accepted", "dot", "250 2.0.0 queued as A1")
LATER = Outcome("refused", "rcpt", "450 4.7.1 later")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORTEST", timedelta(milliseconds=1))


class Sender:
    """Gives these outcomes, the last one for ever."""

    def __init__(
        self, *outcomes: Outcome | Exception, takes: Iterator[float] | None = None
    ) -> None:
        self.outcomes = list(outcomes)
        self.takes = takes or iter(())
        self.called: list[float] = []

    async def __call__(self) -> Outcome:
        self.called.append(asyncio.get_running_loop().time())
        await asyncio.sleep(next(self.takes, 0.0))
        found = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(found, Exception):
            raise found
        return found


async def runs_of(sender: Sender, times: int) -> list[Run]:
    async with asyncio.timeout(10):
        return [run async for run in repeat(sender, EVERY, times)]


async def test_now_and_then_at_equal_distances() -> None:
    sender = Sender(OK)
    runs = await runs_of(sender, 4)
    assert [run.number for run in runs] == [1, 2, 3, 4]
    gaps = [b.planned - a.planned for a, b in itertools.pairwise(runs)]
    assert all(gap % EVERY == timedelta(0) and gap >= EVERY for gap in gaps)
    assert sender.called[3] - sender.called[0] >= 0.145
    assert not any(run.changed for run in runs)


async def test_a_slow_run_makes_the_next_miss_their_turn_and_moves_none() -> None:
    runs = await runs_of(Sender(OK, takes=iter([0.12])), 3)
    assert runs[1].missed >= 1
    assert runs[1].planned - runs[0].planned == EVERY * (runs[1].missed + 1)


async def test_changes_and_failures() -> None:
    dead = UnreachableError("cannot connect", where="mx:25")
    runs = await runs_of(Sender(OK, LATER, LATER, dead, OK), 5)
    assert [run.changed for run in runs] == [False, True, False, True, True]
    assert runs[3].outcome.result == "failed"
    assert "cannot connect" in runs[3].outcome.reply


@pytest.mark.parametrize(
    ("last", "now", "different"),
    [
        (OK, Outcome("accepted", "dot", "250 2.0.0 something else"), False),
        (LATER, Outcome("refused", "rcpt", "450 4.7.1 later"), False),
        (LATER, Outcome("refused", "data", "450 4.7.1 later"), True),
        (LATER, Outcome("refused", "rcpt", "550 5.7.1 later"), True),
        (
            Outcome("refused", "rcpt", "450 try in 10 s"),
            Outcome("refused", "rcpt", "450 try in 9 s"),
            False,
        ),
        (OK, LATER, True),
    ],
)
def test_what_is_a_change(last: Outcome, now: Outcome, different: bool) -> None:
    assert is_different(last, now) is different


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-1), timedelta(days=400)])
async def test_schedules_that_cannot_be(every: timedelta) -> None:
    with pytest.raises(UsageError):
        await anext(repeat(Sender(OK), every))
    with pytest.raises(UsageError):
        Repeater(Sender(OK), EVERY, 0)


async def test_a_repeater_tells_keeps_and_goes_on_from_its_history(tmp_path: Path) -> None:
    history = RunHistory(tmp_path / "runs.jsonl")
    ran: list[Run] = []
    changed: list[tuple[Run, Run | None]] = []
    for outcomes in ((OK, OK), (LATER, OK)):
        repeater = Repeater(Sender(*outcomes), EVERY, 2, history)
        repeater.ran.connect(lambda run: ran.append(run))
        repeater.changed.connect(lambda run, last: changed.append((run, last)))
        await repeater.start()
        await until(lambda repeater=repeater: not repeater.running)
    assert len(ran) == 4
    assert [run.outcome for run in history.read()] == [OK, OK, LATER, OK]
    assert [(new.outcome, last and last.outcome) for new, last in changed] == [
        (LATER, OK),
        (OK, LATER),
    ]
    assert len(repeater.runs) == 4
    with pytest.raises(UsageError):
        await repeater.start()


async def test_stopping_in_the_middle_of_a_run() -> None:
    sender = Sender(OK, takes=iter([60.0]))
    repeater = Repeater(sender, EVERY)
    ended: list[BaseException | None] = []
    repeater.ended.connect(ended.append)
    await repeater.start()
    await until(lambda: sender.called)
    await repeater.stop()
    assert (list(repeater.runs), ended, repeater.running) == ([], [None], False)


@pytest.mark.expects_log
async def test_a_bug_ends_the_schedule_and_says_so() -> None:
    repeater = Repeater(Sender(RuntimeError("a bug")), EVERY)
    ended: list[BaseException | None] = []
    repeater.ended.connect(ended.append)
    await repeater.start()
    await until(lambda: ended)
    assert isinstance(ended[0], RuntimeError)


@pytest.mark.expects_log
async def test_a_disk_that_is_full_does_not_end_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    repeater = Repeater(Sender(OK), EVERY, 2, RunHistory(tmp_path / "file" / "runs.jsonl"))
    await repeater.start()
    await until(lambda: not repeater.running)
    assert len(repeater.runs) == 2


async def test_a_real_message_to_a_server_that_changes_its_mind() -> None:
    async with catching('rcpt reply="450 4.7.1 later" times=1') as server:
        assert server.address is not None
        plan = plan_of(SubmissionEndpoint(*server.address, TlsMode.NONE))
        recipe = Recipe(Letter("a@x.example", ("b@y.example",)), plan)
        sender = TestSender()

        async def send() -> Outcome:
            result, _ = await sender.send_recipe(recipe, Secrets())
            return outcome_of(result)

        runs = [run async for run in repeat(send, EVERY, 3)]
        assert len(server.store) == 2
    assert [run.outcome.result for run in runs] == ["refused", "accepted", "accepted"]
    assert [run.changed for run in runs] == [False, True, False]
