"""Spans of time as they are typed."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats import spans
from smtpadmin.formats.spans import MOST_SECONDS, seconds_of
from smtpadmin.model.errors import UsageError


def test_the_example() -> None:
    assert doctest.testmod(spans).failed == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30), ("0.5s", 0.5), ("2H", 7200), (" 1d ", 86400)]
)
def test_spans(text: str, seconds: float) -> None:
    assert seconds_of(text, "x") == seconds


@given(st.text(max_size=12))
def test_anything_is_a_span_or_a_usage_error(text: str) -> None:
    try:
        found = seconds_of(text, "--every")
    except UsageError:
        return
    assert 0 < found <= MOST_SECONDS
