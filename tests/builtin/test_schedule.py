"""Retries back off, spread, and end when they said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.builtin.config import Schedule
from smtpadmin.builtin.schedule import delay_notice_due, is_expired, next_try, retry_delay

STEPS = st.lists(st.floats(1, 1e6), min_size=1, max_size=8).map(lambda s: tuple(sorted(s)))
TRIES = st.integers(1, 100)
IDS = st.text("0123456789BCDFGHJKLMNPQRSTVWXYZ", min_size=13, max_size=13)


@given(STEPS, TRIES, IDS, st.floats(0, 0.5))
def test_a_delay_is_its_step_and_at_most_the_jitter_more(
    steps: tuple[float, ...], tries: int, queue_id: str, jitter: float
) -> None:
    step = steps[min(tries, len(steps)) - 1]
    delay = retry_delay(Schedule(retry_s=steps, jitter=jitter), tries, queue_id)
    assert step <= delay <= step * (1 + jitter) * (1 + 1e-9)


@given(STEPS, TRIES, IDS)
def test_without_jitter_later_delays_are_never_shorter(
    steps: tuple[float, ...], tries: int, queue_id: str
) -> None:
    schedule = Schedule(retry_s=steps, jitter=0)
    assert retry_delay(schedule, tries, queue_id) <= retry_delay(schedule, tries + 1, queue_id)


def test_messages_that_failed_together_come_back_apart() -> None:
    schedule = Schedule(retry_s=(100,), jitter=0.1)
    delays = {retry_delay(schedule, 1, f"{n:013}") for n in range(50)}
    assert len(delays) == 50


@given(STEPS, TRIES, IDS, st.floats(0, 1e9), st.floats(-1e6, 1e6))
def test_the_next_try_is_never_past_and_never_after_the_end(
    steps: tuple[float, ...], tries: int, queue_id: str, now: float, left: float
) -> None:
    at = next_try(Schedule(retry_s=steps), now, tries, queue_id, now + left)
    assert now <= at <= max(now, now + left)


def test_the_last_try_is_the_one_at_expiry() -> None:
    assert not is_expired(9.9, 10)
    assert is_expired(10, 10)


def test_the_sender_is_told_of_a_delay_once() -> None:
    schedule = Schedule(delay_notice_s=60)
    assert not delay_notice_due(schedule, 59, 0, notified=False)
    assert delay_notice_due(schedule, 60, 0, notified=False)
    assert not delay_notice_due(schedule, 60, 0, notified=True)
    assert not delay_notice_due(Schedule(delay_notice_s=0), 60, 0, notified=False)
