"""A million different texts as one string: searched in one go, ordered without comparing in Python.

Loaded with ``row_columns``, when there are rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import stringzilla as sz
from numpy.typing import NDArray

MANY = 20_000
"""Fewer texts are looked at one by one just as fast."""

_BETWEEN = "\x1e"
_TOO_MANY = 8
"""When more than one text in this many is hit, looking at each is faster than jumping."""


class JoinedTexts:
    """Texts that do not change any more."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.count = len(texts)
        self._joined = _BETWEEN.join(texts)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + len(_BETWEEN)
        self._starts: NDArray[np.int64] = np.cumsum(lengths) - lengths
        # stringzilla counts octets; with nothing but ASCII they are characters.
        self._find: Callable[[str, int], int] = (
            sz.Str(self._joined).find if self._joined.isascii() else self._joined.find
        )

    def containing(self, needle: str) -> NDArray[np.bool_] | None:
        """Which texts hold ``needle``; None when so many do, or the needle is of a kind, that they
        are better asked one by one."""
        if not needle or _BETWEEN in needle:
            return None
        places: list[int] = []
        at = self._find(needle, 0)
        while at >= 0:
            places.append(at)
            if len(places) * _TOO_MANY > self.count:
                return None
            at = self._find(needle, at + 1)
        hits = np.zeros(self.count, np.bool_)
        hits[np.searchsorted(self._starts, places, side="right") - 1] = True
        return hits


def order_of(texts: Sequence[str], *, ascii_only: bool = False) -> NDArray[np.int32]:
    """Positions of different ``texts`` in the order of their code points, as ``sorted`` has it.
    ``ascii_only``: it is known that they are."""
    if len(texts) < MANY or not (ascii_only or _has_octets(texts)):
        return np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int32)
    # UTF-8 octets and code points have the same order.
    return np.fromiter(sz.Strs(list(texts)).argsort(), np.int32, len(texts))


def _has_octets(texts: Sequence[str]) -> bool:
    """Whether all can be written as UTF-8: stringzilla ends the process on a lone surrogate."""
    try:
        _BETWEEN.join(texts).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
