"""Text columns: order, matches and counts agree with plain Python, whatever came and went."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.filter import TextTerm
from smtpadmin.services import joined_texts, text_column, text_numbers
from smtpadmin.services.filtering import text_test
from smtpadmin.services.text_column import TextData

words = st.none() | st.text(alphabet="abBAß", max_size=4)


def slots(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int32)


@given(st.lists(st.lists(words, max_size=8), max_size=5), st.booleans())
def test_ranks_order_texts_as_python_does_however_they_came(
    batches: list[list[str | None]], descending: bool
) -> None:
    data, texts = TextData(), []
    for batch in batches:
        data.write(len(texts), batch)
        texts += batch
        keys = data.keys(slots(len(texts)), descending).tolist()
        known = [
            (key, text.casefold())
            for key, text in zip(keys, texts, strict=True)
            if text is not None
        ]
        assert [t for _, t in sorted(known)] == sorted((t for _, t in known), reverse=descending)
        missing = [key for key, text in zip(keys, texts, strict=True) if text is None]
        assert all(key > other for key in missing for other, _ in known)


def test_a_few_new_texts_are_merged_into_a_large_dictionary() -> None:
    data = TextData()
    texts: list[str | None] = [f"{n:05}" for n in range(0, 2_000, 2)]
    data.write(0, texts)
    data.keys(slots(1_000), False)
    data.write(1_000, ["00001", "01999", "A"])
    order = np.argsort(data.keys(slots(1_003), False)).tolist()
    assert order[1] == 1_000
    assert order[-2:] == [1_001, 1_002]


def test_answers_are_remembered_and_extended() -> None:
    data, asked = TextData(), []
    test = text_test(TextTerm("code", "45"))
    counting = type(test)(lambda text: asked.append(text) or test.test(text))  # type: ignore[func-returns-value]
    data.write(0, ["451", "550", "451", None])
    assert data.matches(slots(4), "x", counting).tolist() == [True, False, True, False]
    data.write(4, ["450"])
    assert data.matches(slots(5), "x", counting).tolist()[4] is True
    assert asked == ["451", "550", "450"]


def test_only_a_few_answers_are_remembered() -> None:
    data = TextData()
    data.write(0, ["a"])
    for n in range(50):
        data.matches(slots(1), n, text_test(TextTerm(None, str(n))))
    assert len(data._hits) <= 8


def test_numbering_anew_keeps_the_spelling() -> None:
    data = TextData()
    data.write(0, ["One", None, "two", "ONE", "three"])
    data.release(np.array([0, 2], np.int32))
    data.renumber(np.array([1, 3, 4], np.int32))
    assert data.counts(slots(3)) == [("One", 1), ("three", 1)]
    assert np.argsort(data.keys(slots(3), False)).tolist() == [1, 2, 0]


NEEDLES = ("a", "ba", "")


@given(st.lists(st.tuples(st.lists(words, min_size=1, max_size=6), st.integers(0, 8)), max_size=12))
def test_a_column_whose_oldest_rows_go_answers_like_a_list(
    batches: list[tuple[list[str | None], int]],
) -> None:
    """Texts are forgotten at once, joined and merged, so that every number is soon used again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_numbers, "FEW_TEXTS", 0)
        patch.setattr(text_column, "MANY", 2)
        patch.setattr(text_column, "_FEW_CHANGED", 0)
        patch.setattr(joined_texts, "MANY", 2)
        data, texts, first = TextData(), list[str | None](), 0
        for batch, gone in batches:
            data.write(len(texts), batch)
            texts += batch
            last = min(first + gone, len(texts))
            data.release(np.arange(first, last, dtype=np.int32))
            first = last
            if gone % 2:
                data.cut(first, len(texts))
            check(data, texts, first)


def check(data: TextData, texts: list[str | None], first: int) -> None:
    alive, left = np.arange(first, len(texts), dtype=np.int32), texts[first:]
    for needle in NEEDLES:
        test = text_test(TextTerm("to", needle, exact=needle == ""))
        wanted = [text is not None and test.test(text.casefold()) for text in left]
        assert data.matches(alive, needle, test).tolist() == wanted
    keys = data.keys(alive, False).tolist()
    by_key = [text for _, text in sorted(zip(keys, left, strict=True), key=lambda pair: pair[0])]
    assert [t.casefold() for t in by_key if t is not None] == sorted(
        text.casefold() for text in left if text is not None
    )
    assert None not in by_key[: len(left) - left.count(None)]
    counted = {text.casefold(): count for text, count in data.counts(alive)}
    folded = [text.casefold() for text in left if text is not None]
    assert counted == {text: folded.count(text) for text in folded}


def test_an_overwritten_text_is_forgotten_when_nobody_else_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_numbers, "FEW_TEXTS", 0)
    data = TextData()
    data.write(0, ["one", "two", "two"])
    data.write(0, ["three"])
    data.write(1, ["four"])
    assert sorted(data.counts(slots(3))) == [("four", 1), ("three", 1), ("two", 1)]
    assert len(data._texts) == 4  # of five texts the first gave its number away
