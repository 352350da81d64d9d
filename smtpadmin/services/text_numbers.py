"""The different texts of a column, each with a number: a dictionary that forgets, a little at a time.

Rows of a full log come and go without end, and many bring a text of their own. A number that no row
uses any more is given to the next new text, so that nothing has to be sorted out later, all at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from smtpadmin.services.columns import Value
from smtpadmin.services.slot_array import Ints, SlotList

MISSING = 0
"""The number of a text that the server cannot say; it sorts last and matches nothing."""

FEW_TEXTS = 20_000
"""Up to here texts stay known although no row has them: they come again."""

_RECENT = 16_384
"""Texts found without looking into the parts of the dictionary."""

_PARTS = 64
"""A dictionary of a million texts takes 60 ms when it outgrows its memory; its parts take one each."""


class Mark(NamedTuple):
    """How much of the dictionary somebody has seen: at first that a text may be missing."""

    era: int = 0
    texts: int = 1
    reused: int = 0


class TextNumbers:
    """``folded`` and ``shown`` hold, by number, the text without regard to case, and as it was spelt
    first."""

    def __init__(self) -> None:
        self.folded, self.shown = SlotList(""), SlotList("")
        self._count = 0
        self._recent: dict[str, int] = {}
        self._parts: list[dict[str, int]] = [{} for _ in range(_PARTS)]
        self._uses: Ints | None = None
        self._free: list[int] = []
        self._reused = array("i")
        self._era = 0
        self._put(MISSING, "", "")

    def __len__(self) -> int:
        return self._count

    def folded_from(self, first: int) -> list[str]:
        """All texts from a number on."""
        return self.folded[slice(first, self._count)]

    def _put(self, number: int, folded: str, shown: str) -> None:
        self.folded.put(number, folded)
        self.shown.put(number, shown)
        self._count = max(self._count, number + 1)

    def take(self, keys: Sequence[Value]) -> Ints:
        """The numbers of texts, each of which has one user more."""
        known = self._recent.get
        numbers = [
            MISSING if key is None else known(str(key).casefold()) or self._look_up(str(key))
            for key in keys
        ]
        found = np.array(numbers, np.int32)
        if self._uses is not None:
            if self._count > len(self._uses):
                more = np.zeros(self._count, np.int32)
                self._uses = np.concatenate((self._uses, more))
            np.add.at(self._uses, found, 1)
        return found

    def _look_up(self, shown: str) -> int:
        folded = shown.casefold()
        part = self._parts[hash(folded) % _PARTS]
        number = part.get(folded)
        if number is None:
            number = part[folded] = self._new(folded, shown)
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        self._recent[folded] = number
        return number

    def _new(self, folded: str, shown: str) -> int:
        number = self._free.pop() if self._free else self._count
        if number < self._count:
            self._reused.append(number)
        self._put(number, folded, shown)
        if len(self._reused) > self._count:
            self._new_era()
        return number

    @property
    def needs_counting(self) -> bool:
        """Whether there are so many that those no longer used are to be forgotten."""
        return self._uses is None and self._count > FEW_TEXTS

    def count(self, numbers: Ints) -> None:
        """Count from now on how many use each text; ``numbers`` of all users up to here."""
        self._uses = np.bincount(numbers, minlength=self._count).astype(np.int32)

    def release(self, numbers: Ints) -> None:
        """One user less for each; what nobody uses is forgotten, if users are counted."""
        if self._uses is not None:
            np.subtract.at(self._uses, numbers, 1)
            for number in set(numbers[self._uses[numbers] == 0].tolist()):
                if number != MISSING:
                    self._forget(number)

    def _forget(self, number: int) -> None:
        """The text itself stays until the number is used again: an order may still rest on it."""
        folded = self.folded[number]
        del self._parts[hash(folded) % _PARTS][folded]
        self._recent.pop(folded, None)
        self._free.append(number)

    def let_go(self) -> None:
        """Give back the memory of all texts that were forgotten."""
        for number in self._free:
            self._put(number, "", "")
        self._new_era()

    # What changed

    def _new_era(self) -> None:
        self._era += 1
        self._reused = array("i")

    def mark(self) -> Mark:
        """Everything up to now."""
        return Mark(self._era, self._count, len(self._reused))

    def since(self, mark: Mark) -> Sequence[int] | None:
        """The numbers whose text is another than at the mark, some perhaps twice; None: all."""
        if mark.era != self._era:
            return None
        new, reused = range(mark.texts, self._count), self._reused[mark.reused :]
        return [*reused, *new] if reused else new
