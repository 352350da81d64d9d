"""The built-in server's records become messages: one object for each, with all its legs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.builtin_log import parse_line
from smtpadmin.formats.builtin_tracking import find, join
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Client, TrackCriteria, TrackedMessage

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Log:
    """Writes records as the server does, one second apart."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []

    def write(self, event: str, queue_id: str | None = None, **fields: object) -> None:
        time = (START + timedelta(seconds=len(self.records))).isoformat()
        line = {"time": time, "host": "mail", "level": "info", "event": event}
        if queue_id is not None:
            line["queue_id"] = queue_id
        line |= {name.rstrip("_").replace("0", "-"): value for name, value in fields.items()}
        self.records.append(parse_line(json.dumps(line).encode()))

    def accept(self, queue_id: str, *to: str, sender: str = "anna@acme.example") -> None:
        self.write(
            "client", queue_id, client="ws7", client_address="10.0.0.7", sasl_username="anna"
        )
        self.write("message-id", queue_id, message0id=f"<{queue_id}@x>", subject="Lunch?")
        self.write("queued", queue_id, from_=sender, to=list(to), size=812, nrcpt=len(to))

    def deliver(self, queue_id: str, to: str, status: str, dsn: str = "2.0.0") -> None:
        self.write(
            "delivery",
            queue_id,
            to=to,
            status=status,
            dsn=dsn,
            reply=f"{dsn} {status}",
            relay="r:25",
            delay=1.5,
        )

    def one(self) -> TrackedMessage:
        (message,) = join(self.records)
        return message


@pytest.fixture
def log() -> Log:
    return Log()


def test_a_message_that_went_through(log: Log) -> None:
    log.accept("A", "ben@partner.example")
    log.deliver("A", "ben@partner.example", "sent")
    log.write("removed", "A")
    message = log.one()
    assert message.queue_ids == ("A",)
    assert message.status is S.SENT
    assert (message.message_id, message.subject, message.size) == ("<A@x>", "Lunch?", 812)
    assert (message.sender, message.sasl_username) == ("anna@acme.example", "anna")
    assert message.client == Client("ws7", "10.0.0.7")
    assert message.arrived == START
    (recipient,) = message.recipients
    assert (recipient.dsn, recipient.relay, recipient.delay) == ("2.0.0", "r:25", 1.5)
    assert (recipient.attempts, recipient.queue_id) == (1, "A")
    (leg,) = message.legs
    assert (leg.kind, leg.host, leg.arrived) == ("accepted", "mail", START)
    assert leg.completed == START + timedelta(seconds=4)
    assert message.lines == tuple(record.raw for record in log.records)


def test_each_recipient_has_its_own_end(log: Log) -> None:
    log.accept("A", "a@x", "b@x", "c@x")
    log.deliver("A", "a@x", "delivered")
    log.deliver("A", "b@x", "bounced", "5.1.1")
    log.deliver("A", "c@x", "deferred", "4.7.1")
    assert log.one().status is S.DEFERRED
    log.deliver("A", "c@x", "deferred", "4.7.1")
    log.deliver("A", "c@x", "expired", "5.4.7")
    message = log.one()
    assert message.status is S.PARTIAL
    assert [(r.address, r.status, r.attempts) for r in message.recipients] == [
        ("a@x", S.DELIVERED, 1),
        ("b@x", S.BOUNCED, 1),
        ("c@x", S.EXPIRED, 3),
    ]


def test_before_the_first_try_it_is_queued_or_held(log: Log) -> None:
    log.accept("A", "a@x")
    assert log.one().status is S.QUEUED
    log.write("hold", "A")
    assert log.one().status is S.HELD
    log.write("release", "A")
    assert log.one().status is S.QUEUED
    log.deliver("A", "a@x", "deferred", "4.4.1")
    log.write("hold", "A")
    log.write("release", "A")
    assert log.one().status is S.DEFERRED
    log.write("delete", "A")
    assert log.one().status is S.DISCARDED
    assert log.one().legs[0].completed


def test_a_message_held_by_policy(log: Log) -> None:
    log.write("queued", "A", from_="", to=["a@x"], held=True)
    assert (log.one().status, log.one().sender) == (S.HELD, "")


def test_a_finished_recipient_is_not_held_or_deleted(log: Log) -> None:
    log.accept("A", "a@x", "b@x")
    log.deliver("A", "a@x", "delivered")
    log.write("hold", "A")
    log.write("delete", "A")
    assert [recipient.status for recipient in log.one().recipients] == [S.DELIVERED, S.DISCARDED]


@pytest.mark.parametrize("child_first", [False, True])
def test_a_notification_is_a_leg_and_not_an_end(log: Log, child_first: bool) -> None:
    log.accept("A", "b@x")
    log.deliver("A", "b@x", "bounced", "5.1.1")
    if child_first:
        log.deliver("N", "anna@acme.example", "delivered")
    log.write("notification", "A", notification_id="N", kind="failure", to=["anna@acme.example"])
    log.write("removed", "A")
    if not child_first:
        log.deliver("N", "anna@acme.example", "delivered")
    log.write("removed", "N")
    message = log.one()
    assert message.queue_ids == ("A", "N")
    assert message.status is S.BOUNCED
    assert [recipient.address for recipient in message.recipients] == ["b@x"]
    assert [(leg.kind, leg.parent) for leg in message.legs] == [
        ("accepted", None),
        ("notification", "A"),
    ]
    assert all(leg.completed for leg in message.legs)
    assert message.lines == tuple(record.raw for record in log.records)


