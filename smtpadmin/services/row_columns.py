"""The values of one column in numpy arrays: numbers and times as floats, lines as they are, texts by
number (see ``text_column``).

With what it loads the only module beside ``row_index`` and ``row_plan`` that imports numpy;
``row_store`` loads them when the first rows arrive, because the import costs more than a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from smtpadmin.services.columns import Kind, Value
from smtpadmin.services.filtering import TextTest
from smtpadmin.services.slot_array import Bools, Floats, Ints, SlotArray, SlotList, Slots
from smtpadmin.services.text_column import TextData


class NumberData:
    """A number or time column; NaN where the server cannot say. Times are seconds since 1970."""

    def __init__(self, room: int = 0) -> None:
        self._values = SlotArray(np.float64, room)

    @property
    def first(self) -> int:
        """The lowest slot that is kept."""
        return self._values.first

    def write(self, first: int, keys: Sequence[Value]) -> None:
        """Set the values of the slots from ``first`` on."""
        values = [key.timestamp() if isinstance(key, datetime) else key for key in keys]
        # None becomes NaN
        self._values[first : first + len(keys)] = np.array(values, np.float64)

    def release(self, slots: Ints) -> None:
        """These slots are empty now."""

    def cut(self, first: int, end: int) -> None:
        """Forget the slots before ``first``."""
        self._values.cut(first, end)

    def renumber(self, slots: Ints) -> None:
        """Keep only these slots, numbered from 0."""
        self._values.renumber(slots)

    def keys(self, slots: Ints, descending: bool) -> Floats:
        """Values whose ascending order is the wanted one; NaN sorts last both ways."""
        values = self._values[slots]
        return -values if descending else values

    def values(self, slots: Slots) -> Floats:
        """The values of the slots."""
        return self._values[slots]


_LINES_AT_ONCE = 4_096
"""Lines joined for one search: their case-folded copy lives that long."""


class LineData:
    """A column of long texts that rows hardly share. Keeps no copy of them, folded or otherwise."""

    def __init__(self) -> None:
        self._texts = SlotList("")

    @property
    def first(self) -> int:
        """The lowest slot that is kept."""
        return self._texts.first

    def write(self, first: int, keys: Sequence[Value]) -> None:
        """Set the texts of the slots from ``first`` on."""
        self._texts.write(first, ["" if key is None else str(key) for key in keys])

    def release(self, slots: Ints) -> None:
        """These slots are empty now."""
        self._texts.release(slots.tolist())

    def cut(self, first: int, end: int) -> None:
        """Forget the slots before ``first``."""
        self._texts.cut(first, end)

    def renumber(self, slots: Ints) -> None:
        """Keep only these slots, numbered from 0."""
        self._texts.renumber(slots)

    def matches(self, slots: Slots, name: object, test: TextTest) -> Bools:
        """Which slots pass. ``name`` is for columns that remember."""
        texts = self._texts[slots]
        if test.needle is None:
            return np.array([test.test(text.casefold()) for text in texts], np.bool_)
        parts = [
            _lines_with(texts[at : at + _LINES_AT_ONCE], test.needle)
            for at in range(0, len(texts), _LINES_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.bool_)

    def counts(self, slots: Ints) -> list[tuple[str, int]]:
        """Nothing: lines are not counted."""
        return []


def _lines_with(texts: Sequence[str], needle: str) -> Bools:
    folded = "\n".join(texts).casefold()
    if needle not in folded:
        return np.zeros(len(texts), np.bool_)
    lines = folded.split("\n")
    if len(lines) != len(texts):  # one of them has a line feed of its own
        lines = [text.casefold() for text in texts]
    return np.array([needle in line for line in lines], np.bool_)


def column_data(kind: Kind, room: int = 0) -> TextData | LineData | NumberData:
    """An empty column of that kind; ``room``: how many slots are expected at most."""
    if kind is Kind.TEXT:
        return TextData(room)
    return LineData() if kind is Kind.LINE else NumberData(room)
