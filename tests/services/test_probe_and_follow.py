"""A message followed over two real servers to a real mailbox, and past servers that fail."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.builtin.config import NextHop, Schedule
from smtpadmin.connectors.builtin import BuiltinServer
from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.follow import FollowStep, StepKind
from smtpadmin.model.mailbox import Arrival, MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.model.queue import QueueCounts, QueueEntry, QueueRecipient
from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.smtp import Reply, SendResult, Stage, SubmissionEndpoint
from smtpadmin.model.stats import ProbeResult
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage, TrackedRecipient
from smtpadmin.services import follow_servers, probe_and_follow
from smtpadmin.services.probe_and_follow import MessageFollower
from smtpadmin.services.send_test import TestSender
from smtpadmin.transport.smtp_endpoint import plan_of
from smtpadmin.transport.smtp_run import Secrets
from tests.servers.dovecot import USER, running_dovecot
from tests.support.admin_server import RunningServer, running_server
from tests.support.lmtp_bridge import lmtp_bridge
from tests.support.zone_resolver import ZoneResolver

QUEUED, DEFERRED, SENT = DeliveryStatus.QUEUED, DeliveryStatus.DEFERRED, DeliveryStatus.SENT
DELIVERED, BOUNCED = DeliveryStatus.DELIVERED, DeliveryStatus.BOUNCED


def connector(name: str, running: RunningServer) -> BuiltinServer:
    host, port = running.api.address
    token = running.server.config.token_path.read_text("ascii").strip()
    return BuiltinServer(
        Profile(name, name, "builtin", settings={"admin": f"{host}:{port}"}), {"token": token}
    )


@contextlib.asynccontextmanager
async def two_servers(
    folder: Path, last_hop: int = 1, **second: Any
) -> AsyncIterator[tuple[dict[str, Any], RunningServer]]:
    """``edge`` hands everything to ``hub``, and that one to ``last_hop``."""
    hub_options = {
        "hostname": "hub.example",
        "local_domains": {"hub.example": None},
        "routes": {"local.example": NextHop("127.0.0.1", last_hop, TlsMode.NONE)},
    } | second
    async with running_server(folder / "hub", **hub_options) as hub:
        hop = NextHop(*hub.server.smtp, TlsMode.NONE)
        edge_options = {
            "hostname": "edge.example",
            "local_domains": {"edge.example": None},
            "routes": {"*": hop, "closed.example": NextHop("127.0.0.1", 1, TlsMode.NONE)},
        }
        async with running_server(folder / "edge", **edge_options) as edge:
            servers = {"edge": connector("edge", edge), "hub": connector("hub", hub)}
            try:
                yield servers, edge
            finally:
                for each in servers.values():
                    await each.close()


async def send(
    edge: RunningServer, to: str, sender: str = "anna@edge.example"
) -> tuple[SendResult, bytes]:
    tester = TestSender()
    host, port = edge.server.smtp
    letter = Letter(sender, (to,), subject="followed", text="hello\n")
    plan = plan_of(SubmissionEndpoint(host, port, TlsMode.NONE))
    result, error = await tester.send_recipe(Recipe(letter, plan), Secrets())
    assert error is None
    assert tester.raw
    return result, tester.raw


async def test_over_two_servers_into_the_mailbox(tmp_path: Path) -> None:
    told: list[FollowStep] = []
    with running_dovecot() as dovecot:
        async with (
            lmtp_bridge(dovecot.deliver) as port,
            two_servers(tmp_path, port) as (servers, edge),
        ):
            result, raw = await send(edge, USER)
            follower = MessageFollower(
                servers,
                origin="edge",
                mailbox=dovecot.account(),
                emit=told.append,
                resolver=ZoneResolver({"edge.example": [{"TXT": "v=spf1 ip4:192.0.2.2 -all"}]}),
            )
            report = await follower.follow(result, raw=raw, seconds=40)
    assert (report.status, report.ended, dict(report.failures)) == (DELIVERED, True, {})
    assert tuple(told) == report.steps
    assert {step.server for step in told if step.kind is StepKind.FOUND} == {"edge", "hub"}
    assert told[0].kind is StepKind.ACCEPTED
    assert told[0].queue_id == result.queue_id
    arrival = report.arrival
    assert arrival is not None
    assert (arrival.folder, arrival.is_junk) == ("INBOX", False)
    assert arrival.changes is not None
    assert arrival.changes.body == "same"
    assert {change.name for change in arrival.changes.added} >= {"Received", "Return-Path"}
    assert {"edge.example", "hub.example", "bridge.example"} <= {hop.by for hop in arrival.hops}
    assert arrival.authentication is not None
    assert arrival.authentication.dmarc.result == "none"


async def test_junk_is_said(tmp_path: Path) -> None:
    with running_dovecot() as dovecot:
        async with (
            lmtp_bridge(lambda raw: dovecot.put(raw, "Junk")) as port,
            two_servers(tmp_path, port) as (servers, edge),
        ):
            result, raw = await send(edge, USER)
            report = await MessageFollower(servers, mailbox=dovecot.account()).follow(
                result, raw=raw, seconds=40
            )
    assert report.arrival is not None
    assert (report.arrival.folder, report.arrival.is_junk, report.arrival.authentication) == (
        "Junk",
        True,
        None,
    )


async def test_a_bounce_at_the_second_server_is_explained(tmp_path: Path) -> None:
    async with two_servers(tmp_path, local_domains={"hub.example": frozenset({"known"})}) as (
        servers,
        edge,
    ):
        result, _ = await send(edge, "gone@hub.example")
        report = await MessageFollower(servers, origin="edge").follow(result, seconds=20)
    assert report.status is BOUNCED
    assert report.ended
    state = next(s for s in report.steps if s.status is BOUNCED)
    assert state.explanation is not None
    assert state.explanation.reason.value == "no-such-user"
    assert any(s.kind is StepKind.NOTIFICATION for s in report.steps)


async def test_a_bounce_that_has_left_the_queue_is_found_in_the_senders_mailbox(
    tmp_path: Path,
) -> None:
    known = {"hub.example": frozenset({"known"})}
    with running_dovecot() as dovecot:
        async with (
            lmtp_bridge(dovecot.deliver) as port,
            two_servers(tmp_path, port, local_domains=known) as (servers, edge),
        ):
            result, _ = await send(edge, "gone@hub.example", sender=USER)
            await asyncio.sleep(1)
            follower = MessageFollower(servers, origin="edge", mailbox=dovecot.account())
            report = await follower.follow(result, seconds=30)
    assert report.status is BOUNCED
    note = [s for s in report.steps if s.kind is StepKind.NOTIFICATION and s.explanation][-1]
    assert note.explanation is not None
    assert note.explanation.message_id == result.message_id
    assert [r.address for r in note.explanation.recipients] == ["gone@hub.example"]


async def test_the_bounce_itself_is_read_while_it_waits(tmp_path: Path) -> None:
    known = {"hub.example": frozenset({"known"})}
    async with two_servers(tmp_path, local_domains=known) as (servers, edge):
        result, _ = await send(edge, "gone@hub.example", sender="anna@closed.example")
        report = await MessageFollower(servers, origin="edge").follow(result, seconds=20)
    note = next(s for s in report.steps if s.kind is StepKind.NOTIFICATION)
    assert note.recipient == "anna@closed.example"
    assert note.explanation is not None
    assert note.explanation.kind == "dsn"
    assert [r.address for r in note.explanation.recipients] == ["gone@hub.example"]
    assert note.explanation.message_id == result.message_id


async def test_deferred_ends_with_the_next_try(tmp_path: Path) -> None:
    async with two_servers(tmp_path, schedule=Schedule(retry_s=(3600,))) as (servers, edge):
        result, _ = await send(edge, "someone@local.example")
        started = time.monotonic()
        report = await MessageFollower(servers, origin="edge").follow(result, seconds=30)
    assert time.monotonic() - started < 25
    assert (report.status, report.ended) == (DEFERRED, False)
    waiting = next(s for s in report.steps if s.next_try is not None)
    assert waiting.server == "hub"
    assert waiting.next_try is not None
    assert waiting.next_try > datetime.now(UTC) + timedelta(minutes=30)
    assert waiting.explanation is not None
    assert waiting.explanation.reason.value == "network"


class Fake:
    """Tracks from a list: each question by the named key is answered with what it has."""

    id = "fake"
    title = "Fake"
    settings = ()

    def __init__(
        self, answers: Sequence[TrackedMessage | Exception], by: str = "message_id"
    ) -> None:
        self.answers = answers
        self.by = by
        self.asked: list[TrackCriteria] = []

    async def probe(self) -> ProbeResult:
        return ProbeResult("fake")

    async def close(self) -> None:
        return None

    async def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
        self.asked.append(criteria)
        if getattr(criteria, self.by) is None:
            return
        for answer in self.answers:
            if isinstance(answer, Exception):
                raise answer
            yield answer


class Queue:
    """Lists, and cannot track."""

    id = "queue"
    title = "Queue"
    settings = ()

    def __init__(self, *entries: QueueEntry) -> None:
        self.entries = entries

    async def probe(self) -> ProbeResult:
        return ProbeResult("queue")

    async def close(self) -> None:
        return None

    async def list_queue(self) -> AsyncIterator[Sequence[QueueEntry]]:
        yield self.entries

    async def queue_counts(self) -> QueueCounts:
        return QueueCounts()


ACCEPTED = SendResult(
    "accepted",
    Stage.DOT,
    "<1@b.example>",
    "mx:25",
    Reply(250, "2.0.0 Ok: queued as ORIGIN1"),
    "ORIGIN1",
)


ACCOUNT = MailboxAccount(MailboxProtocol.IMAP, "127.0.0.1", 1, TlsMode.NONE, "u", "p")


def message(queue_id: str, status: DeliveryStatus, reply: str = "") -> TrackedMessage:
    return TrackedMessage(
        (queue_id,),
        status,
        (TrackedRecipient("c@d.example", status, reply=reply, queue_id=queue_id),),
    )


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_and_follow, "FIRST_STEP_S", 0.01)
    monkeypatch.setattr(probe_and_follow, "MOST_STEP_S", 0.02)
    monkeypatch.setattr(follow_servers, "ONE_SERVER_S", 0.3)
    monkeypatch.setattr(probe_and_follow, "NEXT_HOP_S", 0.3)


@pytest.mark.usefixtures("_quick")
async def test_the_queue_id_in_the_reply_finds_it_at_the_next_hop() -> None:
    first = Fake([message("ORIGIN1", SENT, "250 2.0.0 Ok: queued as 4XsNEXT123")])
    second = Fake([message("4XsNEXT123", DELIVERED)], by="queue_id")
    report = await MessageFollower({"a": first, "b": second}).follow(ACCEPTED, seconds=5)  # type: ignore[dict-item]
    assert report.status is DELIVERED
    assert TrackCriteria(queue_id="4XsNEXT123", recipient="c@d.example") in second.asked


@pytest.mark.usefixtures("_quick")
async def test_the_first_server_is_asked_by_queue_id_only_as_the_origin() -> None:
    server = Fake([message("ORIGIN1", DELIVERED)], by="queue_id")
    report = await MessageFollower({"a": server}, origin="a").follow(ACCEPTED, seconds=5)  # type: ignore[dict-item]
    assert report.status is DELIVERED
    other = Fake([message("ORIGIN1", DELIVERED)], by="queue_id")
    report = await MessageFollower({"a": other}, origin="z").follow(ACCEPTED, seconds=0.2)  # type: ignore[dict-item]
    assert (report.status, report.ended) == (DeliveryStatus.UNKNOWN, False)


@pytest.mark.usefixtures("_quick")
async def test_a_next_hop_that_never_sees_it_does_not_hold_the_end_up() -> None:
    servers = {"a": Fake([message("Q", SENT, "250 ok")]), "b": Fake([])}
    report = await MessageFollower(servers).follow(ACCEPTED, seconds=30)  # type: ignore[arg-type]
    assert (report.status, report.ended) == (SENT, True)


@pytest.mark.usefixtures("_quick")
async def test_servers_that_fail_or_are_silent_are_named() -> None:
    class Silent(Fake):
        async def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
            await asyncio.Event().wait()
            yield message("x", QUEUED)

    servers = {
        "gone": Fake([UnreachableError("gone")]),
        "silent": Silent([]),
        "ok": Fake([message("Q", DELIVERED)]),
    }
    report = await MessageFollower(servers).follow(ACCEPTED, seconds=10)  # type: ignore[arg-type]
    assert set(report.failures) == {"gone", "silent"}
    assert report.status is DELIVERED
    assert {s.server for s in report.steps if s.kind is StepKind.NOT_ASKED} == {"gone", "silent"}


@pytest.mark.usefixtures("_quick")
async def test_a_server_that_only_lists_its_queue() -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    entry = QueueEntry(
        "ORIGIN1",
        "deferred",
        None,
        1,
        "a@b.example",
        (QueueRecipient("c@d.example", "452 4.2.2 full"),),
        next_try=soon,
    )
    report = await MessageFollower({"q": Queue(entry)}, origin="q").follow(ACCEPTED, seconds=5)  # type: ignore[dict-item]
    assert report.status is DEFERRED
    step = next(s for s in report.steps if s.status is DEFERRED)
    assert step.next_try == soon
    assert step.explanation is not None
    assert step.explanation.reason.value == "mailbox-full"


@pytest.mark.usefixtures("_quick")
async def test_what_was_not_accepted_is_not_followed() -> None:
    server = Fake([message("Q", DELIVERED)])
    report = await MessageFollower({"a": server}).follow(
        replace(ACCEPTED, result="refused"), seconds=5
    )  # type: ignore[dict-item]
    assert (report.steps, server.asked, report.ended) == ((), [], False)


@pytest.mark.usefixtures("_quick")
async def test_each_state_is_told_once() -> None:
    server = Fake([message("Q", QUEUED)])
    report = await MessageFollower({"a": server}).follow(ACCEPTED, seconds=0.3)  # type: ignore[dict-item]
    assert len(server.asked) > 3
    assert len([s for s in report.steps if s.kind is StepKind.STATE]) == 1
    assert not report.ended


@pytest.mark.usefixtures("_quick")
async def test_what_arrives_has_ended_though_no_server_saw_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def arrives(account: Any, message_id: str, seconds: float) -> Arrival:
        await asyncio.sleep(0.1)
        return Arrival("INBOX", "1", b"Subject: x\r\n\r\nhi\r\n", datetime.now(UTC))

    monkeypatch.setattr(probe_and_follow, "wait_for_message", arrives)
    follower = MessageFollower({"a": Fake([])}, mailbox=ACCOUNT)  # type: ignore[dict-item]
    async with asyncio.timeout(5):
        report = await follower.follow(ACCEPTED, seconds=60)
    assert (report.status, report.ended) == (DELIVERED, True)
    assert report.arrival is not None


@pytest.mark.usefixtures("_quick")
async def test_a_message_that_waits_for_long_is_not_waited_for_in_the_mailbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(account: Any, message_id: str, seconds: float) -> None:
        await asyncio.sleep(seconds)

    monkeypatch.setattr(probe_and_follow, "wait_for_message", never)
    soon = datetime.now(UTC) + timedelta(hours=1)
    entry = QueueEntry(
        "ORIGIN1",
        "deferred",
        None,
        1,
        "a@b.example",
        (QueueRecipient("c@d.example", "452 full"),),
        next_try=soon,
    )
    follower = MessageFollower({"q": Queue(entry)}, origin="q", mailbox=ACCOUNT)  # type: ignore[dict-item]
    async with asyncio.timeout(5):
        report = await follower.follow(ACCEPTED, seconds=60)
    assert (report.status, report.arrival, report.ended) == (DEFERRED, None, False)


@pytest.mark.usefixtures("_quick")
async def test_without_a_server_to_ask_it_ends_at_once() -> None:
    for servers in ({}, {"gone": Fake([UnreachableError("gone")])}):
        async with asyncio.timeout(5):
            report = await MessageFollower(servers).follow(ACCEPTED, seconds=60)  # type: ignore[arg-type]
        assert (report.messages, report.ended) == ((), False)


@pytest.mark.usefixtures("_quick")
async def test_the_worst_of_several_recipients_counts() -> None:
    both = TrackedMessage(("Q",), DeliveryStatus.PARTIAL, (
        TrackedRecipient("c@d.example", DELIVERED), TrackedRecipient("e@d.example", BOUNCED, reply="550 5.1.1 no"),
    ))  # fmt: skip
    report = await MessageFollower({"a": Fake([both])}).follow(ACCEPTED, seconds=5)  # type: ignore[dict-item]
    assert (report.status, report.ended) == (DeliveryStatus.PARTIAL, True)


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("end", [BOUNCED, DEFERRED])
async def test_who_refused_it_leaves_the_word_to_the_server_before(end: DeliveryStatus) -> None:
    servers = {
        "hub": Fake([message("H", DeliveryStatus.REJECTED, "554 5.7.1 spam")]),
        "edge": Fake([message("E", end, "554 5.7.1 spam")]),
    }
    report = await MessageFollower(servers).follow(ACCEPTED, seconds=0.5)  # type: ignore[arg-type]
    assert (report.status, report.ended) == (end, end is BOUNCED)


@pytest.mark.usefixtures("_quick")
async def test_the_bounce_of_a_later_server_is_looked_for_in_the_mailbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Handed on is not through: nobody waits for the message itself to arrive."""

    async def never(account: Any, message_id: str, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def bounce(account: Any, message_id: str, seconds: float) -> Arrival:
        return Arrival("INBOX", "1", b"Subject: failed\r\n\r\nno\r\n", datetime.now(UTC))

    monkeypatch.setattr(probe_and_follow, "wait_for_message", never)
    monkeypatch.setattr(probe_and_follow, "wait_for_report", bounce)
    servers = {
        "edge": Fake([message("E", SENT, "250 2.0.0 Ok: queued as 4XsNEXT123")]),
        "hub": Fake([message("4XsNEXT123", BOUNCED, "550 5.1.1 no")]),
    }
    async with asyncio.timeout(5):
        report = await MessageFollower(servers, mailbox=ACCOUNT).follow(ACCEPTED, seconds=60)  # type: ignore[arg-type]
    assert (report.status, report.ended, report.arrival) == (BOUNCED, True, None)
    assert report.steps[-1].kind is StepKind.NOTIFICATION