def test_acting_on_a_notification_leaves_the_message_alone(log: Log) -> None:
    log.accept("A", "b@x")
    log.deliver("A", "b@x", "deferred", "4.4.1")
    log.write("notification", "A", notification_id="N", kind="delay")
    log.write("hold", "N")
    log.write("release", "N")
    log.write("delete", "N")
    assert log.one().status is S.DEFERRED


def test_a_requeued_message_goes_on_under_its_new_id(log: Log) -> None:
    log.accept("A", "b@x")
    log.deliver("A", "b@x", "deferred", "4.4.1")
    log.write("requeue", "A", new_id="B")
    assert log.one().status is S.QUEUED
    log.deliver("B", "b@x", "delivered")
    log.write("removed", "B")
    message = log.one()
    assert message.queue_ids == ("A", "B")
    assert message.status is S.DELIVERED
    (recipient,) = message.recipients
    assert (recipient.attempts, recipient.queue_id) == (2, "B")
    assert [(leg.kind, leg.parent) for leg in message.legs] == [
        ("accepted", None),
        ("requeued", "A"),
    ]


def test_a_copy_that_was_put_back_is_the_same_message(log: Log) -> None:
    log.accept("A", "b@x", "c@x")
    log.deliver("A", "c@x", "delivered")
    log.write("delete", "A")
    log.write("queued", "B", from_="anna@acme.example", to=["b@x"], size=812, was="A")
    assert log.one().status is S.QUEUED
    log.deliver("B", "b@x", "delivered")
    message = log.one()
    assert [(r.address, r.status, r.queue_id) for r in message.recipients] == [
        ("b@x", S.DELIVERED, "B"),
        ("c@x", S.DELIVERED, "A"),
    ]
    assert [(leg.kind, leg.parent) for leg in message.legs] == [
        ("accepted", None),
        ("reinjected", "A"),
    ]


def test_a_copy_whose_original_is_unknown_stands_alone(log: Log) -> None:
    log.write("queued", "B", from_="a@x", to=["b@x"], size=1, was="LONG-AGO")
    assert log.one().queue_ids == ("B",)
    assert log.one().status is S.QUEUED


def test_a_rejection_is_a_message_without_a_queue_id(log: Log) -> None:
    log.write(
        "reject",
        stage="RCPT",
        reply="550 5.1.1 <no@acme.example>: User unknown",
        from_="x@spam.example",
        to="no@acme.example",
        client_address="192.0.2.9",
    )
    message = log.one()
    assert message.queue_ids == ()
    assert message.legs == ()
    assert message.status is S.REJECTED
    assert message.client == Client(None, "192.0.2.9")
    (recipient,) = message.recipients
    assert (recipient.address, recipient.dsn) == ("no@acme.example", "5.1.1")


def test_a_rejection_of_the_whole_message_names_all_recipients(log: Log) -> None:
    log.write("reject", stage="END-OF-MESSAGE", reply="552 5.3.4 too big", from_="", to="a@x, b@x")
    assert [recipient.address for recipient in log.one().recipients] == ["a@x", "b@x"]
    log.records.clear()
    log.write("reject", stage="MAIL", reply="501 no", from_="")
    assert log.one().status is S.REJECTED
    assert log.one().recipients == ()


def test_messages_come_by_arrival_and_the_newest_when_limited(log: Log) -> None:
    for queue_id in ("A", "B", "C"):
        log.accept(queue_id, "a@x")
    assert [m.queue_ids for m in join(log.records)] == [("A",), ("B",), ("C",)]

    def limited(limit: int) -> list[tuple[str, ...]]:
        return [m.queue_ids for m in find(log.records, TrackCriteria(limit=limit))]

    assert limited(2) == [("B",), ("C",)]
    assert limited(0) == []
    assert limited(9) == [("A",), ("B",), ("C",)]


def test_criteria_find_a_message_by_any_of_its_ids_with_lines_on_request(log: Log) -> None:
    log.accept("A", "b@x")
    log.write("notification", "A", notification_id="N", kind="failure")
    log.accept("C", "b@x")
    (found,) = find(log.records, TrackCriteria(queue_id="N"))
    assert (found.queue_ids, found.lines) == (("A", "N"), ())
    (found,) = find(log.records, TrackCriteria(queue_id="N", lines=True))
    assert len(found.lines) == 4


def _records() -> Iterator[st.SearchStrategy[LogRecord]]:
    ids = st.sampled_from(["A", "B", "C", "D"])
    events = ["queued", "delivery", "notification", "requeue", "hold", "release", "delete"]
    events += ["removed", "reject", "client", "message-id", "start"]
    values = st.none() | st.integers() | st.text(max_size=3) | ids | st.lists(ids, max_size=2)
    names = ["to", "from", "was", "new_id", "notification_id", "status", "size", "reply", "delay"]
    fields = st.dictionaries(st.sampled_from(names), values)
    yield st.builds(
        LogRecord,
        raw=st.text(max_size=3),
        event=st.sampled_from(events),
        time=st.none() | st.datetimes(timezones=st.just(UTC)),
        queue_id=st.none() | ids,
        fields=fields,
    )


@given(st.lists(next(_records()), max_size=25))
def test_any_records_are_joined_and_no_line_with_an_id_is_lost(records: list[LogRecord]) -> None:
    messages = join(records)
    kept = sorted(line for message in messages for line in message.lines)
    wanted = sorted(r.raw for r in records if r.queue_id is not None or r.event == "reject")
    assert kept == wanted
    ids = [queue_id for message in messages for queue_id in message.queue_ids]
    assert len(ids) == len(set(ids))
