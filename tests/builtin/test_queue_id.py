"""IDs are unique, sorted, and never come again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.builtin.queue_id import ALPHABET, LENGTH, QueueIds, decode, encode, is_queue_id

TIMES = st.floats(0, 4e9, allow_nan=False)


@given(st.lists(TIMES, min_size=2, max_size=50))
def test_ids_rise_even_when_the_clock_goes_back(times: list[float]) -> None:
    ids = QueueIds()
    drawn = [ids.next(now) for now in times]
    assert drawn == sorted(set(drawn))
    assert all(is_queue_id(queue_id) for queue_id in drawn)


@given(st.integers(0, len(ALPHABET) ** LENGTH - 1))
def test_a_number_comes_back(number: int) -> None:
    assert decode(encode(number)) == number


def test_ids_go_on_after_the_greatest_one_used_before() -> None:
    last = QueueIds().next(2_000_000_000)
    assert QueueIds(after=last).next(1_000_000_000) > last


def test_ids_are_of_one_case_and_hold_no_vowels() -> None:
    assert ALPHABET.isupper()
    assert not set(ALPHABET) & set("AEIOU")


@pytest.mark.parametrize("text", ["", "0" * (LENGTH - 1), "0" * (LENGTH + 1), "A" * LENGTH])
def test_what_is_no_queue_id(text: str) -> None:
    assert not is_queue_id(text)


def test_a_foreign_character_is_no_number() -> None:
    with pytest.raises(ValueError, match="substring"):
        decode("E")
