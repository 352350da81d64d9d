"""The journey tells what happened in order, and invents nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, Leg, TrackedMessage, TrackedRecipient
from smtpadmin.services.journey import StepKind, StepState, journey_of, journey_of_entry

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_delivered_message_with_a_bounce() -> None:
    message = TrackedMessage(
        queue_ids=("A1", "B2"),
        status=DeliveryStatus.PARTIAL,
        arrived=T0,
        client=Client("app.example", "192.0.2.1"),
        sasl_username="billing",
        recipients=(
            TrackedRecipient(
                "a@x.example", DeliveryStatus.DELIVERED, time=T0 + timedelta(seconds=2), delay=2.0
            ),
            TrackedRecipient("b@x.example", DeliveryStatus.BOUNCED, reply="550 5.1.1 no"),
        ),
        legs=(
            Leg("A1", arrived=T0),
            Leg("B2", kind="notification", parent="A1", arrived=T0 + timedelta(seconds=3)),
        ),
    )
    steps = journey_of(message)
    assert [(s.kind, s.state) for s in steps] == [
        (StepKind.SUBMITTED, StepState.DONE),
        (StepKind.QUEUED, StepState.DONE),
        (StepKind.END, StepState.DONE),
        (StepKind.END, StepState.FAILED),
        (StepKind.NOTIFICATION, StepState.DONE),
    ]
    assert (steps[0].where, steps[0].detail) == ("app.example", "billing")
    assert steps[4].delay == 3.0
    assert steps[3].detail == "550 5.1.1 no"


def test_a_warning_that_went_out_before_the_end_stands_before_it() -> None:
    late = TrackedRecipient("a@x.example", DeliveryStatus.SENT, time=T0 + timedelta(hours=6))
    legs = (
        Leg("A1", arrived=T0),
        Leg("B2", kind="notification", parent="A1", arrived=T0 + timedelta(hours=4)),
    )
    message = TrackedMessage(("A1", "B2"), DeliveryStatus.SENT, (late,), arrived=T0, legs=legs)
    kinds = [step.kind for step in journey_of(message)]
    assert kinds[-2:] == [StepKind.NOTIFICATION, StepKind.END]


def test_a_deferred_recipient_shows_its_last_try_and_waits() -> None:
    recipient = TrackedRecipient(
        "a@x.example",
        DeliveryStatus.DEFERRED,
        reply="452 4.2.2 full",
        attempts=17,
        relay="mx",
        time=T0,
    )
    message = TrackedMessage(("A1",), DeliveryStatus.DEFERRED, (recipient,), arrived=T0)
    *_, attempt, end = journey_of(message)
    assert (attempt.kind, attempt.state, attempt.tries) == (StepKind.ATTEMPT, StepState.WAITING, 17)
    assert (end.state, end.time) == (StepState.PENDING, None)


def test_a_rejection_before_a_queue_id_failed_at_submission() -> None:
    recipient = TrackedRecipient("a@x.example", DeliveryStatus.REJECTED, reply="554 5.7.1 relay")
    steps = journey_of(TrackedMessage((), DeliveryStatus.REJECTED, (recipient,), arrived=T0))
    assert [s.state for s in steps] == [StepState.FAILED, StepState.FAILED]


def test_a_queue_entry_tells_only_what_the_listing_says() -> None:
    entry = QueueEntry(
        "A1",
        "hold",
        T0,
        10,
        "s@x.example",
        (QueueRecipient("a@x.example"), QueueRecipient("b@x.example", "250 ok", delivered=True)),
    )
    steps = journey_of_entry(entry)
    assert [s.kind for s in steps] == [
        StepKind.SUBMITTED,
        StepKind.QUEUED,
        StepKind.END,
        StepKind.END,
    ]
    assert [s.status for s in steps[2:]] == [DeliveryStatus.HELD, DeliveryStatus.DELIVERED]
    assert steps[0].where is None


def test_tries_and_next_try_come_from_the_entry() -> None:
    entry = QueueEntry(
        "A1",
        "deferred",
        T0,
        10,
        "",
        (QueueRecipient("a@x.example", "450 later"),),
        tries=4,
        next_try=T0 + timedelta(minutes=5),
    )
    attempt = journey_of_entry(entry)[2]
    assert (attempt.tries, attempt.next_try) == (4, T0 + timedelta(minutes=5))
    assert attempt.status is DeliveryStatus.DEFERRED
