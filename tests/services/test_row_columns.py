"""Column arrays: order, matches and counts agree with plain Python."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.filter import TextTerm
from smtpadmin.services.columns import Kind
from smtpadmin.services.filtering import text_test
from smtpadmin.services.row_columns import LineData, NumberData, TextData, column_data, grown

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


def test_closing_up_forgets_unused_texts_and_keeps_the_spelling() -> None:
    data = TextData()
    data.write(0, ["One", None, "two", "ONE", "three"])
    data.compact(np.array([1, 3, 4], np.int32))
    assert data.counts(slots(3)) == [("One", 1), ("three", 1)]
    assert data.keys(slots(3), False).tolist() == [3, 1, 2]


def test_numbers_and_times() -> None:
    data = NumberData()
    moment = datetime(2025, 11, 24, tzinfo=UTC)
    data.write(0, [3, None, 1.5, moment])
    assert data.values(slots(4)).tolist()[2:] == [1.5, moment.timestamp()]
    assert np.isnan(data.keys(slots(4), True)[1])
    assert data.keys(slots(1), True).tolist() == [-3]
    data.compact(np.array([2], np.int32))
    assert data.values(slots(1)).tolist() == [1.5]


@pytest.mark.parametrize(
    ("have", "want", "length"), [(0, 1, 1_024), (1_024, 1_025, 2_048), (8, 8, 8)]
)
def test_room_grows_by_doubling(have: int, want: int, length: int) -> None:
    assert len(grown(np.zeros(have, np.int32), want)) == length


LINES = st.lists(st.text(alphabet="abB\nß é", max_size=6), max_size=12)


@given(LINES, st.text(alphabet="abß \n", min_size=1, max_size=2), st.booleans())
def test_lines_are_searched_as_each_would_be(texts: list[str], word: str, exact: bool) -> None:
    data, test = LineData(), text_test(TextTerm("reason", word, exact=exact))
    data.write(0, texts)
    wanted = [test.test(text.casefold()) for text in texts]
    assert data.matches(slice(0, len(texts)), "x", test).tolist() == wanted
    assert data.matches(slots(len(texts))[::-1], "x", test).tolist() == wanted[::-1]


def test_lines_are_overwritten_kept_and_not_counted() -> None:
    data = LineData()
    data.write(0, ["a", None, "c"])
    data.write(1, ["b"])
    data.compact(np.array([1, 2], np.int32))
    assert data.matches(slots(2), "x", text_test(TextTerm(None, "B"))).tolist() == [True, False]
    assert data.counts(slots(2)) == []


def test_each_kind_has_its_arrays() -> None:
    made = [type(column_data(kind)) for kind in Kind]
    assert made == [TextData, LineData, NumberData, NumberData]
