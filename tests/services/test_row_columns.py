"""Columns of numbers and of lines agree with plain Python."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.filter import TextTerm
from smtpadmin.services.columns import Kind
from smtpadmin.services.filtering import text_test
from smtpadmin.services.row_columns import LineData, NumberData, column_data
from smtpadmin.services.text_column import TextData


def slots(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int32)


def test_numbers_and_times() -> None:
    data = NumberData()
    moment = datetime(2025, 11, 24, tzinfo=UTC)
    data.write(0, [3, None, 1.5, moment])
    assert data.values(slots(4)).tolist()[2:] == [1.5, moment.timestamp()]
    assert np.isnan(data.keys(slots(4), True)[1])
    assert data.keys(slots(1), True).tolist() == [-3]
    data.renumber(np.array([2], np.int32))
    assert data.values(slots(1)).tolist() == [1.5]


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
    data.renumber(np.array([1, 2], np.int32))
    assert data.matches(slots(2), "x", text_test(TextTerm(None, "B"))).tolist() == [True, False]
    assert data.counts(slots(2)) == []


def test_each_kind_has_its_arrays() -> None:
    made = [type(column_data(kind)) for kind in Kind]
    assert made == [TextData, LineData, NumberData, NumberData]


def test_columns_give_up_their_beginning_and_keep_their_slots() -> None:
    numbers, lines = NumberData(), LineData()
    numbers.write(0, [1, 2, 3, 4])
    lines.write(0, ["a", "b", "c", "d"])
    for data in (numbers, lines):
        data.release(slots(2))
        data.cut(2, 4)
        assert data.first == 2
    numbers.write(4, [5])
    lines.write(4, ["e"])
    assert numbers.values(slice(2, 5)).tolist() == [3, 4, 5]
    found = lines.matches(np.array([4, 2], np.int32), "x", text_test(TextTerm(None, "e")))
    assert found.tolist() == [True, False]
