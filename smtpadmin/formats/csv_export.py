"""Rows as CSV that a spreadsheet opens without running anything. Pure functions. RFC 4180."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: a leading ``=+-@`` gets an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def to_csv(header: Sequence[str], rows: Iterable[Sequence[str]], comment: str = "") -> str:
    """A CSV file's text with CRLF line ends; ``comment`` becomes a first line behind ``#``."""
    out = io.StringIO(newline="")
    if comment:
        out.write(f"# {comment}\r\n")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue()
