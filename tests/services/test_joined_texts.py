"""Searching and ordering many texts at once gives what looking at each gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.services import joined_texts
from smtpadmin.services.joined_texts import JoinedTexts

TEXTS = st.lists(st.text(st.sampled_from("abé\x1e\n€😀")), min_size=1, max_size=40)


def in_pieces(texts: list[str], size: int) -> JoinedTexts:
    joined = JoinedTexts()
    for at in range(0, len(texts), size):
        joined.add(texts[at : at + size])
        joined.containing("a")  # what was joined before does not stay
    return joined


@given(TEXTS, st.text(st.sampled_from("abé\x1e😀"), max_size=3), st.integers(1, 9))
def test_the_answer_is_that_of_each_text(texts: list[str], needle: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined_texts, "_MOST_PIECES", 2)
        found = in_pieces(texts, size).containing(needle)
    if found is not None:
        assert found.tolist() == [needle in text for text in texts]


def test_few_hits_among_many_are_answered() -> None:
    texts = [f"user{n}@example.org" for n in range(1_000)]
    found = JoinedTexts(texts).containing("user77@")
    assert found is not None
    assert np.flatnonzero(found).tolist() == [77]
    found = JoinedTexts([*texts, "é"]).containing("user77@")
    assert found is not None
    assert np.flatnonzero(found).tolist() == [77]


def test_no_answer_where_each_text_is_better_asked() -> None:
    joined = JoinedTexts(["example.org"] * 100)
    assert joined.containing("example") is None
    assert joined.containing("") is None
    assert joined.containing("a\x1eb") is None
    assert JoinedTexts().containing("a") is None


@given(st.lists(st.text(max_size=6), unique=True, max_size=40), st.integers(1, 9))
def test_the_order_is_that_of_sorted(texts: list[str], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined_texts, "MANY", 0)
        order = in_pieces(texts, size).order()
    if order is not None:
        assert [texts[n] for n in order] == sorted(texts)
    else:
        assert not texts or any("\x1e" in text for text in texts)


def test_a_lone_surrogate_is_ordered_and_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_texts, "MANY", 0)
    joined = JoinedTexts(["b", "\ud800", "a", "\U0001f600", "\uffff", *"cdefghijkl"])
    order = joined.order()
    assert order is not None
    assert order[-3:].tolist() == [1, 4, 3]
    found = joined.containing("\ud800")
    assert found is not None
    assert np.flatnonzero(found).tolist() == [1]
