"""A million different texts as one string: searched in one go, ordered without comparing in Python.

They are joined as they come, while they are at hand; collecting them later from all over the memory
would take longer than the search. Loaded with ``row_columns``, when there are rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import stringzilla as sz
from numpy.typing import NDArray

MANY = 20_000
"""Fewer texts are looked at one by one just as fast."""

Ints = NDArray[np.int32]
_BETWEEN = "\x1e"
_MOST_PIECES = 2_000
_TOO_MANY = 8
"""When more than one text in this many is hit, looking at each is faster than jumping."""


class JoinedTexts:
    """Texts that do not change any more; further ones may come."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.count = 0
        self._pieces: list[str] = []
        self._lengths: list[Ints] = []
        self._starts: NDArray[np.int64] = np.empty(0, np.int64)
        self.add(texts)

    def add(self, texts: Sequence[str]) -> None:
        """Put texts behind those that are here."""
        if not texts:
            return
        self.count += len(texts)
        self._pieces.append(_BETWEEN.join(texts))
        self._lengths.append(np.fromiter(map(len, texts), np.int32, len(texts)))
        if len(self._pieces) > _MOST_PIECES:
            self._join()

    def _join(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = [_BETWEEN.join(self._pieces)]
            self._lengths = [np.concatenate(self._lengths)]
        return self._pieces[0] if self._pieces else ""

    def containing(self, needle: str) -> NDArray[np.bool_] | None:
        """Which texts hold ``needle``; None when so many do, or the needle is of a kind, that they
        are better asked one by one."""
        if not needle or _BETWEEN in needle or not self.count:
            return None
        joined = self._join()
        # stringzilla counts octets; with nothing but ASCII they are characters.
        find: Callable[[str, int], int] = sz.Str(joined).find if joined.isascii() else joined.find
        places: list[int] = []
        at = find(needle, 0)
        while at >= 0:
            places.append(at)
            if len(places) * _TOO_MANY > self.count:
                return None
            at = find(needle, at + 1)
        hits = np.zeros(self.count, np.bool_)
        if places:
            hits[np.searchsorted(self._all_starts(), places, side="right") - 1] = True
        return hits

    def _all_starts(self) -> NDArray[np.int64]:
        if len(self._starts) != self.count:
            lengths = self._lengths[0].astype(np.int64) + len(_BETWEEN)
            self._starts = np.cumsum(lengths) - lengths
        return self._starts

    def order(self) -> NDArray[np.int32] | None:
        """Positions of the texts in the order of their code points, as ``sorted`` has it, but equal
        ones in any order; None where they are better sorted one by one."""
        if self.count < MANY:
            return None
        try:  # stringzilla ends the process on a lone surrogate
            octets = self._join().encode("utf-8")
        except UnicodeEncodeError:
            return None
        # UTF-8 octets and code points have the same order.
        parts = sz.Str(octets).split(_BETWEEN)
        if len(parts) != self.count:
            return None
        return np.fromiter(parts.argsort(), np.int32, self.count)
