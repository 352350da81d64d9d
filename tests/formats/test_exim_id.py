from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exim_id import BASE_36, arrival_of, is_message_id

OLD, NEW = "1xVViO-0006Oq-2l", "16VDhn-000000001bo-D342"


def test_ids_of_both_lengths_hold_their_arrival() -> None:
    assert arrival_of("1ZqoiG-0006Oq-2l") == datetime(2015, 10, 26, 20, 49, 52, tzinfo=UTC)
    assert arrival_of("1ZqoiG-00000006OqX-2lA0") == arrival_of("1ZqoiG-0006Oq-2l")
    assert arrival_of(OLD) == datetime(2026, 11, 23, 15, 12, 20, tzinfo=UTC)


def test_base_36_where_file_names_ignore_case() -> None:
    assert arrival_of("T5C6F0-000001-00", BASE_36) == datetime.fromtimestamp(int("T5C6F0", 36), UTC)
    assert arrival_of("1xVViO-0006Oq-2l", BASE_36) is None, "small letters are no digits there"


@pytest.mark.parametrize(
    "text",
    ["", "-bd", "1xVViO-0006Oq-2l\n", " 1xVViO-0006Oq-2l", "1xVViO-0006Oq-2lX", "1xVViO-0006Oq",
     "1xVViO-0006Oq-2ü", "\uff11xVViO-0006Oq-2l", "$(reboot)", "1xVViO-0006Oq-2l-H", "A1B2C3D4E5"],
)  # fmt: skip
def test_what_is_no_id(text: str) -> None:
    assert not is_message_id(text)
    assert arrival_of(text) is None


@given(st.text(max_size=30))
def test_anything_is_an_id_or_has_no_time(text: str) -> None:
    assert is_message_id(text) or arrival_of(text) is None


@given(st.integers(0, 62**6 - 1))
def test_every_second_that_fits_comes_out_again(seconds: int) -> None:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    head, rest = "", seconds
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        head = digits[digit] + head
    found = arrival_of(f"{head}-000000-00")
    assert found is not None
    assert found.timestamp() == seconds
