from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_id import is_queue_id, long_id_time


@pytest.mark.parametrize("text", ["5995920C316", "1736261560", "4jZTPp2myczJ9Sv", "A1B2C3"])
def test_queue_ids(text: str) -> None:
    assert is_queue_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", "-d", "ALL", "A", "../../etc/x", "A1B2C3 -c", "A1B2C3\n", "$(reboot)", "A1B2C3*",
     "é1B2C3", "A" * 41],
)  # fmt: skip
def test_what_must_never_become_an_argument(text: str) -> None:
    assert not is_queue_id(text)


def test_the_time_in_a_long_id() -> None:
    assert long_id_time("4jZTPp2myczJ9Sv") == datetime(2026, 11, 25, 18, 54, 54, tzinfo=UTC)
    assert long_id_time("4ZqYt00000z1") == datetime(2025, 5, 3, 16, 59, 20, tzinfo=UTC)
    assert long_id_time("5995920C316") is None


@given(st.text("0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz", max_size=30))
def test_any_text_has_a_time_or_none(text: str) -> None:
    found = long_id_time(text)
    assert found is None or found.tzinfo is UTC
