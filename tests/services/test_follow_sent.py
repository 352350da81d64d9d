"""Following: until it has ended, never longer than allowed, and past servers that fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from smtpadmin.connectors.api import SettingField
from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.smtp import SendResult, Stage
from smtpadmin.model.stats import ProbeResult
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.services import follow_sent
from smtpadmin.services.follow_sent import follow

ACCEPTED = SendResult("accepted", Stage.DOT, "<1@b.example>", "mx:25")
REFUSED = SendResult("refused", Stage.RCPT, "<1@b.example>", "mx:25")
Answer = DeliveryStatus | Exception | None


class Server:
    """Answers each question with the next of ``answers``, and the last one for ever."""

    id = "memory"
    title = "Memory"
    settings: tuple[SettingField, ...] = ()

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.asked: list[TrackCriteria] = []

    async def probe(self) -> ProbeResult:
        return ProbeResult("memory")

    async def close(self) -> None:
        return None

    async def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
        self.asked.append(criteria)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            yield TrackedMessage(("Q1",), answer, ())


class Untracked:
    id = "plain"
    title = "Plain"
    settings: tuple[SettingField, ...] = ()

    async def probe(self) -> ProbeResult:
        return ProbeResult("plain")

    async def close(self) -> None:
        return None


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_sent, "FIRST_STEP_S", 0.01)
    monkeypatch.setattr(follow_sent, "MOST_STEP_S", 0.02)


QUEUED, DEFERRED, DELIVERED, SENT = (
    DeliveryStatus.QUEUED,
    DeliveryStatus.DEFERRED,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.SENT,
)


async def test_it_is_asked_for_until_nothing_is_open() -> None:
    server = Server([None, QUEUED, DEFERRED, DELIVERED])
    trace = await follow({"mx": server, "plain": Untracked()}, ACCEPTED, seconds=10)  # type: ignore[dict-item]
    assert trace.ended
    assert [message.status for message in trace.messages] == [DELIVERED]
    assert [criteria.message_id for criteria in server.asked] == ["<1@b.example>"] * 4


async def test_every_server_counts_and_one_that_fails_is_asked_once() -> None:
    first, second = Server([SENT]), Server([QUEUED, QUEUED, DELIVERED])
    broken = Server([UnreachableError("gone")])
    servers = {"a": first, "b": second, "c": broken}
    trace = await follow(servers, ACCEPTED, seconds=10)  # type: ignore[arg-type]
    assert sorted(message.status for message in trace.messages) == [DELIVERED, SENT]
    assert len(second.asked) == 3
    assert len(broken.asked) == 1
    assert list(trace.failures) == ["c"]


async def test_time_runs_out_with_what_is_known() -> None:
    started = time.monotonic()
    trace = await follow({"mx": Server([DEFERRED])}, ACCEPTED, seconds=0.1)  # type: ignore[dict-item]
    assert time.monotonic() - started < 5
    assert not trace.ended
    assert [message.status for message in trace.messages] == [DEFERRED]


async def test_a_server_that_never_answers_does_not_hide_the_others() -> None:
    class Silent(Server):
        async def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
            await asyncio.Event().wait()
            yield TrackedMessage((), QUEUED, ())

    servers = {"silent": Silent([None]), "mx": Server([DELIVERED])}
    trace = await follow(servers, ACCEPTED, seconds=0.1)  # type: ignore[arg-type]
    assert [message.status for message in trace.messages] == [DELIVERED]
    assert not trace.ended


@pytest.mark.parametrize("result", [ACCEPTED, REFUSED])
async def test_without_a_server_to_ask_or_a_message_to_follow_it_ends_at_once(
    result: SendResult,
) -> None:
    server = Server([QUEUED])
    servers = {} if result is ACCEPTED else {"mx": server}
    async with asyncio.timeout(5):
        trace = await follow(servers, result, seconds=60)  # type: ignore[arg-type]
    assert (trace.messages, trace.ended, server.asked) == ([], False, [])


async def test_when_all_have_failed_it_ends() -> None:
    async with asyncio.timeout(5):
        trace = await follow({"mx": Server([UnreachableError("gone")])}, ACCEPTED, seconds=60)  # type: ignore[dict-item]
    assert list(trace.failures) == ["mx"]
