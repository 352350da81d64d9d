"""Long strings in short entries, and broken writes recognised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.settings.split import (
    MOST_UNITS,
    BrokenEntryError,
    head_of,
    join,
    read_head,
    split,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4_000)


@given(texts)
def test_parts_make_the_value_again(value: str) -> None:
    assert join(head_of(value, 3), split(value)) == value


@given(texts)
def test_no_part_is_longer_than_windows_allows(value: str) -> None:
    assert all(len(part.encode("utf-16-le")) // 2 <= MOST_UNITS for part in split(value))


@given(texts, st.integers(1, 99))
def test_a_head_is_read_back(value: str, generation: int) -> None:
    head = head_of(value, generation)
    assert read_head(head.write()) == head


@given(st.text(min_size=1, max_size=300))
def test_a_changed_part_is_recognised(value: str) -> None:
    head = head_of("x" + value, 1)
    with pytest.raises(BrokenEntryError):
        join(head, split("y" + value))


def test_a_missing_part_is_named() -> None:
    head = head_of("a" * 3_000, 1)
    with pytest.raises(BrokenEntryError, match="part 2 of 3"):
        join(head, ["a" * 1_200, None, "a" * 600])


@pytest.mark.parametrize(
    "text", ["smtpadmin-parts:1:x:2:abc", "smtpadmin-parts:9:1:2:abc", "smtpadmin-parts:1:1:0:abc"]
)
def test_a_head_that_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(BrokenEntryError):
        read_head(text)


def test_a_plain_value_has_no_head() -> None:
    assert read_head('["u-1"]') is None
