"""A line is an object, or it is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.json_line import MOST_OCTETS, integer_of, read_object, text_of


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x",
        b"[1]",
        b'{"a":',
        b"{" * 100_000,
        b'{"a":"\xff"}',
        b'{"a":"' + b"x" * MOST_OCTETS + b'"}',
    ],
)
def test_no_object(line: bytes) -> None:
    assert read_object(line) is None


def test_values_of_another_type_are_none() -> None:
    assert (text_of("a"), text_of(""), text_of(1)) == ("a", None, None)
    assert (integer_of(5), integer_of(True), integer_of("5")) == (5, None, None)


@given(st.dictionaries(st.text(max_size=5), st.none() | st.integers(-9, 9) | st.text(max_size=5)))
def test_objects(value: dict[str, object]) -> None:
    assert read_object(b"\xef\xbb\xbf" + json.dumps(value).encode()) == value


@given(st.binary(max_size=60))
def test_any_octets(line: bytes) -> None:
    assert read_object(line) is None or line
