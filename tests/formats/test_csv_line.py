"""Values of a line: quotes, doubled quotes, and lines that no writer would write."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.csv_line import split_csv

_values = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), min_size=1)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("", [""]),
        ("a,,c", ["a", "", "c"]),
        ('"a, ""b"""', ['a, "b"']),
        ('x,"unfinished, line', ["x", "unfinished, line"]),
        ('"a"b,c', ["ab", "c"]),
        ('a"b",c', ['a"b"', "c"]),
        ('"",', ["", ""]),
    ],
)
def test_lines(line: str, values: list[str]) -> None:
    assert split_csv(line) == values


@given(_values, st.sampled_from(",;\t"))
def test_what_a_writer_wrote_is_read(values: list[str], delimiter: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator="").writerow(values)
    assert split_csv(written.getvalue(), delimiter) == values


@given(st.text(alphabet='a,"', max_size=40))
def test_any_text(line: str) -> None:
    assert "".join(split_csv(line)).count("a") == line.count("a")
