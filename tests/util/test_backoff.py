"""Waits grow, stay below the most, and are never quite the same."""

from __future__ import annotations

import random

from smtpadmin.util.backoff import Backoff


def test_waits_double_up_to_the_most_and_begin_anew() -> None:
    backoff = Backoff(first=1, most=10, dice=random.Random(1))
    waits = [backoff.next() for _ in range(6)]
    for wait, full in zip(waits, (1, 2, 4, 8, 10, 10), strict=True):
        assert full * 2 / 3 <= wait <= full
    backoff.reset()
    assert backoff.next() <= 1


def test_two_consoles_do_not_come_back_together() -> None:
    assert Backoff(dice=random.Random(1)).next() != Backoff(dice=random.Random(2)).next()


def test_it_never_overflows() -> None:
    backoff = Backoff()
    assert all(backoff.next() <= 60 for _ in range(3_000))
