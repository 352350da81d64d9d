"""Values by slot: they grow at the end and give up their beginning, without moving in between.

A slot is where a row lives from its arrival on (see ``row_index``). A full log drops its oldest rows
all day; an array that forgets them in place needs no new memory, and each can do so at its own time.

Imports numpy, as ``row_columns`` does, which loads it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Slots = Ints | slice
"""Some slots, or all from ``start`` to ``stop``."""
EMPTY: Ints = np.empty(0, np.int32)
_SMALL = 65_536
"""Up to here arrays grow by doubling. A larger one gets at once what it may need: memory that nobody
has touched costs nothing, and copying sixteen columns is seen as a stutter."""

_PIECE = 32_768
"""Objects in one piece of a :class:`SlotList`."""

T = TypeVar("T")
N = TypeVar("N", bound=np.generic)


def room_for(most: int) -> int:
    """Slots that a store of ``most`` rows needs when it drops the oldest: a quarter of them may be
    empty before they are given up."""
    return most + most // 4 + _SMALL


class SlotArray(Generic[N]):
    """Values of one kind, zero where none was written. ``room``: how many are expected at most."""

    def __init__(self, kind: type[N], room: int = 0) -> None:
        self._values: NDArray[N] = np.zeros(0, kind)
        self._room = room
        self.first = 0

    def __getitem__(self, slots: Slots) -> NDArray[N]:
        """The values of the slots; of a slice a view."""
        if isinstance(slots, slice):
            return self._values[slots.start - self.first : slots.stop - self.first]
        return self._values.take(slots - self.first if self.first else slots)

    def __setitem__(self, slots: Slots, values: ArrayLike) -> None:
        """Set the values of slots that were written before, or are behind them."""
        if isinstance(slots, slice):
            self._grow(slots.stop - self.first)
            self._values[slots.start - self.first : slots.stop - self.first] = values
        else:
            self._values[slots - self.first] = values

    def _grow(self, wanted: int) -> None:
        if wanted > len(self._values):
            length = max(wanted, 2 * len(self._values), 1_024)
            bigger = np.zeros(max(length, self._room) if length > _SMALL else length, self._values.dtype)  # fmt: skip
            bigger[: len(self._values)] = self._values
            self._values = bigger

    def cut(self, first: int, end: int) -> None:
        """Forget the slots before ``first``; those up to ``end`` are in use."""
        kept = end - first
        self._values[:kept] = self._values[first - self.first : end - self.first]
        self.first = first

    def renumber(self, slots: Ints) -> None:
        """Keep only these slots, numbered from 0."""
        self._values, self.first = self[slots], 0


class SlotList(Generic[T]):
    """Objects by slot, in pieces, of which the first are given up whole. An empty slot holds
    ``nothing``. No garbage collection looks at them, as it would at a list of a million: they must
    not lead back to whoever holds the list."""

    def __init__(self, nothing: T) -> None:
        self._pieces: list[NDArray[np.object_]] = []
        self._nothing = nothing
        self._lowest = 0
        self.first = 0

    @overload
    def __getitem__(self, slots: int) -> T: ...
    @overload
    def __getitem__(self, slots: Slots) -> list[T]: ...
    def __getitem__(self, slots: int | Slots) -> T | list[T]:
        """One object, or a list."""
        if isinstance(slots, int):
            piece, place = divmod(slots - self._lowest, _PIECE)
            found: T = self._pieces[piece][place]
            return found
        if isinstance(slots, slice):
            parts = [piece[part].tolist() for piece, part in self._parts(slots.start, slots.stop)]
            return list(itertools.chain.from_iterable(parts))
        pieces, lowest = self._pieces, self._lowest
        return [
            pieces[(slot - lowest) // _PIECE][(slot - lowest) % _PIECE] for slot in slots.tolist()
        ]

    def _parts(self, start: int, stop: int) -> Iterator[tuple[NDArray[np.object_], slice]]:
        """The pieces from one slot to another, and where in each of them."""
        at, end = start - self._lowest, stop - self._lowest
        while at < end:
            piece, place = divmod(at, _PIECE)
            length = min(_PIECE - place, end - at)
            yield self._pieces[piece], slice(place, place + length)
            at += length

    def put(self, slot: int, item: T) -> None:
        """Put one object into a slot that is there or the next one."""
        piece, place = divmod(slot - self._lowest, _PIECE)
        if piece == len(self._pieces):
            self._pieces.append(np.full(_PIECE, self._nothing, np.object_))
        self._pieces[piece][place] = item

    def write(self, first: int, items: Sequence[T]) -> None:
        """Put objects into the slots from ``first`` on."""
        while first + len(items) > self._lowest + len(self._pieces) * _PIECE:
            self._pieces.append(np.full(_PIECE, self._nothing, np.object_))
        rest = iter(items)
        for piece, part in self._parts(first, first + len(items)):
            length = part.stop - part.start
            piece[part] = np.fromiter(itertools.islice(rest, length), np.object_, length)

    def release(self, slots: Iterable[int]) -> None:
        """Let go of the objects in these slots."""
        for slot in slots:
            piece, place = divmod(slot - self._lowest, _PIECE)
            self._pieces[piece][place] = self._nothing

    def cut(self, first: int, end: int) -> None:
        """Forget the slots before ``first``, which are empty."""
        gone = (first - self._lowest) // _PIECE
        del self._pieces[:gone]
        self._lowest += gone * _PIECE
        self.first = first

    def renumber(self, slots: Ints) -> None:
        """Keep only these slots, numbered from 0."""
        kept = self[slots]
        self._pieces, self._lowest, self.first = [], 0, 0
        self.write(0, kept)


class GrowingOrder:
    """Orders that grow at their end: what was given before is a view of the same room and stays as
    it was, so that nothing is copied for each batch."""

    def __init__(self) -> None:
        self._room = EMPTY
        self._end = 0

    def appended(self, order: Ints, new: Ints) -> Ints:
        """``order``, with ``new`` behind it."""
        end = self._end + len(new)
        if not self._ends_here(order) or end > len(self._room):
            return self._moved(order, new)
        self._room[self._end : end] = new
        self._end = end
        return self._room[end - len(new) - len(order) : end]

    def _ends_here(self, order: Ints) -> bool:
        return order.base is self._room and _end_of(order) == _end_of(self._room[: self._end])

    def _moved(self, order: Ints, new: Ints) -> Ints:
        self._end = len(order) + len(new)
        self._room = np.empty(max(1_024, self._end + self._end // 4), np.int32)
        self._room[: len(order)] = order
        self._room[len(order) : self._end] = new
        return self._room[: self._end]


def _end_of(array: NDArray[Any]) -> int:
    """Where in memory it ends."""
    start: int = array.__array_interface__["data"][0]
    return start + array.nbytes


def chosen(order: Ints, flags: Bools) -> Ints:
    """The members of ``order`` whose flag is set; several times faster than ``order[flags]``."""
    return order.take(np.flatnonzero(flags))
