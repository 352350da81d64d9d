"""CSV that reads back, and runs nothing in a spreadsheet."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.csv_export import safe_cell, to_csv

cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)


@given(st.lists(st.tuples(cells, cells), max_size=8))
def test_rows_read_back(rows: list[tuple[str, str]]) -> None:
    text = to_csv(["a", "b"], rows)
    found = list(csv.reader(io.StringIO(text)))
    assert found == [["a", "b"], *([safe_cell(one), safe_cell(two)] for one, two in rows)]


def test_formulas_are_disarmed() -> None:
    for start in ("=", "+", "-", "@"):
        assert safe_cell(f"{start}cmd|' /C calc'!A0").startswith("'")
    assert safe_cell("a=b") == "a=b"


def test_the_comment_names_filter_and_zone() -> None:
    assert to_csv(["a"], [], "filter: x").splitlines()[0] == "# filter: x"
