"""Legs on one line of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.leg_spans import leg_spans
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Leg, TrackedMessage, TrackedRecipient

START = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def message(*legs: Leg, last_try: float | None = None) -> TrackedMessage:
    recipients = ()
    if last_try is not None:
        recipients = (
            TrackedRecipient("a@b", DeliveryStatus.DEFERRED, time=at(last_try), queue_id="Q2"),
        )
    return TrackedMessage(("Q1",), DeliveryStatus.SENT, recipients, legs)


def test_two_legs_share_one_line() -> None:
    first, second = leg_spans(
        message(
            Leg("Q1", arrived=at(0), completed=at(2)),
            Leg("Q2", "reinjected", arrived=at(1), completed=at(4)),
        )
    )
    assert (first.start, first.length, first.share) == (0, 2, (0.0, 0.5))
    assert (second.start, second.length, second.share) == (1, 3, (0.25, 0.75))


def test_a_leg_under_way_has_no_length_and_reaches_as_far_as_is_known() -> None:
    first, second = leg_spans(
        message(Leg("Q1", arrived=at(0), completed=at(1)), Leg("Q2", arrived=at(1)), last_try=9)
    )
    assert first.length == 1
    assert second.length is None
    assert second.share[0] + second.share[1] == 1.0


def test_nothing_that_says_when_is_no_line() -> None:
    assert leg_spans(message(Leg("Q1"))) == ()


@given(st.lists(st.tuples(st.floats(-9, 9), st.none() | st.floats(-9, 9)), max_size=6))
def test_no_span_leaves_the_line(times: list[tuple[float, float | None]]) -> None:
    legs = [
        Leg(f"Q{n}", arrived=at(a), completed=at(c) if c is not None else None)
        for n, (a, c) in enumerate(times)
    ]
    for span in leg_spans(message(*legs)):
        left, wide = span.share
        assert 0 <= left <= 1
        assert 0 <= wide <= 1 - left + 1e-9
