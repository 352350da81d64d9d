"""Finding the process group in a stream, however the octets arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.transport.group_mark import GROUP_MARK, INSIDE_MARK, Mark


@given(st.binary(max_size=50), st.binary(max_size=50), st.lists(st.integers(0, 130), max_size=5))
def test_the_mark_and_what_stands_before_it_are_taken_out(
    before: bytes, after: bytes, cuts: list[int]
) -> None:
    if GROUP_MARK in before:
        return
    data = before + GROUP_MARK + b"4711\n" + after
    mark, found = Mark(), b""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        found += mark.strip(data[start:end])
    assert found + mark.strip(b"", last=True) == after
    assert mark.group == 4711


def test_a_flood_without_the_mark_is_passed_on() -> None:
    mark = Mark()
    passed = sum(len(mark.strip(b"x" * 10_000)) for _ in range(20))
    assert passed == 200_000


@pytest.mark.parametrize("number", [b"0", b"1"])
def test_groups_that_are_none_are_not_told(number: bytes) -> None:
    mark = Mark()
    assert mark.strip(GROUP_MARK + number + b"\nx") == b"x"
    assert mark.group is None


def test_each_mark_is_its_own() -> None:
    mark = Mark(INSIDE_MARK)
    assert mark.strip(GROUP_MARK + b"5\n" + INSIDE_MARK + b"7\nerr") == b"err"
    assert mark.group == 7
