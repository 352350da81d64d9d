"""The dictionary of a column: a text keeps its number while it is used, and nothing piles up."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.services import text_numbers
from smtpadmin.services.text_numbers import MISSING, Mark, TextNumbers

texts = st.none() | st.text(alphabet="aAbß", max_size=3)


def forgetting(monkeypatch: pytest.MonkeyPatch) -> TextNumbers:
    monkeypatch.setattr(text_numbers, "FEW_TEXTS", 0)
    numbers = TextNumbers()
    numbers.count(numbers.take([]))
    return numbers


@given(st.lists(st.lists(texts, max_size=5), max_size=10), st.integers(0, 6))
def test_users_find_their_text_for_as_long_as_they_have_its_number(
    batches: list[list[str | None]], keep: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        numbers = forgetting(patch)
        users: deque[tuple[int, str | None]] = deque()
        for batch in batches:
            users.extend(zip(numbers.take(batch).tolist(), batch, strict=True))
            while len(users) > keep:
                numbers.release(np.array([users.popleft()[0]], np.int32))
            for number, text in users:
                assert (number == MISSING) == (text is None)
                assert text is None or numbers.folded[number] == text.casefold()
            assert len({number for number, _ in users}) == len(
                {text if text is None else text.casefold() for _, text in users}
            )


def test_a_full_log_of_texts_of_their_own_needs_no_more_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = forgetting(monkeypatch)
    users: deque[int] = deque()
    for n in range(2_000):
        users.extend(numbers.take([f"queue id {n}"]).tolist())
        if len(users) > 100:
            numbers.release(np.array([users.popleft()], np.int32))
    assert len(numbers) < 110
    assert sum(map(len, numbers._parts)) == 100


def test_few_texts_stay_known_and_are_not_counted() -> None:
    numbers = TextNumbers()
    first = numbers.take(["sent", "deferred"])
    numbers.release(first)
    assert not numbers.needs_counting
    assert numbers.take(["SENT", "Deferred"]).tolist() == first.tolist()
    assert numbers.shown[int(first[0])] == "sent"


def test_what_is_found_without_the_dictionary_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_numbers, "_RECENT", 10)
    numbers = TextNumbers()
    first = numbers.take([str(n) for n in range(25)])
    assert len(numbers._recent) <= 10
    assert numbers.take([str(n) for n in range(25)]).tolist() == first.tolist()


def test_what_changed_since_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = forgetting(monkeypatch)
    one, two = numbers.take(["one", "two"]).tolist()
    assert list(numbers.since(Mark()) or ()) == [one, two]
    mark = numbers.mark()
    assert list(numbers.since(mark) or ()) == []
    numbers.release(np.array([one], np.int32))
    numbers.take(["three", "four"])
    assert numbers.since(mark) == [one, two + 1]
    numbers.release(np.array([two], np.int32))
    numbers.let_go()
    assert numbers.since(mark) is None
    assert numbers.folded[two] == numbers.shown[two] == ""


def test_the_record_of_changes_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = forgetting(monkeypatch)
    mark = numbers.mark()
    for n in range(100):
        numbers.release(numbers.take([str(n)]))
    assert len(numbers._reused) <= len(numbers)
    assert numbers.since(mark) is None
