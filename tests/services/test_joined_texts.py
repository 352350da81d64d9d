"""Searching and ordering many texts at once gives what looking at each gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.services import joined_texts
from smtpadmin.services.joined_texts import JoinedTexts, order_of

TEXTS = st.lists(st.text(st.sampled_from("abé\x1e\n€😀")), min_size=1, max_size=40)


@given(TEXTS, st.text(st.sampled_from("abé\x1e😀"), max_size=3))
def test_the_answer_is_that_of_each_text(texts: list[str], needle: str) -> None:
    found = JoinedTexts(texts).containing(needle)
    if found is not None:
        assert found.tolist() == [needle in text for text in texts]


def test_few_hits_among_many_are_answered() -> None:
    texts = [f"user{n}@example.org" for n in range(1_000)]
    found = JoinedTexts(texts).containing("user77@")
    assert found is not None
    assert np.flatnonzero(found).tolist() == [77]


def test_no_answer_where_each_text_is_better_asked() -> None:
    joined = JoinedTexts(["example.org"] * 100)
    assert joined.containing("example") is None
    assert joined.containing("") is None
    assert joined.containing("a\x1eb") is None


@given(st.lists(st.text(max_size=6), unique=True, max_size=40))
def test_the_order_is_that_of_sorted(texts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined_texts, "MANY", 0)
        assert [texts[n] for n in order_of(texts)] == sorted(texts)
        if all(map(str.isascii, texts)):
            assert [texts[n] for n in order_of(texts, ascii_only=True)] == sorted(texts)


def test_a_lone_surrogate_is_ordered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_texts, "MANY", 0)
    texts = ["b", "\ud800", "a"]
    assert [texts[n] for n in order_of(texts)] == ["a", "b", "\ud800"]
