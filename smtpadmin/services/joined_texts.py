"""A million different texts as one string: searched in one go, ordered without comparing in Python.

They are joined as they come, while they are at hand; collecting them later from all over the memory
would take longer than the search. Loaded with ``row_columns``, when there are rows.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    """Texts that do not change any more; further ones may come. Kept as UTF-8, whose octets have
    the order of the code points; a lone surrogate as if it were a character."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.count = 0
        self._pieces: list[bytes] = []
        self._lengths: list[Ints] = []
        self._starts: NDArray[np.int64] = np.empty(0, np.int64)
        self.add(texts)

    def add(self, texts: Sequence[str]) -> None:
        """Put texts behind those that are here."""
        if not texts:
            return
        joined = _BETWEEN.join(texts)
        octets = _octets(joined)
        lengths = map(len, texts if len(octets) == len(joined) else map(_octets, texts))
        self.count += len(texts)
        self._pieces.append(octets)
        self._lengths.append(np.fromiter(lengths, np.int32, len(texts)))
        if len(self._pieces) > _MOST_PIECES:
            self._join()

    def _join(self) -> bytes:
        if len(self._pieces) > 1:
            self._pieces = [_octets(_BETWEEN).join(self._pieces)]
            self._lengths = [np.concatenate(self._lengths)]
        return self._pieces[0] if self._pieces else b""

    def containing(self, needle: str) -> NDArray[np.bool_] | None:
        """Which texts hold ``needle``; None when so many do, or the needle is of a kind, that they
        are better asked one by one."""
        if not needle or _BETWEEN in needle or not self.count:
            return None
        find, wanted = sz.Str(self._join()).find, _octets(needle)
        places: list[int] = []
        at = find(wanted, 0)
        while at >= 0:
            places.append(at)
            if len(places) * _TOO_MANY > self.count:
                return None
            at = find(wanted, at + 1)
        hits = np.zeros(self.count, np.bool_)
        if places:
            hits[np.searchsorted(self._all_starts(), places, side="right") - 1] = True
        return hits

    def _all_starts(self) -> NDArray[np.int64]:
        if len(self._starts) != self.count:
            lengths = self._lengths[0].astype(np.int64) + len(_BETWEEN)
            self._starts = np.cumsum(lengths) - lengths
        return self._starts

    def order(self) -> Ints | None:
        """Positions of the texts in the order of their code points, as ``sorted`` has it, but equal
        ones in any order; None where they are better sorted one by one."""
        if self.count < MANY:
            return None
        parts = sz.Str(self._join()).split(_BETWEEN)
        if len(parts) != self.count:
            return None  # one of them has what stands between them
        return np.fromiter(parts.argsort(), np.int32, self.count)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
